internal import PostgresClient
public import SwellModel

extension PostgresStore: TokenStore {
    public func createToken(hash: String, cluster: ClusterName, expiresAt: Timestamp, by actor: String)
        async throws(StoreError)
    {
        try await transact { transaction in
            // A removal that goes on would not see the token: it comes before, or after.
            _ = try await transaction.lockTrust(of: cluster)
            guard let region = try await transaction.region(of: cluster) else { throw StoreError.noCluster(cluster) }
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

    public func spendToken(
        hash: String, for certificate: CertificateNote, clusterUID uid: String?
    ) async throws(StoreError) -> TokenSpending {
        try await transact { transaction in
            let found = try await transaction.query("SELECT cluster FROM join_tokens WHERE hash = $1", [.text(hash)])
            guard let cluster = try found.first?.name(0, of: ClusterName.self) else { return .isNotGood }
            var trust = try await transaction.lockTrust(of: cluster)
            guard let region = try await transaction.region(of: cluster) else { return .isNotGood }
            let known = try await transaction.standing(of: CertificateUse(cluster, serial: certificate.serial))
            if let again = try await transaction.query(
                """
                SELECT certificate_serial FROM join_tokens
                WHERE hash = $1 AND spent_at IS NOT NULL AND expires_at > clock_timestamp()
                """, [.text(hash)]
            ).first {
                guard try again.decode(String?.self, at: 0) == certificate.serial, known.counts else {
                    return .isNotGood
                }
                try await transaction.query(
                    "UPDATE certificates SET expires_at = greatest(expires_at, $2) WHERE serial = $1",
                    [.text(certificate.serial), .time(certificate.expiresAt)])
                return .spent(cluster)
            }
            guard try await !transaction.isTaken(certificate.serial) else { return .isNotGood }
            if let other = try await transaction.other(of: uid, than: cluster, forToken: hash) { return .isOf(other) }
            let spent = try await transaction.query(
                """
                UPDATE join_tokens SET spent_at = swell_now(), certificate_serial = $2
                WHERE hash = $1 AND spent_at IS NULL AND expires_at > clock_timestamp()
                """, [.text(hash), .text(certificate.serial)])
            guard spent.affectedRows == 1 else { return .isNotGood }
            let ended = try await transaction.standingSerials(of: cluster, validFrom: trust.validFrom).count
            trust.enrol(certificate.serial, at: try await transaction.now())
            try await transaction.list(certificate, of: cluster, number: trust.counter, former: nil)
            try await transaction.store(trust, of: cluster)
            try await transaction.query(
                """
                INSERT INTO agents (cluster, is_enrolled) VALUES ($1, true)
                ON CONFLICT (cluster) DO UPDATE SET is_enrolled = true
                """, [.name(cluster)])
            try await transaction.record([
                .cluster(
                    "joined", cluster, region: region, by: cluster.rawValue, at: transaction.now(),
                    to: certificate.serial, reason: TrustRules.joined(number: trust.counter, ended: ended))
            ])
            return .spent(cluster)
        }
    }

    public func tokens() async throws(StoreError) -> [JoinTokenRecord] {
        try await read(
            """
            SELECT left(hash, \(JoinTokenRecord.idLength)), cluster, created_by, created_at, expires_at, certificate_serial
            FROM join_tokens ORDER BY created_at DESC, hash COLLATE "C"
            """
        ) { rows in
            try rows.map { row in
                JoinTokenRecord(
                    id: try row.decode(at: 0), cluster: try row.name(1), createdBy: try row.decode(at: 2),
                    createdAt: try row.time(3), expiresAt: try row.time(4), spentFor: try row.decode(at: 5))
            }
        }
    }

    public func revokeToken(_ id: String, by actor: String) async throws(StoreError) {
        try await transact { transaction in
            let found = try await transaction.query(
                "SELECT hash, cluster FROM join_tokens WHERE left(hash, \(JoinTokenRecord.idLength)) = $1",
                [.text(id)])
            guard let row = found.first else { throw TrustRules.noToken(id) }
            let cluster = try row.name(1, of: ClusterName.self)
            _ = try await transaction.lockTrust(of: cluster)
            let removed = try await transaction.query(
                "DELETE FROM join_tokens WHERE hash = $1 AND spent_at IS NULL",
                [.text(try row.decode(String.self, at: 0))])
            guard removed.affectedRows == 1 else { throw TrustRules.spent(id) }
            try await transaction.record([
                .cluster(
                    "token-revoked", cluster, region: transaction.region(of: cluster), by: actor,
                    at: transaction.now(), to: id)
            ])
        }
    }
}

extension PostgresTransaction {
    /// The region of a cluster of the fleet; nil where it is none.
    func region(of cluster: ClusterName) async throws -> RegionName? {
        let rows = try await query("SELECT document FROM clusters WHERE name = $1", [.name(cluster)])
        return try rows.first?.json(0, as: Cluster.self).region
    }
}

extension PostgresTransaction {
    /// The cluster of the fleet that a uid is of, where it is another one than the name says. Told to nobody whose token is not good.
    fileprivate func other(of uid: String?, than cluster: ClusterName, forToken hash: String) async throws
        -> ClusterName?
    {
        guard let uid else { return nil }
        return try await query(
            """
            SELECT t.cluster FROM cluster_trust t JOIN clusters c ON c.name = t.cluster
            WHERE t.cluster_uid = $1 AND t.cluster <> $2 AND strpos($1, '/') = 0 AND EXISTS (
                SELECT FROM join_tokens WHERE hash = $3 AND spent_at IS NULL AND expires_at > clock_timestamp())
            ORDER BY t.cluster COLLATE "C" LIMIT 1
            """, [.text(Column.text(uid)), .name(cluster), .text(hash)]
        ).first?.name(0)
    }
}
