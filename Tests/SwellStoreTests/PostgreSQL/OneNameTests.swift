internal import Logging
internal import PostgresClient
internal import PostgresTesting
internal import SwellModel
internal import Testing

@testable internal import SwellStore

/// One cluster has one name, also where an earlier version left two.
@Suite(.timeLimit(.minutes(2))) struct OneNameTests {
    private func insert(_ cluster: String, uid: String, certificate: String?, in pool: PostgresPool) async throws {
        _ = try await pool.query(
            "INSERT INTO cluster_trust (cluster, cluster_uid, counter, valid_from) VALUES ($1, $2, 1, 1)",
            [.text(cluster), .text(uid)])
        guard let certificate else { return }
        _ = try await pool.query(
            """
            INSERT INTO certificates (serial, cluster, expires_at, number)
            VALUES ($1, $2, swell_now() + interval '1 day', 1)
            """, [.text(certificate), .text(cluster)])
    }

    /// A name that was removed by a version before, which kept its uid, is applied again and never joins.
    @Test func aNameThatNobodyUsesTakesNobodyOut() async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, to: Array(Migration.all.prefix(12)), logger: quiet)
        let clusters = try ["old-1", "east-1", "west-1"].map {
            Cluster(name: try ClusterName($0), region: "us-east-1", environment: "production")
        }
        try await withPool(database) { pool in
            let before = PostgresStore(pool: pool)
            _ = try await before.apply(FleetDocuments(clusters: Array(clusters.dropFirst())), by: "git")
            try await insert("old-1", uid: "u1", certificate: nil, in: pool)
            // Two that have one uid: who works with it stays, whatever the names are.
            try await insert("east-1", uid: "u1", certificate: nil, in: pool)
            try await insert("west-1", uid: "u1", certificate: "w1", in: pool)
        }
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { pool in
            let store = PostgresStore(pool: pool)
            _ = try await store.apply(FleetDocuments(clusters: [clusters[0]]), by: "git")
            #expect(try await store.noteClusterUID("u1", of: "west-1") == .isNoted)
            #expect(try await store.noteClusterUID("u1", of: "old-1") == .isOf("west-1"))
            #expect(try await store.noteClusterUID("u1", of: "east-1") == .isOf("west-1"))
            // A replica of before notes it for two, and takes a cluster out with its uid: the database does not let it.
            await #expect(throws: (any Error).self) {
                _ = try await pool.query(
                    "UPDATE cluster_trust SET cluster_uid = 'u1', uid_is_open = false WHERE cluster = 'east-1'")
            }
            #expect(try await store.noteClusterUID("u1", of: "west-1") == .isNoted)
            _ = try await pool.query("DELETE FROM clusters WHERE name = 'west-1'")
            #expect(try await store.noteClusterUID("u1", of: "east-1") == .isNoted)
            // Who has left notes nothing.
            _ = try await store.noteClusterUID("u9", of: "west-1")
            #expect(try await store.noteClusterUID("u9", of: "old-1") == .isNoted)
            // Agents that keep to namespaces share.
            _ = try await store.apply(FleetDocuments(clusters: [clusters[2]]), by: "git")
            _ = try await pool.query("UPDATE cluster_trust SET uid_is_open = true")
            #expect(try await store.noteClusterUID("shop/u7", of: "old-1") == .isNoted)
            #expect(try await store.noteClusterUID("shop/u7", of: "west-1") == .isNoted)
        }
    }
}
