internal import PostgresClient
internal import SwellEngine
public import SwellModel

/// What a restore must not bring back.
extension PostgresStore {
    public func endedCertificates(
        after moment: Timestamp
    ) async throws(StoreError) -> (ended: [EndedCertificate], now: Timestamp) {
        try await read([
            PostgresStatement("SELECT swell_now()"),
            PostgresStatement(
                """
                SELECT e.cluster, e.serial, e.expires_at FROM (
                    SELECT cluster, serial, expires_at FROM certificates WHERE denied_at > $1
                    UNION
                    SELECT s.cluster, s.serial, s.expires_at FROM certificates r
                        JOIN cluster_trust t ON t.cluster = r.cluster
                        JOIN certificates s ON s.cluster = r.cluster AND s.number < r.number AND s.number < t.valid_from
                    WHERE r.former IS NULL AND r.issued_at > $1
                ) AS e WHERE e.expires_at > swell_now()
                ORDER BY e.expires_at DESC, e.serial COLLATE "C" LIMIT $2
                """, [.time(moment), .int(EndedCertificate.limit)]),
        ]) { results in
            let ended = try results[1].map { row in
                EndedCertificate(
                    cluster: try row.name(0), serial: try row.decode(at: 1), expiresAt: try row.time(2))
            }
            guard let now = results[0].first else { throw StoreError(code: .corrupt, message: "no moment was told") }
            return (ended, try now.time(0))
        }
    }

    public func endAgain(_ uses: [CertificateUse]) async throws(StoreError) -> [CertificateUse] {
        guard !uses.isEmpty else { return [] }
        return try await transact { transaction in
            // In the order in which everybody locks them.
            for cluster in Set(uses.map(\.cluster)).sorted() { _ = try await transaction.lockTrust(of: cluster) }
            let rows = try await transaction.query(
                """
                UPDATE certificates s SET denied_at = swell_now()
                FROM unnest($1::text[], $2::text[]) AS u (cluster, serial), cluster_trust t
                WHERE s.serial = u.serial AND s.cluster = u.cluster AND t.cluster = s.cluster
                    AND s.denied_at IS NULL AND s.number >= t.valid_from
                RETURNING s.cluster, s.serial
                """, [.names(uses.map(\.cluster)), .texts(uses.map(\.serial))])
            let ended = try rows.map { CertificateUse(try $0.name(0), serial: try $0.decode(at: 1)) }.sorted()
            for (cluster, ended) in Dictionary(grouping: ended, by: \.cluster).sorted(by: { $0.key < $1.key }) {
                try await transaction.record([
                    .cluster(
                        "revoked", cluster, region: transaction.region(of: cluster), by: Transition.engine,
                        at: transaction.now(), reason: TrustRules.endedAgain(ended.count))
                ])
            }
            return ended
        }
    }
}
