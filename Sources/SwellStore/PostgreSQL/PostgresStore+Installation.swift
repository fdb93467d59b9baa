internal import PostgresClient
public import SwellModel

extension PostgresStore {
    /// What matters here of a server's settings.
    private static let settings = [
        "autovacuum", "fsync", "full_page_writes", "max_connections", "superuser_reserved_connections",
        "synchronous_commit",
    ]

    /// The database as this program's own connection sees it. What the connection was asked to be is for the caller to say.
    public func databaseFacts() async throws(StoreError) -> InstallationView.Database {
        try await read([
            PostgresStatement(
                """
                SELECT current_setting('server_version_num')::bigint, clock_timestamp(),
                    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
                    (SELECT s.version FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid() AND s.ssl),
                    coalesce((SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user), false),
                    pg_is_in_recovery(), (SELECT count(*) FROM schema_migrations),
                    current_setting('default_transaction_read_only') = 'on',
                    (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = 'audit_events'::regclass)
                """),
            PostgresStatement(
                "SELECT name, setting FROM pg_settings WHERE name = ANY($1)", [.texts(Self.settings)]),
        ]) { results in
            guard let row = results[0].first else {
                throw StoreError(code: .invalid, message: "the database said nothing of itself")
            }
            let settings = try results[1].map { try $0.decode(String.self, String.self) }
            return InstallationView.Database(
                version: try row.decode(at: 0), now: try row.time(1),
                settings: Dictionary(settings) { first, _ in first }, connections: try row.decode(at: 2),
                isRemote: false, tls: try row.decode(String?.self, at: 3), sslMode: nil,
                isSuperuser: try row.decode(at: 4), isInRecovery: try row.decode(at: 5),
                isReadOnly: try row.decode(Bool.self, at: 7), ownsTables: try row.decode(Bool?.self, at: 8),
                migrations: try row.decode(at: 6), knownMigrations: Migration.all.count)
        }
    }

    /// The fleet's agents in figures: one pass over each table, whatever the fleet's size, and a few names.
    public func agentFacts() async throws(StoreError) -> InstallationView.Agents {
        let few = PostgresValue.int(InstallationView.Sample.maximumExamples)
        let notice = PostgresValue.int(Int(InstallationView.Agents.certificateNotice.milliseconds / 1_000))
        /// Counts what a query gives, and names the first of it.
        func sample(_ clusters: String, _ more: [PostgresValue] = []) -> PostgresStatement {
            PostgresStatement(
                """
                WITH found AS (\(clusters))
                SELECT (SELECT count(*) FROM found),
                    ARRAY(SELECT cluster FROM found ORDER BY cluster COLLATE "C" LIMIT $1::bigint)
                """, [few] + more)
        }
        return try await read([
            PostgresStatement(
                """
                SELECT count(*), count(*) FILTER (WHERE a.connected_to IS NOT NULL)
                FROM clusters c LEFT JOIN agents a ON a.cluster = c.name
                """),
            PostgresStatement(
                """
                SELECT coalesce(a.version, ''), count(*) FROM agents a JOIN clusters c ON c.name = a.cluster
                WHERE a.connected_to IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $1::bigint
                """, [.int(InstallationView.Agents.maximumVersions)]),
            sample(
                """
                SELECT c.name AS cluster FROM clusters c LEFT JOIN agents a ON a.cluster = c.name
                WHERE NOT coalesce(a.is_enrolled, false)
                """),
            sample(
                """
                SELECT a.cluster FROM agents a JOIN clusters c ON c.name = a.cluster
                WHERE a.is_enrolled AND a.connected_to IS NULL
                """),
            sample(
                """
                SELECT s.cluster FROM certificates s JOIN agents a ON a.cluster = s.cluster
                    JOIN clusters c ON c.name = s.cluster LEFT JOIN cluster_trust t ON t.cluster = s.cluster
                WHERE a.connected_to IS NOT NULL AND s.used_at IS NOT NULL AND s.denied_at IS NULL
                    AND s.number >= coalesce(t.valid_from, 0)
                GROUP BY s.cluster
                HAVING max(s.expires_at) < clock_timestamp() + make_interval(secs => $2::bigint)
                """, [notice]),
            sample(
                """
                SELECT DISTINCT s.cluster FROM cluster_status s JOIN clusters c ON c.name = s.cluster
                WHERE s.report->>'reason' = 'Forbidden'
                    OR s.report->>'message' LIKE '%grant it to system:serviceaccount:%'
                """),
            sample(
                """
                SELECT DISTINCT f.cluster FROM (
                    SELECT s.cluster FROM certificates s JOIN agents a ON a.cluster = s.cluster
                        JOIN clusters c ON c.name = s.cluster
                    WHERE s.former IS NOT NULL AND s.expires_at > clock_timestamp()
                    GROUP BY s.cluster, s.former HAVING count(*) > $2::bigint AND bool_and(s.used_at IS NULL)
                ) AS f
                """, [.int(InstallationView.Agents.unusedRenewalsBorne)]),
            // A copy is told of a certificate that counts no more: one that does, and was told of, is in the wrong place.
            sample(
                """
                SELECT DISTINCT s.cluster FROM certificates s JOIN clusters c ON c.name = s.cluster
                    JOIN cluster_trust t ON t.cluster = s.cluster JOIN agents a ON a.cluster = s.cluster
                WHERE s.misused_at IS NOT NULL AND s.denied_at IS NULL AND s.number >= t.valid_from
                    AND a.connected_to IS NULL AND (a.last_seen_at IS NULL OR a.last_seen_at < s.misused_at)
                """),
            sample(
                """
                SELECT DISTINCT s.cluster FROM certificates s JOIN clusters c ON c.name = s.cluster
                    LEFT JOIN cluster_trust t ON t.cluster = s.cluster
                WHERE s.shared_at IS NOT NULL AND s.denied_at IS NULL AND s.number >= coalesce(t.valid_from, 0)
                    AND s.expires_at > clock_timestamp()
                """),
        ]) { results in
            func sample(_ result: PostgresResult) throws -> InstallationView.Sample {
                guard let row = result.first else { return InstallationView.Sample() }
                return InstallationView.Sample(
                    count: try row.decode(at: 0),
                    examples: try row.decode([String].self, at: 1).map { try ClusterName($0) })
            }
            let versions = try results[1].map { try $0.decode(String.self, Int.self) }
            return InstallationView.Agents(
                clusters: try results[0].first?.decode(at: 0) ?? 0, connected: try results[0].first?.decode(at: 1) ?? 0,
                neverJoined: try sample(results[2]), away: try sample(results[3]),
                versions: Dictionary(versions) { first, _ in first }, expiring: try sample(results[4]),
                forbidden: try sample(results[5]), renewingInVain: try sample(results[6]),
                foreign: try sample(results[7]), sharing: try sample(results[8]))
        }
    }
}
