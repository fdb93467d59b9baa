internal import Logging
internal import PostgresClient
internal import PostgresTesting
internal import Testing

@testable internal import SwellStore

@Suite struct MigratorTests {
    private static let first = Migration(number: 1, name: "one", sql: Array("CREATE TABLE one (a integer);".utf8))
    private static let second = Migration(
        number: 2, name: "two", sql: Array("INSERT INTO one VALUES (1); CREATE TABLE two (b integer);".utf8))

    private func database() async throws -> PostgresConfiguration {
        try await PostgresServer.shared().createDatabase().configuration
    }

    private func count(_ table: String, in configuration: PostgresConfiguration) async throws -> Int {
        let connection = try await PostgresConnection.connect(to: configuration)
        let count = try await connection.query("SELECT count(*) FROM \(table)").scalar(Int.self)
        await connection.close()
        return count
    }

    @Test func eachMigrationIsAppliedOnceEvenByRivals() async throws {
        let configuration = try await database()
        try await PostgresStore.migrate(configuration, to: [Self.first], logger: quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try await PostgresStore.migrate(configuration, to: [Self.first, Self.second], logger: quiet)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await count("one", in: configuration) == 1)
        #expect(try await count("schema_migrations", in: configuration) == 2)
    }

    @Test func anEditedMigrationIsRefused() async throws {
        let configuration = try await database()
        try await PostgresStore.migrate(configuration, to: [Self.first], logger: quiet)
        var edited = Self.first
        edited.sql += Array(" -- harmless".utf8)
        let error = await expect(.schema) { () async throws(StoreError) in
            try await PostgresStore.migrate(configuration, to: [edited, Self.second], logger: quiet)
        }
        #expect(error?.message.contains("must not be edited") == true)
        #expect(try await count("schema_migrations", in: configuration) == 1)
    }

    @Test func aNewerSchemaIsRefused() async throws {
        let configuration = try await database()
        try await PostgresStore.migrate(configuration, to: [Self.first, Self.second], logger: quiet)
        let error = await expect(.schema) { () async throws(StoreError) in
            try await PostgresStore.migrate(configuration, to: [Self.first], logger: quiet)
        }
        #expect(error?.message.contains("newer program") == true)
    }

    @Test func aSchemaThatIsLookedAtIsThisProgramsOrRefused() async throws {
        let configuration = try await database()
        func look() async -> StoreError? {
            await expect(.schema) { () async throws(StoreError) in
                try await PostgresStore.checkSchema(of: configuration, logger: quiet)
            }
        }
        #expect(await look()?.message.contains("swell-coordinator migrate") == true)
        try await PostgresStore.migrate(configuration, to: [Migration.all[0]], logger: quiet)
        #expect(await look()?.message.contains("1 of the \(Migration.all.count)") == true)
        try await PostgresStore.migrate(configuration, logger: quiet)
        try await PostgresStore.checkSchema(of: configuration, logger: quiet)
    }

    @Test func aFailedMigrationLeavesNothing() async throws {
        let configuration = try await database()
        let broken = Migration(number: 2, name: "two", sql: Array("CREATE TABLE two (b integer); SELECT 1 / 0;".utf8))
        await expect(.internalError) { () async throws(StoreError) in
            try await PostgresStore.migrate(configuration, to: [Self.first, broken], logger: quiet)
        }
        #expect(try await count("schema_migrations", in: configuration) == 1)
        try await PostgresStore.migrate(configuration, to: [Self.first, Self.second], logger: quiet)
        #expect(try await count("two", in: configuration) == 0)
    }

    @Test func numbersRiseWithoutGaps() {
        #expect(Migration.all.map(\.number) == Array(1...Migration.all.count))
        #expect(Migration.all.allSatisfy { !$0.sql.isEmpty })
    }
}
