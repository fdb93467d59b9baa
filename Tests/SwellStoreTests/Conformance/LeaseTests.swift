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
            let kept = try await store.renewLeases(holder: "a", lifetime: .seconds(90))
            #expect(kept.map(\.name) == ["x", "y"])
            let now = try await store.now()
            #expect(kept.allSatisfy { $0.expiresAt > now + .seconds(60) })
            try await store.releaseLeases(holder: "a")
            #expect(try await store.acquireLease("x", holder: "b", lifetime: .seconds(60)) != nil)
            #expect(try await store.acquireLease("z", holder: "a", lifetime: .seconds(60)) == nil)
            #expect(try await store.renewLeases(holder: "a", lifetime: .seconds(60)).isEmpty)
        }
    }
}

@Suite struct TokenTests {
    @Test(arguments: StoreForm.allCases)
    func aTokenIsSpentOnce(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let later = try await store.now() + .hours(1)
            try await store.createToken(hash: "h1", cluster: "east-1", expiresAt: later, by: "ann")
            #expect(try await store.spendToken(hash: "unknown", certificateSerial: "s0") == nil)
            #expect(try await store.spendToken(hash: "h1", certificateSerial: "s1") == "east-1")
            #expect(try await store.spendToken(hash: "h1", certificateSerial: "s2") == nil)
            // The one that spent it may ask again, and is not noted as having joined twice.
            #expect(try await store.spendToken(hash: "h1", certificateSerial: "s1") == "east-1")
            let joined = try await store.latestEvents(filter: EventFilter(cluster: "east-1"), limit: 50)
            #expect(joined.count { $0.what == "cluster.joined" } == 1)
            #expect(try await store.clusters().filter(\.isEnrolled).map(\.cluster.name) == ["east-1"])
            let past = try await store.now() - .seconds(1)
            try await store.createToken(hash: "h2", cluster: "east-2", expiresAt: past, by: "ann")
            #expect(try await store.spendToken(hash: "h2", certificateSerial: "s3") == nil)
            try await store.createToken(hash: "h3", cluster: "east-2", expiresAt: later, by: "ann")
            try await store.removeCluster("east-2", by: "ann")
            #expect(try await store.spendToken(hash: "h3", certificateSerial: "s4") == nil)
            await expect(.notFound) { () async throws(StoreError) in
                try await store.createToken(hash: "h4", cluster: "nowhere", expiresAt: later, by: "ann")
            }
            await expect(.conflict) { () async throws(StoreError) in
                try await store.createToken(hash: "h1", cluster: "east-1", expiresAt: later, by: "ann")
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func deniedCertificatesStayDenied(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let later = try await store.now() + .hours(1)
            try await store.createToken(hash: "h1", cluster: "east-1", expiresAt: later, by: "ann")
            _ = try await store.spendToken(hash: "h1", certificateSerial: "s1")
            try await store.noteCertificate("s1", cluster: "east-1", expiresAt: later)
            try await store.noteCertificate("s2", cluster: "east-1", expiresAt: later)
            try await store.noteCertificate("s3", cluster: "east-2", expiresAt: later)
            try await store.createToken(hash: "h2", cluster: "east-1", expiresAt: later, by: "ann")
            #expect(try await !store.isDenied(serial: "s1"))
            #expect(try await !store.isDenied(serial: "unknown"))
            try await store.denyCertificates(of: "east-1", by: "ann")
            #expect(try await store.isDenied(serial: "s1"))
            #expect(try await store.isDenied(serial: "s2"))
            #expect(try await !store.isDenied(serial: "s3"))
            #expect(try await store.denied(among: ["s1", "s3", "unknown"]) == ["s1"])
            #expect(try await store.denied(among: []).isEmpty)
            #expect(try await store.spendToken(hash: "h1", certificateSerial: "s1") == nil)
            #expect(try await store.spendToken(hash: "h2", certificateSerial: "s5") == nil)
            try await store.createToken(hash: "h3", cluster: "east-1", expiresAt: later, by: "ann")
            #expect(try await store.spendToken(hash: "h3", certificateSerial: "s6") == "east-1")
            #expect(try await !store.isDenied(serial: "s6"))
            try await store.noteCertificate("s1", cluster: "east-1", expiresAt: later)
            #expect(try await store.isDenied(serial: "s1"))
            try await store.removeCluster("east-2", by: "ann")
            #expect(try await store.isDenied(serial: "s3"))
        }
    }
}
