internal import PostgresClient
internal import SwellEngine
public import SwellModel

/// What a restore must not bring back.
extension PostgresStore {
    public func endedTrust(after moment: Timestamp) async throws(StoreError) -> EndedTrust {
        try await read([
            PostgresStatement("SELECT swell_now()"),
            PostgresStatement(
                """
                SELECT cluster, floor, floor_at, floor_serial FROM cluster_trust WHERE floor_at > $1
                ORDER BY cluster COLLATE "C"
                """, [.time(moment)]),
            PostgresStatement(
                """
                SELECT cluster, serial FROM certificates
                WHERE is_revoked AND denied_at > $1 AND expires_at > swell_now()
                ORDER BY denied_at DESC, number DESC, serial COLLATE "C" LIMIT $2
                """, [.time(moment), .int(EndedTrust.limit)]),
        ]) { results in
            guard let now = results[0].first else { throw StoreError(code: .corrupt, message: "no moment was told") }
            var ended = EndedTrust(now: try now.time(0))
            ended.floors = try results[1].map {
                TrustFloor(
                    cluster: try $0.name(0), number: try $0.decode(at: 1), at: try $0.time(2),
                    serial: try $0.decode(at: 3))
            }
            ended.certificates = try results[2].map { CertificateUse(try $0.name(0), serial: try $0.decode(at: 1)) }
            return ended
        }
    }

    public func endAgain(_ ended: EndedTrust) async throws(StoreError) -> [ClusterName] {
        guard try await isBehind(ended) else { return [] }
        return try await transact { transaction in
            // In the order in which everybody locks them.
            let names = Set(ended.floors.map(\.cluster) + ended.certificates.map(\.cluster)).sorted()
            try await transaction.query(
                """
                INSERT INTO cluster_trust (cluster) SELECT n FROM unnest($1::text[]) AS n ORDER BY n COLLATE "C"
                ON CONFLICT DO NOTHING
                """, [.names(names)])
            try await transaction.query(
                """
                SELECT FROM cluster_trust WHERE cluster = ANY($1) ORDER BY cluster COLLATE "C" FOR UPDATE
                """, [.names(names)])
            var clusters: Set<ClusterName> = []
            let floors = try await transaction.query(
                """
                WITH raised AS (
                    UPDATE cluster_trust t SET valid_from = greatest(t.counter + 1, f.number),
                        counter = greatest(t.counter + 1, f.number) - 1, floor = greatest(t.counter + 1, f.number),
                        floor_at = f.at, floor_serial = f.serial, uid_is_open = true
                    FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[])
                        AS f (cluster, number, at, serial)
                    WHERE t.cluster = f.cluster AND (t.floor_at IS NULL OR t.floor_at < f.at)
                    RETURNING t.cluster, f.at
                ), denied AS (
                    UPDATE certificates s SET denied_at = swell_now() FROM raised r
                    WHERE s.cluster = r.cluster AND s.denied_at IS NULL
                ), taken AS (
                    DELETE FROM join_tokens j USING raised r
                    WHERE j.cluster = r.cluster AND j.spent_at IS NULL AND j.created_at < r.at
                )
                SELECT cluster FROM raised
                """, Self.parameters(ended.floors))
            for row in floors { clusters.insert(try row.name(0)) }
            let certificates = try await transaction.query(
                """
                WITH RECURSIVE chain AS (
                    SELECT s.serial, s.cluster FROM certificates s
                        JOIN unnest($1::text[], $2::text[]) AS u (cluster, serial)
                        ON s.serial = u.serial AND s.cluster = u.cluster
                    UNION SELECT s.serial, s.cluster FROM certificates s
                        JOIN chain h ON s.former = h.serial AND s.cluster = h.cluster
                )
                UPDATE certificates s SET denied_at = swell_now(), is_revoked = true FROM chain h
                WHERE s.serial = h.serial AND s.denied_at IS NULL
                RETURNING s.cluster
                """, Self.parameters(ended.certificates))
            for row in certificates { clusters.insert(try row.name(0)) }
            for cluster in clusters.sorted() {
                try await transaction.record([
                    .cluster(
                        "revoked", cluster, region: transaction.region(of: cluster), by: Transition.engine,
                        at: transaction.now(), reason: TrustRules.endedAgain)
                ])
            }
            return clusters.sorted()
        }
    }

    /// Whether any of it counts; nearly always nothing does, and no lock is needed for that.
    private func isBehind(_ ended: EndedTrust) async throws(StoreError) -> Bool {
        guard !ended.floors.isEmpty || !ended.certificates.isEmpty else { return false }
        return try await read([
            PostgresStatement(
                """
                SELECT FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[])
                        AS f (cluster, number, at, serial)
                    LEFT JOIN cluster_trust t ON t.cluster = f.cluster
                WHERE t.floor_at IS NULL OR t.floor_at < f.at LIMIT 1
                """, Self.parameters(ended.floors)),
            PostgresStatement(
                """
                SELECT FROM unnest($1::text[], $2::text[]) AS u (cluster, serial)
                    JOIN certificates s ON s.serial = u.serial AND s.cluster = u.cluster
                WHERE s.denied_at IS NULL LIMIT 1
                """, Self.parameters(ended.certificates)),
        ]) { !$0.allSatisfy(\.isEmpty) }
    }

    private static func parameters(_ floors: [TrustFloor]) -> [PostgresValue] {
        [
            .names(floors.map(\.cluster)), .int64s(floors.map(\.number)),
            .timestamps(milliseconds: floors.map(\.at.milliseconds)), .texts(floors.map(\.serial)),
        ]
    }

    private static func parameters(_ uses: [CertificateUse]) -> [PostgresValue] {
        [.names(uses.map(\.cluster)), .texts(uses.map(\.serial))]
    }
}
