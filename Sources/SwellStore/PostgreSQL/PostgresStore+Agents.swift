internal import PostgresClient
public import SwellEngine
public import SwellModel

extension PostgresStore: AgentStore {
    public func ingest(_ reports: [ReceivedReport]) async throws(StoreError) -> Ingested {
        guard !reports.isEmpty else { return Ingested() }
        return try await transact { transaction in
            let batch: [PostgresValue] = [
                .names(reports.map(\.cluster)), .names(reports.map(\.report.application)),
                .int64s(reports.map(\.report.generation)), try .jsons(encoding: reports.map(\.withoutDrift)),
                .texts(reports.map { Column.text($0.session) }),
            ]
            let sessions = SessionCheck(reports)
            // Rows are touched in one order everywhere, so that batches of two replicas never lock each other.
            let results = try await transaction.pipeline([
                sessions.statement,
                PostgresStatement(
                    """
                    INSERT INTO cluster_status AS s (cluster, application, highest_generation, received_at, report)
                    SELECT DISTINCT ON (n.cluster, n.application) n.cluster, n.application,
                        max(n.generation) OVER (PARTITION BY n.cluster, n.application), swell_now(), n.report
                    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::jsonb[], $5::text[]) WITH ORDINALITY
                        AS n (cluster, application, generation, report, session, ordinal)
                    JOIN clusters c ON c.name = n.cluster JOIN applications p ON p.name = n.application
                    LEFT JOIN agents a ON a.cluster = n.cluster
                    LEFT JOIN assignments g ON g.cluster = n.cluster AND g.application = n.application
                    WHERE (n.session IS NULL OR a.session = n.session)
                        AND n.generation <= coalesce(g.generation, 0) + \(Bounds.generationsAhead)
                    ORDER BY n.cluster, n.application, n.ordinal DESC
                    ON CONFLICT (cluster, application) DO UPDATE SET report = excluded.report,
                        received_at = excluded.received_at,
                        highest_generation = greatest(s.highest_generation, excluded.highest_generation)
                    """, batch),
                PostgresStatement(
                    """
                    INSERT INTO agents (cluster, last_seen_at)
                    SELECT c.name, swell_now() FROM clusters c WHERE EXISTS (
                        SELECT 1 FROM unnest($1::text[], $2::text[], $3::text[]) AS n (cluster, application, session)
                        JOIN applications p ON p.name = n.application
                        LEFT JOIN agents a ON a.cluster = n.cluster
                        WHERE n.cluster = c.name AND (n.session IS NULL OR a.session = n.session))
                    ORDER BY c.name COLLATE "C"
                    ON CONFLICT (cluster) DO UPDATE SET last_seen_at = excluded.last_seen_at
                    """, [batch[0], batch[1], batch[4]]),
                PostgresStatement(
                    """
                    INSERT INTO report_inbox (rollout, cluster, report, received_at)
                    SELECT k.rollout, n.cluster, n.report, swell_now()
                    FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::text[], $5::bigint[]) WITH ORDINALITY
                        AS n (cluster, application, report, session, generation, ordinal)
                    JOIN rollout_claims k ON k.cluster = n.cluster AND k.application = n.application
                    JOIN clusters c ON c.name = n.cluster JOIN applications p ON p.name = n.application
                    LEFT JOIN agents a ON a.cluster = n.cluster
                    LEFT JOIN assignments g ON g.cluster = n.cluster AND g.application = n.application
                    WHERE (n.session IS NULL OR a.session = n.session)
                        AND n.generation <= coalesce(g.generation, 0) + \(Bounds.generationsAhead)
                    ORDER BY n.ordinal RETURNING rollout
                    """, [batch[0], batch[1], batch[3], batch[4], batch[2]]),
                // Where a rollout does not come to reading them, of each cluster the earliest and the latest wait.
                PostgresStatement(
                    """
                    WITH placed AS (
                        SELECT id, row_number() OVER waiting AS place, count(*) OVER (PARTITION BY rollout, cluster) AS count
                        FROM report_inbox WHERE cluster = ANY($1)
                        WINDOW waiting AS (PARTITION BY rollout, cluster ORDER BY id)
                    ), dropped AS (
                        DELETE FROM report_inbox i USING placed p
                        WHERE i.id = p.id AND p.place > \(Bounds.waitingReports) AND p.place < p.count
                    )
                    UPDATE report_inbox i SET after_gap = true FROM placed p
                    WHERE i.id = p.id AND p.place = p.count AND p.count > \(Bounds.waitingReports + 1)
                    """, [.names(Set(reports.map(\.cluster)).sorted())]),
            ])
            let overtaken = try sessions.overtaken(by: results[0])
            try await transaction.endProofs(before: reports.filter { $0.report.phase == .removed })
            try await transaction.note(
                driftIn: reports.filter { $0.session.map { !overtaken.contains($0) } ?? true })
            return Ingested(rollouts: Set(try results[3].map { try $0.name(0) }), overtaken: overtaken)
        }
    }

