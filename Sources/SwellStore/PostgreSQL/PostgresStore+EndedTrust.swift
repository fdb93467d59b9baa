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
                SELECT cluster, floor, floor_at, floor_serial FROM cluster_trust
                WHERE floor_at > $1 OR floor_raised_at > $1 ORDER BY cluster COLLATE "C"
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

    public func isSpared(_ use: CertificateUse, by floor: TrustFloor) async throws(StoreError) -> Bool {
        try await read(
            """
            WITH RECURSIVE kept AS (
                SELECT $4::text AS serial WHERE $4::text IS NOT NULL
                UNION SELECT s.serial FROM certificates s JOIN kept k ON s.former = k.serial WHERE s.cluster = $1
            )
            SELECT EXISTS (SELECT FROM kept WHERE serial = $2)
                OR EXISTS (SELECT FROM cluster_trust WHERE cluster = $1 AND floor_at >= $3)
            """, [.name(use.cluster), .text(use.serial), .time(floor.at), .text(floor.serial)]
        ) { try $0.first?.decode(Bool.self, at: 0) ?? false }
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
            var clusters = try await transaction.raise(ended.floors)
            clusters.formUnion(try await transaction.endAgain(ended.certificates))
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
                """, PostgresTransaction.parameters(ended.floors)),
            PostgresStatement(
                """
                SELECT FROM unnest($1::text[], $2::text[]) AS u (cluster, serial)
                    JOIN certificates s ON s.serial = u.serial AND s.cluster = u.cluster
                WHERE s.denied_at IS NULL LIMIT 1
                """, PostgresTransaction.parameters(ended.certificates)),
        ]) { !$0.allSatisfy(\.isEmpty) }
    }
}

extension PostgresTransaction {
    /// Brings back the floors that are later than what is known here, whose rows are locked; returns the clusters of which anything counted
    /// that they end. As ``TrustRules`` has it of one cluster.
    fileprivate func raise(_ floors: [TrustFloor]) async throws -> Set<ClusterName> {
        guard !floors.isEmpty else { return [] }
        let news = Set(
            try await query(
                """
                SELECT t.cluster FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[])
                        AS f (cluster, number, at, serial)
                    JOIN cluster_trust t ON t.cluster = f.cluster
                WHERE t.floor_at IS NULL OR t.floor_at < f.at
                """, Self.parameters(floors)
            ).map { try $0.name(0, of: ClusterName.self) })
        let floors = floors.filter { news.contains($0.cluster) }
        guard !floors.isEmpty else { return [] }
        // Nobody shall wait before a door that was shut without a word.
        let doors = try await query(
            """
            SELECT t.cluster FROM cluster_trust t JOIN clusters c ON c.name = t.cluster
            WHERE t.cluster = ANY($1) AND t.readmit_until > swell_now() ORDER BY t.cluster COLLATE "C"
            """, [.names(floors.map(\.cluster))])
        for door in doors {
            let cluster: ClusterName = try door.name(0)
            try await record([
                .cluster(
                    "readmission-closed", cluster, region: region(of: cluster), by: Transition.engine, at: now(),
                    reason: TrustRules.endedAgain)
            ])
        }
        var clusters: Set<ClusterName> = []
        let certificates = try await query(
            """
            WITH RECURSIVE f AS (
                SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[])
                    AS f (cluster, number, at, serial)
            ), kept AS (
                SELECT f.serial, f.cluster FROM f WHERE f.serial IS NOT NULL
                UNION SELECT s.serial, s.cluster FROM certificates s
                    JOIN kept k ON s.former = k.serial AND s.cluster = k.cluster
            ), ended AS (
                SELECT s.serial, s.cluster, f.at FROM certificates s JOIN f ON f.cluster = s.cluster
                WHERE s.issued_at < f.at + $5 * interval '1 millisecond'
                    AND NOT EXISTS (SELECT FROM kept k WHERE k.serial = s.serial AND k.cluster = s.cluster)
                UNION SELECT s.serial, s.cluster, e.at FROM certificates s
                    JOIN ended e ON s.former = e.serial AND s.cluster = e.cluster
            ), found AS (
                SELECT s.serial, s.denied_at IS NULL AND s.number >= t.valid_from AS counted,
                    s.issued_at > e.at - $5 * interval '1 millisecond' AS is_to_be_named
                FROM ended e JOIN certificates s ON s.serial = e.serial AND s.cluster = e.cluster
                    JOIN cluster_trust t ON t.cluster = e.cluster
            )
            UPDATE certificates s SET denied_at = swell_now(), is_revoked = s.is_revoked OR o.is_to_be_named
            FROM found o
            WHERE s.serial = o.serial AND (s.denied_at IS NULL OR o.is_to_be_named AND NOT s.is_revoked)
            RETURNING s.cluster, o.counted
            """, Self.parameters(floors) + [.int64(TrustFloor.tolerance.milliseconds)])
        for row in certificates where try row.decode(Bool.self, at: 1) { clusters.insert(try row.name(0)) }
        let tokens = try await query(
            """
            DELETE FROM join_tokens j USING unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[])
                AS f (cluster, number, at, serial)
            WHERE j.cluster = f.cluster AND j.spent_at IS NULL AND j.created_at < f.at RETURNING j.cluster
            """, Self.parameters(floors))
        for row in tokens { clusters.insert(try row.name(0)) }
        try await query(
            """
            UPDATE cluster_trust t SET valid_from = n.valid_from, counter = greatest(t.counter, n.number - 1),
                floor = n.valid_from, floor_at = n.at, floor_serial = n.serial, floor_raised_at = swell_now(),
                readmit_until = NULL, uid_is_open = t.uid_is_open OR NOT n.is_any_spared
            FROM (
                SELECT f.*, s.is_any_spared, CASE WHEN s.is_any_spared THEN o.valid_from
                    ELSE greatest(o.counter + 1, f.number) END AS valid_from
                FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[])
                        AS f (cluster, number, at, serial)
                    JOIN cluster_trust o ON o.cluster = f.cluster,
                    LATERAL (SELECT EXISTS (
                        SELECT FROM certificates s WHERE s.cluster = o.cluster AND s.denied_at IS NULL
                            AND s.number >= o.valid_from) AS is_any_spared) AS s
            ) AS n
            WHERE t.cluster = n.cluster
            """, Self.parameters(floors))
        return clusters
    }

    /// Ends single certificates, and what was renewed with them; returns the clusters of which any was not ended.
    fileprivate func endAgain(_ uses: [CertificateUse]) async throws -> Set<ClusterName> {
        guard !uses.isEmpty else { return [] }
        let rows = try await query(
            """
            WITH RECURSIVE chain AS (
                SELECT s.serial, s.cluster FROM certificates s
                    JOIN unnest($1::text[], $2::text[]) AS u (cluster, serial)
                    ON s.serial = u.serial AND s.cluster = u.cluster
                UNION SELECT s.serial, s.cluster FROM certificates s
                    JOIN chain h ON s.former = h.serial AND s.cluster = h.cluster
            ), found AS (
                SELECT s.serial, s.denied_at IS NULL AS counted
                FROM chain h JOIN certificates s ON s.serial = h.serial AND s.cluster = h.cluster
            )
            UPDATE certificates s SET denied_at = swell_now(), is_revoked = true FROM found o
            WHERE s.serial = o.serial AND (s.denied_at IS NULL OR NOT s.is_revoked)
            RETURNING s.cluster, o.counted
            """, Self.parameters(uses))
        return Set(try rows.filter { try $0.decode(Bool.self, at: 1) }.map { try $0.name(0, of: ClusterName.self) })
    }

    fileprivate static func parameters(_ floors: [TrustFloor]) -> [PostgresValue] {
        [
            .names(floors.map(\.cluster)), .int64s(floors.map(\.number)),
            .timestamps(milliseconds: floors.map(\.at.milliseconds)), .texts(floors.map(\.serial)),
        ]
    }

    fileprivate static func parameters(_ uses: [CertificateUse]) -> [PostgresValue] {
        [.names(uses.map(\.cluster)), .texts(uses.map(\.serial))]
    }
}
