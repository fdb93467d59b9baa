internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

@Suite struct LeaseTests {
    @Test(arguments: StoreForm.allCases)
    func aLeaseIsOneHoldersUntilItExpires(form: StoreForm) async throws {
        try await form.run { store in
            let first = try #require(try await store.acquireLease("x", holder: "a", lifetime: .seconds(60)))
            #expect(try await store.acquireLease("x", holder: "b", lifetime: .seconds(60)) == nil)
            let longer = try #require(try await store.acquireLease("x", holder: "a", lifetime: .seconds(90)))
            #expect(longer.epoch == first.epoch)
            #expect(longer.expiresAt > first.expiresAt)
            let renewed = try #require(try await store.acquireLease("x", holder: "a", lifetime: .milliseconds(50)))
            #expect(renewed.epoch == first.epoch)
            var second: Lease?
            try await eventually("another may claim it") {
                second = try await store.acquireLease("x", holder: "b", lifetime: .seconds(60))
                return second != nil
            }
            #expect(try await store.now() >= renewed.expiresAt)
            #expect(second.map { $0.epoch > first.epoch } == true)
            try await store.releaseLease(first)
            #expect(try await store.acquireLease("x", holder: "a", lifetime: .seconds(60)) == nil)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func epochsRiseOverAllLeases(form: StoreForm) async throws {
        try await form.run { store in
            let x = try #require(try await store.acquireLease("x", holder: "a", lifetime: .seconds(60)))
            let y = try #require(try await store.acquireLease("y", holder: "b", lifetime: .seconds(60)))
            #expect(y.epoch > x.epoch)
            try await store.releaseLease(x)
            let again = try #require(try await store.acquireLease("x", holder: "a", lifetime: .seconds(60)))
            #expect(again.epoch > y.epoch)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aHolderRenewsAndReleasesAllAtOnce(form: StoreForm) async throws {
        try await form.run { store in
            let short = try #require(
                try await store.acquireLease("short", holder: "a", lifetime: .milliseconds(30)))
            for name in ["x", "y"] {
                _ = try await store.acquireLease(name, holder: "a", lifetime: .seconds(60))
            }
            _ = try await store.acquireLease("z", holder: "b", lifetime: .seconds(60))
            try await eventually("the short one expires") { try await store.now() > short.expiresAt }
            let kept = try await store.renewLeases(holder: "a", lifetime: .seconds(90)).renewed
            #expect(kept.map(\.name) == ["x", "y"])
            let now = try await store.now()
            #expect(kept.allSatisfy { $0.expiresAt > now + .seconds(60) })
            try await store.releaseLeases(holder: "a")
            #expect(try await store.acquireLease("x", holder: "b", lifetime: .seconds(60)) != nil)
            #expect(try await store.acquireLease("z", holder: "a", lifetime: .seconds(60)) == nil)
            #expect(try await store.renewLeases(holder: "a", lifetime: .seconds(60)) == LeaseRenewal())
        }
    }
}