    @discardableResult
    public func beginSession(
        _ session: String, of cluster: ClusterName, by start: AgentStart?
    ) async throws(StoreError) -> StartStanding {
        try await transact { transaction in
            let begun = try await transaction.query(
                """
                INSERT INTO agents (cluster, session) SELECT name, $2 FROM clusters WHERE name = $1
                ON CONFLICT (cluster) DO UPDATE SET session = excluded.session
                RETURNING boots, swell_now(), coalesce(connected_to IS NOT NULL
                    AND last_seen_at > swell_now() - $3::bigint * interval '1 millisecond', false)
                """, [.name(cluster), .text(session), .int64(Bounds.connectionLifetime.milliseconds)])
            guard let start, let row = begun.first else { return .sole }
            // What cannot be read is begun again: it must keep no agent out.
            var boots = (try? row.jsonIfAny(0, as: BootHistory.self)) ?? BootHistory()
            let standing = boots.note(start, at: try row.time(1), whileConnected: try row.decode(at: 2))
            try await transaction.query(
                "UPDATE agents SET boots = $2 WHERE cluster = $1", [.name(cluster), .json(encoding: boots)])
            return standing
        }
    }

    public func overtaken(_ sessions: [ClusterName: String]) async throws(StoreError) -> [ClusterName: Bool] {
        guard !sessions.isEmpty else { return [:] }
        let clusters = sessions.keys.sorted()
        return try await read(
            """
            SELECT a.cluster, a.boots FROM unnest($1::text[], $2::text[]) AS n (cluster, session)
            JOIN agents a ON a.cluster = n.cluster WHERE a.session <> n.session
            """, [.names(clusters), .texts(clusters.compactMap { sessions[$0] })]
        ) { rows in
            var overtaken: [ClusterName: Bool] = [:]
            for row in rows {
                overtaken[try row.name(0)] = (try? row.jsonIfAny(1, as: BootHistory.self))?.isShared ?? false
            }
            return overtaken
        }
    }

    public func touch(_ seen: [ClusterName: Interval]) async throws(StoreError) {
        guard !seen.isEmpty else { return }
        let clusters = seen.keys.sorted()
        try await transact(over: vitalPool) { transaction in
            try await transaction.query(
                """
                INSERT INTO agents AS a (cluster, last_seen_at)
                SELECT c.name, swell_now() - n.age * interval '1 millisecond'
                FROM unnest($1::text[], $2::bigint[]) AS n (cluster, age)
                JOIN clusters c ON c.name = n.cluster ORDER BY c.name COLLATE "C"
                ON CONFLICT (cluster) DO UPDATE SET
                    last_seen_at = greatest(least(a.last_seen_at, swell_now()), excluded.last_seen_at)
                """, [.names(clusters), .int64s(clusters.map { seen[$0]?.milliseconds ?? 0 })])
        }
    }

    public func noteConnection(
        _ cluster: ClusterName, replica: String, agentVersion: String, isConnected: Bool
    ) async throws(StoreError) {
        try await transact { transaction in
            let known = try await transaction.query("SELECT 1 FROM clusters WHERE name = $1", [.name(cluster)])
            guard !known.isEmpty else { throw StoreError.noCluster(cluster) }
            guard isConnected else {
                try await transaction.query(
                    "UPDATE agents SET connected_to = NULL WHERE cluster = $1 AND connected_to = $2",
                    [.name(cluster), .text(replica)])
                return
            }
            try await transaction.query(
                """
                INSERT INTO agents (cluster, is_enrolled, connected_to, version, last_seen_at)
                VALUES ($1, true, $2, $3, swell_now())
                ON CONFLICT (cluster) DO UPDATE SET is_enrolled = true, connected_to = excluded.connected_to,
                    version = excluded.version, last_seen_at = excluded.last_seen_at
                """, [.name(cluster), .text(replica), .text(Column.text(agentVersion))])
        }
    }

    public func noteHeard(_ clusters: [ClusterName], replica: String) async throws(StoreError) {
        guard !clusters.isEmpty else { return }
        try await transact { transaction in
            try await transaction.query(
                """
                UPDATE agents SET connected_to = $2
                WHERE cluster = ANY($1) AND connected_to IS NULL AND is_enrolled
                """, [.names(clusters), .text(replica)])
        }
    }

    public func dropConnections(of replica: String) async throws(StoreError) {
        try await transact { transaction in
            try await transaction.query(
                "UPDATE agents SET connected_to = NULL WHERE connected_to = $1", [.text(replica)])
        }
    }

