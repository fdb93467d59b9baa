internal import PostgresClient
internal import PostgresTesting
internal import SwellModel
internal import Testing

@testable internal import SwellStore

/// What an installation's database says of who belongs to it, and of whether it takes writes.
@Suite(.timeLimit(.minutes(2))) struct AuthorityNoteTests {
    private func refusal(_ store: PostgresStore, _ authorities: [String]) async -> String? {
        do {
            try await store.noteAuthorities(authorities)
            return nil
        } catch {
            return error.code == .refused ? error.message : "another error: \(error)"
        }
    }

    @Test func aReplicaWithAnotherAuthorityIsNotOfThisInstallation() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            #expect(await refusal(store, ["a"]) == nil)
            #expect(await refusal(store, ["a"]) == nil)
            let message = await refusal(store, ["x"])
            #expect(
                message?.contains("whose authority is a, and this state directory's is x") == true, "\(message ?? "")")
            // A rotation goes a step at a time.
            try await store.changeAuthorities(trusted: ["a", "b"], formerly: ["a"])
            #expect(await refusal(store, ["a"]) == nil, "a replica that has not followed yet takes nothing away")
            #expect(await refusal(store, ["b"]) == nil)
            try await store.changeAuthorities(trusted: ["b"], formerly: ["a", "b"])
            #expect(await refusal(store, ["a"]) != nil, "the former one is retired")
            try await store.changeAuthorities(trusted: ["b"], formerly: ["b"])
            try await store.noteAuthorities(["stolen no more"], isAdopting: true)
            #expect(await refusal(store, ["b"]) != nil)
            // A replica that still runs with the stolen one does not bring it back.
            let error = await #expect(throws: StoreError.self) {
                try await store.changeAuthorities(trusted: ["b"], formerly: ["b"])
            }
            #expect(error?.code == .refused)
            #expect(await refusal(store, ["b"]) != nil)
            #expect(await refusal(store, ["stolen no more"]) == nil)
        }
        await #expect(throws: StoreError.self) {
            try await PostgresStore.noteAuthorities(["x"], in: database.service)
        }
    }

    @Test func aDatabaseThatTakesNoWritesSaysSo() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            let isWritable = try await store.isWritable()
            let facts = try await store.databaseFacts()
            #expect(isWritable && facts.isReadOnly == false)
        }
        try await withPool(database.owner) { pool in
            _ = try await pool.query(
                """
                DO $$ BEGIN
                    EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
                END $$
                """)
        }
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            let isWritable = try await store.isWritable()
            let facts = try await store.databaseFacts()
            #expect(!isWritable && facts.isReadOnly == true)
            do {
                try await store.setRegionPause("us-east", nil, by: "ann")
                Issue.record("it was written")
            } catch let error as StoreError {
                #expect(error.isReadOnly, "\(error)")
                #expect(error.description.hasPrefix("the database is read-only"))
            }
        }
    }
}
