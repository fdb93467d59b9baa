internal import PostgresClient
public import SwellModel

extension PostgresStore: TokenStore {
    public func createToken(hash: String, cluster: ClusterName, expiresAt: Timestamp, by actor: String)
        async throws(StoreError)
    {
        try await transact { transaction in
            let region = try await transaction.region(of: cluster)
            let inserted = try await transaction.query(
                """
                INSERT INTO join_tokens (hash, cluster, expires_at, created_by) VALUES ($1, $2, $3, $4)
                ON CONFLICT (hash) DO NOTHING
                """, [.text(hash), .name(cluster), .time(expiresAt), .text(actor)])
            guard inserted.affectedRows == 1 else {
                throw StoreError(code: .conflict, message: "a join token with this hash exists already")
            }
            try await transaction.record([
                .cluster("token-created", cluster, region: region, by: actor, at: transaction.now())
            ])
        }
    }

    public func spendToken(hash: String, certificateSerial: String) async throws(StoreError) -> ClusterName? {
        try await transact { transaction in
            let spent = try await transaction.query(
                """
                UPDATE join_tokens t SET spent_at = swell_now(), certificate_serial = $2
                FROM clusters c
                WHERE t.hash = $1 AND t.spent_at IS NULL AND t.expires_at > clock_timestamp() AND c.name = t.cluster
                RETURNING t.cluster
                """, [.text(hash), .text(certificateSerial)])
            guard let row = spent.first else {
                return try await transaction.clusterOfToken(hash, spentBy: certificateSerial)
            }
            let cluster = try row.name(0, of: ClusterName.self)
            try await transaction.pipeline([
                PostgresStatement(
                    "INSERT INTO certificates (serial, cluster) VALUES ($1, $2) ON CONFLICT (serial) DO NOTHING",
                    [.text(certificateSerial), .name(cluster)]),
                PostgresStatement(
                    """
                    INSERT INTO agents (cluster, is_enrolled) VALUES ($1, true)
                    ON CONFLICT (cluster) DO UPDATE SET is_enrolled = true
                    """, [.name(cluster)]),
            ])
            let region = try await transaction.region(of: cluster)
            try await transaction.record([
                .cluster("joined", cluster, region: region, by: cluster.rawValue, at: transaction.now())
            ])
            return cluster
        }
    }

    public func noteCertificate(_ serial: String, cluster: ClusterName, expiresAt: Timestamp) async throws(StoreError) {
        try await transact { transaction in
            try await transaction.query(
                """
                INSERT INTO certificates (serial, cluster, expires_at) VALUES ($1, $2, $3)
                ON CONFLICT (serial) DO UPDATE SET expires_at = excluded.expires_at
                """, [.text(serial), .name(cluster), .time(expiresAt)])
        }
    }

    public func denyCertificates(of cluster: ClusterName, by actor: String) async throws(StoreError) {
        try await transact { transaction in
            let results = try await transaction.pipeline([
                PostgresStatement(
                    "UPDATE certificates SET denied_at = swell_now() WHERE cluster = $1 AND denied_at IS NULL",
                    [.name(cluster)]),
                PostgresStatement(
                    "DELETE FROM join_tokens WHERE cluster = $1 AND spent_at IS NULL", [.name(cluster)]),
                PostgresStatement("SELECT document FROM clusters WHERE name = $1", [.name(cluster)]),
            ])
            let region = try results[2].first?.json(0, as: Cluster.self).region
            try await transaction.record([
                .cluster("denied", cluster, region: region, by: actor, at: transaction.now())
            ])
        }
    }

    public func isDenied(serial: String) async throws(StoreError) -> Bool {
        try await read(
            """
            SELECT EXISTS (
                SELECT 1 FROM certificates s WHERE s.serial = $1
                    AND (s.denied_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM clusters c WHERE c.name = s.cluster)))
            """, [.text(serial)]
        ) { try $0.scalar(Bool.self) }
    }

    public func denied(among serials: [String]) async throws(StoreError) -> Set<String> {
        guard !serials.isEmpty else { return [] }
        return try await read(
            """
            SELECT s.serial FROM certificates s WHERE s.serial = ANY($1)
                AND (s.denied_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM clusters c WHERE c.name = s.cluster))
            """, [.texts(serials)]
        ) { Set(try $0.scalars(String.self)) }
    }
}

extension PostgresTransaction {
    /// The cluster of a token that this serial has spent before, while the token lasts and its certificate is not denied.
    fileprivate func clusterOfToken(_ hash: String, spentBy serial: String) async throws -> ClusterName? {
        let rows = try await query(
            """
            SELECT t.cluster FROM join_tokens t
                JOIN clusters c ON c.name = t.cluster
                JOIN certificates s ON s.serial = t.certificate_serial
            WHERE t.hash = $1 AND t.certificate_serial = $2 AND t.expires_at > clock_timestamp() AND s.denied_at IS NULL
            """, [.text(hash), .text(serial)])
        return try rows.first?.name(0, of: ClusterName.self)
    }

    /// The region of a cluster of the fleet; `notFound` where it is none.
    fileprivate func region(of cluster: ClusterName) async throws -> RegionName {
        let rows = try await query("SELECT document FROM clusters WHERE name = $1", [.name(cluster)])
        guard let row = rows.first else { throw StoreError.noCluster(cluster) }
        return try row.json(0, as: Cluster.self).region
    }
}