    public func orphanedAssignments(limit: Int, perCluster: Int, after last: ClusterName?) async throws(StoreError)
        -> [OrphanedAssignment]
    {
        try await read(
            """
            SELECT assignment, report FROM (
            SELECT a.assignment, s.report, a.cluster, a.application,
                row_number() OVER (PARTITION BY a.cluster ORDER BY a.application COLLATE "C") AS place
            FROM assignments a
            JOIN cluster_status s ON s.cluster = a.cluster AND s.application = a.application
            JOIN clusters c ON c.name = a.cluster
            WHERE ((s.report->>'generation')::bigint > a.generation
                    OR (s.report->>'epoch')::bigint > (a.assignment->>'epoch')::bigint
                    OR (s.report->>'generation')::bigint = a.generation
                        AND ((s.report->>'epoch')::bigint < (a.assignment->>'epoch')::bigint
                            OR s.report->>'digest' IS DISTINCT FROM a.digest
                                AND (s.report->>'phase' IN ('healthy', 'removed')
                                    OR s.report->>'phase' IN ('accepted', 'applying', 'verifying', 'failed')
                                        AND s.report->>'digest' IS NOT NULL)))
                AND NOT coalesce(s.report->>'phase' IN ('healthy', 'reverted', 'verifying')
                    AND s.report->>'digest' = s.report->>'proven' AND s.report->>'digest' IS DISTINCT FROM a.digest
                    AND (s.report->>'generation')::bigint > a.generation
                    AND (s.report->>'epoch')::bigint >= (a.assignment->>'epoch')::bigint, false)
                AND NOT EXISTS (SELECT 1 FROM rollout_claims k
                    WHERE k.cluster = a.cluster AND k.application = a.application)
            ) AS orphans WHERE place <= $2
            ORDER BY coalesce(cluster COLLATE "C" <= $3, false), cluster COLLATE "C", application COLLATE "C" LIMIT $1
            """, [.int(limit), .int(perCluster), .name(last)]
        ) { rows in
            try rows.compactMap { OrphanedAssignment(try $0.json(0), report: try $0.json(1)) }
        }
    }

    public func reissue(_ assignments: [Assignment], under lease: Lease) async throws(StoreError) -> [Assignment] {
        try await transact { transaction in
            let assignments = assignments.filter { $0.epoch >= lease.epoch }
            let results = try await transaction.pipeline([
                PostgresStatement(
                    """
                    SELECT 1 FROM leases
                    WHERE name = $1 AND holder = $2 AND epoch = $3 AND expires_at > clock_timestamp() FOR SHARE
                    """, [.text(lease.name), .text(lease.holder), .int64(lease.epoch)]),
                PostgresStatement(
                    """
                    SELECT a.assignment, c.document FROM assignments a JOIN clusters c ON c.name = a.cluster
                    JOIN unnest($1::text[], $2::text[]) AS n (cluster, application)
                        ON n.cluster = a.cluster AND n.application = a.application
                    WHERE NOT EXISTS (SELECT 1 FROM rollout_claims k
                        WHERE k.cluster = a.cluster AND k.application = a.application)
                    ORDER BY a.cluster, a.application
                    """, [.names(assignments.map(\.cluster)), .names(assignments.map(\.application))]),
                PostgresStatement("SELECT swell_now()"),
            ])
            guard !results[0].isEmpty else { throw StoreError.leaseLost(lease) }
            let now = try results[2].single().time(0)
            var reissued: [Assignment] = []
            var audit: [AuditRow] = []
            for row in results[1] {
                let known: Assignment = try row.json(0)
                let cluster: Cluster = try row.json(1)
                let assignment = assignments.first {
                    $0.cluster == known.cluster && $0.application == known.application
                }
                guard let assignment, assignment.goal == known.goal, assignment.generation > known.generation else {
                    continue
                }
                reissued.append(assignment)
                audit.append(AuditRow(.reissued(assignment, region: cluster.region, at: now)))
            }
            guard !reissued.isEmpty else { return [] }
            // A rollout that claimed such a cluster meanwhile overtook the generation, or finds itself overtaken and decides again.
            let stored = try await transaction.pipeline(.numbered(assignments: reissued, audit: audit))
            guard stored[1].affectedRows == reissued.count else {
                throw StoreError(code: .conflict, message: "an assignment was overtaken while it was reissued")
            }
            return reissued
        }
    }

