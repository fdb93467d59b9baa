internal import PostgresClient
internal import SwellEngine
internal import SwellIdentity
internal import SwellLoad
internal import SwellModel
internal import SwellStore

extension Stage {
    /// Declares a fleet and lists its agents' certificates, as so many enrolments would; writes the fleet file for the load.
    ///
    /// Cluster number i is of the group i / 100, by a label; of thousand i / 1,000; and of its group's stage `s0` (the first 20), `s1` (30) or `s2` (50).
    func makeFleet(_ count: Int) async throws {
        let names = try FleetMaker.names(count)
        let (file, listed) = try await FleetMaker.issue(names, by: authorities.issuing, now: Clock.now())
        try file.write(fleetFile)
        let clusters = names.enumerated().map { index, name in
            Cluster(
                name: name, region: "load", environment: "production",
                labels: [
                    "group": Self.group(index / 100), "stage": Self.stage(index % 100), "thousand": "\(index / 1_000)",
                ])
        }
        for start in stride(from: 0, to: clusters.count, by: 1_000) {
            let part = Array(clusters[start..<min(start + 1_000, clusters.count)])
            _ = try await store.apply(FleetDocuments(clusters: part), by: "benchmark")
        }
        let cluster = PostgresValue.array(listed.map(\.cluster.rawValue))
        try await pool.pipeline([
            PostgresStatement(
                """
                INSERT INTO certificates (serial, cluster, expires_at, number, key_fingerprint, used_at)
                SELECT n.serial, n.cluster, to_timestamp(n.expires / 1000.0), 1, n.key, swell_now()
                FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS n (serial, cluster, expires, key)
                """,
                [
                    .array(listed.map(\.serial)), cluster, .int64s(listed.map(\.expiresAt.milliseconds)),
                    .array(listed.map(\.keyFingerprint)),
                ]),
            PostgresStatement(
                """
                INSERT INTO cluster_trust (cluster, counter, valid_from, cluster_uid)
                SELECT n.cluster, 1, 1, n.uid FROM unnest($1::text[], $2::text[]) AS n (cluster, uid)
                ON CONFLICT (cluster) DO UPDATE SET counter = 1, valid_from = 1, cluster_uid = excluded.cluster_uid
                """, [cluster, .array(listed.map(\.uid))]),
            PostgresStatement(
                """
                INSERT INTO agents (cluster, is_enrolled) SELECT n, true FROM unnest($1::text[]) AS n
                ON CONFLICT (cluster) DO UPDATE SET is_enrolled = true
                """, [cluster]),
        ])
        for table in ["clusters", "certificates", "cluster_trust", "agents"] {
            try await pool.pipeline([PostgresStatement("ANALYZE \(table)", prepared: false)])
        }
    }

    static func group(_ number: Int) -> String { "g\(number)" }

    static func stage(_ place: Int) -> String { place < 20 ? "s0" : place < 50 ? "s1" : "s2" }
}
