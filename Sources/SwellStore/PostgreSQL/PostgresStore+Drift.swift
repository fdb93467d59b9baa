internal import PostgresClient
public import SwellModel

extension PostgresStore {
    /// Only what was found under the assignment that its agent works on now. What was found under an earlier one is history, which the
    /// audit log has.
    private static let standing = """
        LEFT JOIN cluster_status s ON s.cluster = d.cluster AND s.application = d.application
        WHERE ((d.drift->>'generation') IS NULL OR s.report IS NULL
            OR (d.drift->>'generation')::bigint = (s.report->>'generation')::bigint)
        """

    public func drifts(of cluster: ClusterName) async throws(StoreError) -> [ClusterDrift] {
        try await read(
            """
            SELECT d.cluster, d.application, d.drift, d.received_at FROM cluster_drift d
            JOIN clusters c ON c.name = d.cluster \(Self.standing) AND d.cluster = $1 ORDER BY d.application COLLATE "C"
            """, [.name(cluster)]
        ) { try $0.map { try ClusterDrift($0) } }
    }

    public func driftFigures() async throws(StoreError) -> [DriftFigures] {
        try await read(
            """
            SELECT d.cluster, d.application,
                jsonb_array_length(d.drift->'objects') + (d.drift->>'omitted')::bigint,
                (d.drift->>'isCorrected')::boolean, d.received_at
            FROM cluster_drift d JOIN clusters c ON c.name = d.cluster \(Self.standing)
            ORDER BY d.cluster COLLATE "C", d.application COLLATE "C"
            """
        ) { rows in
            try rows.map { row in
                DriftFigures(
                    cluster: try row.name(0), application: try row.name(1), count: try row.decode(at: 2),
                    isCorrected: try row.decode(at: 3), receivedAt: try row.time(4))
            }
        }
    }
}

extension PostgresTransaction {
    /// Stores what reports tell of drift, and audits what is new; of what was removed nothing drifts any more. The last thing to do in a transaction.
    func note(driftIn reports: [ReceivedReport]) async throws {
        let removed = reports.filter { $0.report.phase == .removed }
        if !removed.isEmpty {
            try await query(
                """
                DELETE FROM cluster_drift d USING unnest($1::text[], $2::text[]) AS n (cluster, application)
                WHERE d.cluster = n.cluster AND d.application = n.application
                """, [.names(removed.map(\.cluster)), .names(removed.map(\.report.application))])
        }
        let found = reports.filter { $0.report.drift != nil && $0.report.phase != .removed }
        guard !found.isEmpty else { return }
        let rows = try await query(
            """
            WITH known AS (
                SELECT k.cluster, k.application, k.logged_at FROM cluster_drift k
                WHERE (k.cluster, k.application) IN (SELECT * FROM unnest($1::text[], $2::text[])))
            INSERT INTO cluster_drift AS d (cluster, application, received_at, logged_at, drift)
            SELECT DISTINCT ON (n.cluster, n.application) n.cluster, n.application, swell_now(), swell_now(),
                n.drift || jsonb_build_object('generation', n.generation)
            FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::bigint[]) WITH ORDINALITY
                AS n (cluster, application, drift, generation, ordinal)
            JOIN clusters c ON c.name = n.cluster JOIN applications p ON p.name = n.application
            ORDER BY n.cluster, n.application, n.ordinal DESC
            ON CONFLICT (cluster, application) DO UPDATE SET drift = excluded.drift,
                received_at = excluded.received_at
            WHERE d.drift->>'foundAt' IS DISTINCT FROM excluded.drift->>'foundAt'
            RETURNING cluster, application, drift, received_at,
                (SELECT k.logged_at FROM known k WHERE k.cluster = d.cluster AND k.application = d.application),
                (SELECT c.document->>'region' FROM clusters c WHERE c.name = d.cluster)
            """,
            [
                .names(found.map(\.cluster)), .names(found.map(\.report.application)),
                try .jsons(encoding: found.compactMap(\.report.drift)), .int64s(found.map(\.report.generation)),
            ])
        var news: [ClusterDrift] = []
        var used: [Timestamp] = []
        var events: [AuditEvent] = []
        for row in rows {
            let drift = try ClusterDrift(row)
            // `logged_at` is until when the share of the audit log is used up; rows of earlier versions have their last entry there.
            guard let next = DriftAudit.next(after: try row.timeIfAny(4), now: drift.receivedAt) else { continue }
            news.append(drift)
            used.append(next)
            events.append(.drift(drift, region: try row.nameIfAny(5)))
        }
        guard !news.isEmpty else { return }
        try await query(
            """
            UPDATE cluster_drift d SET logged_at = n.used
            FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS n (cluster, application, used)
            WHERE d.cluster = n.cluster AND d.application = n.application
            """,
            [
                .names(news.map(\.cluster)), .names(news.map(\.application)),
                .timestamps(milliseconds: used.map(\.milliseconds)),
            ])
        try await record(events)
    }
}

extension ClusterDrift {
    fileprivate init(_ row: PostgresRow) throws {
        self.init(
            cluster: try row.name(0), application: try row.name(1), drift: try row.json(2),
            receivedAt: try row.time(3))
    }
}