    public func assignments(of clusters: [ClusterName]) async throws(StoreError) -> ChangePage {
        // One statement sees one moment: what the counter counts is among the rows.
        try await read(
            """
            SELECT c.value, a.assignment FROM change_counter c
            LEFT JOIN assignments a ON a.cluster = ANY($1)
            ORDER BY a.cluster COLLATE "C", a.application COLLATE "C"
            """, [.names(clusters)]
        ) { rows in
            let counter = try rows.first?.decode(Int64.self, at: 0) ?? 0
            let list = try rows.compactMap { try $0.jsonIfAny(1, as: Assignment.self) }
            return ChangePage(assignments: list, cursor: counter, counter: counter)
        }
    }

    public func assignments(changedAfter cursor: Int64, limit: Int) async throws(StoreError) -> ChangePage {
        try await read(
            """
            SELECT c.value, a.assignment, a.change FROM change_counter c
            LEFT JOIN LATERAL (
                SELECT assignment, change FROM assignments WHERE change > $1 ORDER BY change LIMIT $2
            ) a ON true
            ORDER BY a.change
            """, [.int64(cursor), .int(limit)]
        ) { rows in
            let counter = try rows.first?.decode(Int64.self, at: 0) ?? 0
            let list = try rows.compactMap { try $0.jsonIfAny(1, as: Assignment.self) }
            let last = try rows.last?.decode(Int64?.self, at: 2)
            return ChangePage(
                assignments: list, cursor: list.count < limit ? counter : last ?? cursor, counter: counter)
        }
    }

    public func statuses(of application: ApplicationName?) async throws(StoreError) -> [ClusterStatus] {
        try await read(
            """
            SELECT cluster, report, received_at FROM cluster_status WHERE $1::text IS NULL OR application = $1
            ORDER BY cluster COLLATE "C", application COLLATE "C"
            """, [.name(application)]
        ) { rows in
            try rows.map { row in
                ClusterStatus(cluster: try row.name(0), report: try row.json(1), receivedAt: try row.time(2))
            }
        }
    }

    public func mayRead(_ digest: ContentDigest, cluster: ClusterName) async throws(StoreError) -> Bool {
        try await read(
            """
            SELECT EXISTS (
                SELECT 1 FROM bundle_documents d WHERE d.document = $1 AND (
                    EXISTS (SELECT 1 FROM assignments a
                        WHERE a.cluster = $2 AND d.bundle IN (a.digest, a.fallback_digest))
                    OR EXISTS (SELECT 1 FROM proven_releases p WHERE p.cluster = $2 AND p.digest = d.bundle)
                    OR EXISTS (SELECT 1 FROM previews v WHERE v.cluster = $2 AND v.digest = d.bundle
                        AND v.answer IS NULL AND v.expires_at > clock_timestamp())))
            """, [.digest(digest), .name(cluster)]
        ) { try $0.scalar(Bool.self) }
    }
}

/// Which words are of sessions that are not their clusters' latest. The rows stay locked to the end, so that a new session begins after
/// all that its predecessor said, or before any of it.
private struct SessionCheck {
    private var sessions: [ClusterName: Set<String>] = [:]

    init(_ reports: [ReceivedReport]) {
        for report in reports {
            if let session = report.session { sessions[report.cluster, default: []].insert(session) }
        }
    }

    /// Goes before all that the reports change.
    var statement: PostgresStatement {
        PostgresStatement(
            """
            SELECT cluster, session FROM agents WHERE cluster = ANY($1) ORDER BY cluster COLLATE "C" FOR NO KEY UPDATE
            """, [.names(sessions.keys.sorted())])
    }

    func overtaken(by rows: PostgresResult) throws -> Set<String> {
        var latest: [ClusterName: String] = [:]
        for row in rows { latest[try row.name(0)] = try row.decode(String?.self, at: 1) }
        var overtaken: Set<String> = []
        for (cluster, named) in sessions { overtaken.formUnion(named.filter { $0 != latest[cluster] }) }
        return overtaken
    }
}

extension PostgresTransaction {
    /// What was proven before a removal that has come to its end is nothing to go back to.
    fileprivate func endProofs(before removals: [ReceivedReport]) async throws {
        guard !removals.isEmpty else { return }
        try await query(
            """
            DELETE FROM proven_releases p
            USING unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS n (cluster, application, generation, session)
            JOIN assignments g ON g.cluster = n.cluster AND g.application = n.application
            LEFT JOIN agents a ON a.cluster = n.cluster
            WHERE p.cluster = n.cluster AND p.application = n.application AND p.generation < n.generation
                AND g.digest IS NULL AND g.generation = n.generation
                AND (n.session IS NULL OR a.session = n.session)
            """,
            [
                .names(removals.map(\.cluster)), .names(removals.map(\.report.application)),
                .int64s(removals.map(\.report.generation)), .texts(removals.map { Column.text($0.session) }),
            ])
    }
}
