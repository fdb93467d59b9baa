internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

@Suite struct ReleaseTests {
    @Test(arguments: StoreForm.allCases)
    func aReleaseKeepsItsDocumentsByDigest(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            for document in Fixtures.documents("1.0") {
                #expect(try await store.document(document.digest) == document.content)
            }
            #expect(try await store.document(ContentDigest(of: [1, 2, 3])) == nil)
            #expect(try await store.release(of: "shop", version: "1.0") == Fixtures.release("1.0"))
            #expect(try await store.release(of: "shop", version: "2.0") == nil)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func theSameVersionIsTheSameReleaseOrAConflict(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            var again = Fixtures.release("1.0")
            again.createdBy = "bob"
            let stored = try await store.createRelease(again, documents: Fixtures.documents("1.0"))
            #expect(stored.createdBy == "ann")
            var other = Fixtures.release("2.0")
            other.reference.version = "1.0"
            let error = await expect(.conflict) { () async throws(StoreError) in
                _ = try await store.createRelease(other, documents: Fixtures.documents("2.0"))
            }
            #expect(error?.message.contains("1.0 of shop") == true)
            #expect(try await store.document(Fixtures.reference("2.0").digest) == nil)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func whatIsIncompleteIsRefused(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            await expect(.invalid) { () async throws(StoreError) in
                _ = try await store.createRelease(
                    Fixtures.release("2.0"), documents: Array(Fixtures.documents("2.0").dropFirst()))
            }
            await expect(.notFound) { () async throws(StoreError) in
                _ = try await store.createRelease(
                    Fixtures.release("2.0", of: "till"), documents: Fixtures.documents("2.0"))
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func releasesAreListedNewestFirst(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            for version in ["1.1", "1.2"] {
                _ = try await store.createRelease(
                    Fixtures.release(version), documents: Fixtures.documents(version))
            }
            #expect(try await store.releases(of: "shop", limit: 10).map(\.reference.version) == ["1.2", "1.1", "1.0"])
            #expect(try await store.releases(of: "shop", limit: 1).map(\.reference.version) == ["1.2"])
            #expect(try await store.releases(of: "till", limit: 10).isEmpty)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aClusterReadsOnlyWhatItIsToRunOrMayFallBackTo(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            _ = try await store.createRelease(Fixtures.release("2.0"), documents: Fixtures.documents("2.0"))
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            for document in Fixtures.documents("1.0") {
                #expect(try await store.mayRead(document.digest, cluster: "east-1"))
                #expect(try await !store.mayRead(document.digest, cluster: "east-2"))
            }
            #expect(try await !store.mayRead(Fixtures.documents("2.0")[0].digest, cluster: "east-1"))
            #expect(try await !store.mayRead(Fixtures.documents("2.0")[1].digest, cluster: "east-1"))
            _ = try await store.decide("r1", under: lease) { input in
                var decision = input.dispatching(["east-2"])
                decision.assignments[0].fallback = Fixtures.reference("2.0")
                return decision
            }
            #expect(try await store.mayRead(Fixtures.documents("2.0")[1].digest, cluster: "east-2"))
        }
    }

    @Test(arguments: StoreForm.allCases)
    func maintainingKeepsWhatAClusterRefersTo(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            for version in ["1.1", "1.2", "1.3"] {
                _ = try await store.createRelease(
                    Fixtures.release(version), documents: Fixtures.documents(version))
            }
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            _ = try await store.decide("r1", under: lease) { $0.proving(["east-1"]) }
            _ = try await store.decide("r1", under: lease) { $0.ending(as: .succeeded) }
            let outcome = try await store.maintain(Retention(releases: 1))
            #expect(outcome.releases == 2)
            #expect(outcome.documents == 4)
            #expect(try await store.releases(of: "shop", limit: 10).map(\.reference.version) == ["1.3", "1.0"])
            #expect(try await store.document(Fixtures.documents("1.0")[1].digest) != nil)
            #expect(try await store.document(Fixtures.documents("1.1")[1].digest) == nil)
            #expect(try await store.document(Fixtures.documents("1.1")[2].digest) != nil)
        }
    }
}
