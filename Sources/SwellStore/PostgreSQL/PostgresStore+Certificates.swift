internal import PostgresClient
public import SwellModel

extension PostgresStore: AgentCertificateStore {
    public func recordRenewal(
        _ certificate: CertificateNote, of cluster: ClusterName, replacing former: String
    ) async throws(StoreError) -> CertificateStanding {
        try await transact { transaction in
            var trust = try await transaction.lockTrust(of: cluster)
            let standing = try await transaction.standing(of: CertificateUse(cluster, serial: former))
            guard standing.counts else { return standing }
            guard try await !transaction.isTaken(certificate.serial) else {
                throw TrustRules.taken(certificate.serial)
            }
            try await transaction.query(
                """
                UPDATE certificates SET denied_at = swell_now()
                WHERE cluster = $1 AND former = $2 AND used_at IS NULL AND denied_at IS NULL
                """, [.name(cluster), .text(former)])
            let number = trust.next()
            try await transaction.list(certificate, of: cluster, number: number, former: former)
            try await transaction.store(trust, of: cluster)
            try await transaction.record([
                .cluster(
                    "renewed", cluster, region: transaction.region(of: cluster), by: cluster.rawValue,
                    at: transaction.now(), to: certificate.serial,
                    reason: TrustRules.renewed(number: number, former: former))
            ])
            return standing
        }
    }

    public func standings(
        of uses: [CertificateUse]
    ) async throws(StoreError) -> [CertificateUse: CertificateStanding] {
        guard !uses.isEmpty else { return [:] }
        return try await read([PostgresTransaction.standings(of: uses)]) { try PostgresTransaction.standings($0[0]) }
    }

    public func standing(
        of use: CertificateUse, key: String
    ) async throws(StoreError) -> CertificateStanding? {
        try await read([PostgresTransaction.standings(of: [use])]) { results in
            // Those from before there were fingerprints have none.
            if let listed = try results[0].first?.decode(String?.self, at: 9), listed != key { return nil }
            return try PostgresTransaction.standings(results[0])[use] ?? .unknown
        }
    }

    public func noteUse(of use: CertificateUse) async throws(StoreError) {
        try await transact { transaction in
            var trust = try await transaction.lockTrust(of: use.cluster)
            let noted = try await transaction.query(
                """
                UPDATE certificates SET used_at = swell_now()
                WHERE serial = $1 AND cluster = $2 AND used_at IS NULL AND denied_at IS NULL AND number >= $3
                RETURNING number
                """, [.text(use.serial), .name(use.cluster), .int64(trust.validFrom)])
            guard let number = try noted.first?.decode(Int64.self, at: 0) else { return }
            trust.validFrom = number
            try await transaction.store(trust, of: use.cluster)
        }
    }

    public func revokeCertificates(
        of cluster: ClusterName, serial: String?, reason: String?, by actor: String
    ) async throws(StoreError) -> Revocation {
        try await transact { transaction in
            let region = try await transaction.region(of: cluster)
            let known = try await transaction.query(
                "SELECT 1 FROM certificates WHERE cluster = $1 LIMIT 1", [.name(cluster)])
            guard region != nil || !known.isEmpty else { throw StoreError.noCluster(cluster) }
            let revocation =
                if let serial { try await transaction.revoke(serial, of: cluster) } else {
                    try await transaction.revokeAll(of: cluster)
                }
            try await transaction.record([
                .cluster(
                    "revoked", cluster, region: region, by: actor, at: transaction.now(), to: serial,
                    reason: TrustRules.revoked(revocation, reason: reason))
            ])
            return revocation
        }
    }

    public func certificates(of cluster: ClusterName) async throws(StoreError) -> [CertificateRecord] {
        try await read(
            """
            SELECT s.serial, s.number, s.former, s.key_fingerprint, s.issued_at, s.expires_at, s.used_at, s.denied_at,
                c.name IS NOT NULL AND s.denied_at IS NULL AND s.number >= coalesce(t.valid_from, 0)
            FROM certificates s LEFT JOIN cluster_trust t ON t.cluster = s.cluster
                LEFT JOIN clusters c ON c.name = s.cluster
            WHERE s.cluster = $1 ORDER BY s.number DESC, s.serial COLLATE "C" LIMIT 1000
            """, [.name(cluster)]
        ) { rows in
            try rows.map { row in
                CertificateRecord(
                    serial: try row.decode(at: 0), cluster: cluster, number: try row.decode(at: 1),
                    former: try row.decode(at: 2), keyFingerprint: try row.decode(at: 3), issuedAt: try row.time(4),
                    expiresAt: try row.timeIfAny(5), usedAt: try row.timeIfAny(6), revokedAt: try row.timeIfAny(7),
                    counts: try row.decode(at: 8))
            }
        }
    }

    public func reportCopy(of use: CertificateUse, reason: String) async throws(StoreError) {
        try await transact { transaction in
            let noted = try await transaction.query(
                """
                UPDATE certificates s SET misused_at = swell_now()
                WHERE serial = $1 AND cluster = $2 AND (misused_at IS NULL OR s.denied_at IS NULL AND EXISTS (
                    SELECT FROM cluster_trust t JOIN agents a ON a.cluster = t.cluster
                    WHERE t.cluster = s.cluster AND s.number >= t.valid_from AND a.last_seen_at > s.misused_at
                        AND s.misused_at <= swell_now() - $4 * interval '1 millisecond'))
                    AND NOT EXISTS (
                    SELECT FROM cluster_trust t JOIN certificates r ON r.cluster = t.cluster AND r.number = t.valid_from
                    WHERE t.cluster = s.cluster AND s.number < t.valid_from
                        AND CASE WHEN r.former IS NULL THEN r.issued_at ELSE r.used_at END
                            > swell_now() - $3 * interval '1 millisecond'
                        AND NOT EXISTS (
                            SELECT FROM certificates o WHERE o.cluster = s.cluster AND o.number > s.number
                                AND o.number < t.valid_from AND o.used_at IS NOT NULL))
                """,
                [
                    .text(use.serial), .name(use.cluster), .int64(Bounds.succession.milliseconds),
                    .int64(Bounds.copyAudit.milliseconds),
                ])
            guard noted.affectedRows == 1 else { return }
            try await transaction.record([
                .cluster(
                    "clone-suspected", use.cluster, region: transaction.region(of: use.cluster),
                    by: use.cluster.rawValue, at: transaction.now(), to: use.serial, reason: reason)
            ])
        }
    }

    public func reportSharing(of use: CertificateUse, reason: String) async throws(StoreError) {
        try await transact { transaction in
            let noted = try await transaction.query(
                "UPDATE certificates SET shared_at = swell_now() WHERE serial = $1 AND cluster = $2 AND shared_at IS NULL",
                [.text(use.serial), .name(use.cluster)])
            guard noted.affectedRows == 1 else { return }
            try await transaction.record([
                .cluster(
                    "clone-suspected", use.cluster, region: transaction.region(of: use.cluster),
                    by: use.cluster.rawValue, at: transaction.now(), to: use.serial, reason: reason)
            ])
        }
    }

    public func noteClusterUID(_ uid: String, of cluster: ClusterName) async throws(StoreError) -> ClusterUIDNote {
        // Nearly always it is what it was: no lock for that. Nobody else has it then, which an index holds.
        let known = try await read(
            "SELECT cluster_uid FROM cluster_trust WHERE cluster = $1 AND NOT uid_is_open", [.name(cluster)]
        ) { try $0.first?.decode(String?.self, at: 0) }
        if known == uid { return .isNoted }
        return try await transact { transaction in
            // Two that come with one uid at the same time take turns.
            try await transaction.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 10))", [.text(uid)])
            var trust = try await transaction.lockTrust(of: cluster)
            if trust.clusterUID == uid, !trust.isUIDOpen { return .isNoted }
            // Where it has left meanwhile, nobody would free what is noted now.
            guard
                try await !transaction.query("SELECT FROM clusters WHERE name = $1", [.name(cluster)]).isEmpty
            else { return .isNoted }
            let other = try await transaction.query(
                """
                SELECT cluster FROM cluster_trust
                WHERE cluster_uid = $1 AND cluster <> $2 AND strpos($1, '/') = 0 AND strpos(cluster_uid, '/') = 0
                """, [.text(uid), .name(cluster)])
            if let other = other.first { return .isOf(try other.name(0)) }
            if let known = trust.clusterUID, !trust.isUIDOpen { return .isAnother(known) }
            (trust.clusterUID, trust.isUIDOpen) = (uid, false)
            try await transaction.store(trust, of: cluster)
            return .isNoted
        }
    }
}

extension PostgresTransaction {
    /// A cluster's row, locked to the end; made where there is none.
    func lockTrust(of cluster: ClusterName) async throws -> TrustRules.Row {
        try await query("INSERT INTO cluster_trust (cluster) VALUES ($1) ON CONFLICT DO NOTHING", [.name(cluster)])
        let row = try await query(
            """
            SELECT counter, valid_from, cluster_uid, readmit_until, uid_is_open, floor, floor_at, floor_serial,
                floor_raised_at
            FROM cluster_trust WHERE cluster = $1 FOR UPDATE
            """, [.name(cluster)]
        ).single()
        return TrustRules.Row(
            counter: try row.decode(at: 0), validFrom: try row.decode(at: 1), clusterUID: try row.decode(at: 2),
            isUIDOpen: try row.decode(at: 4), readmitUntil: try row.timeIfAny(3), floor: try row.decode(at: 5),
            floorAt: try row.timeIfAny(6), floorSerial: try row.decode(at: 7), floorRaisedAt: try row.timeIfAny(8))
    }

    func store(_ trust: TrustRules.Row, of cluster: ClusterName) async throws {
        try await query(
            """
            UPDATE cluster_trust SET counter = $2, valid_from = $3, cluster_uid = $4, readmit_until = $5,
                uid_is_open = $6, floor = $7, floor_at = $8, floor_serial = $9, floor_raised_at = $10
            WHERE cluster = $1
            """,
            [
                .name(cluster), .int64(trust.counter), .int64(trust.validFrom),
                .text(Column.text(trust.clusterUID)), .time(trust.readmitUntil), .bool(trust.isUIDOpen),
                .int64(trust.floor), .time(trust.floorAt), .text(trust.floorSerial), .time(trust.floorRaisedAt),
            ])
    }

    func list(_ certificate: CertificateNote, of cluster: ClusterName, number: Int64, former: String?) async throws {
        try await query(
            """
            INSERT INTO certificates (serial, cluster, expires_at, number, former, key_fingerprint, issued_at)
            VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, swell_now()))
            """,
            [
                .text(certificate.serial), .name(cluster), .time(certificate.expiresAt), .int64(number),
                .text(former), .text(certificate.keyFingerprint), .time(certificate.issuedAt),
            ])
    }

    func isTaken(_ serial: String) async throws -> Bool {
        try await !query("SELECT 1 FROM certificates WHERE serial = $1", [.text(serial)]).isEmpty
    }

    /// The certificates of a cluster that count.
    func standingSerials(of cluster: ClusterName, validFrom: Int64) async throws -> [String] {
        try await query(
            """
            SELECT serial FROM certificates WHERE cluster = $1 AND denied_at IS NULL AND number >= $2
            ORDER BY serial COLLATE "C"
            """, [.name(cluster), .int64(validFrom)]
        ).scalars(String.self)
    }

    func standing(of use: CertificateUse) async throws -> CertificateStanding {
        let question = Self.standings(of: [use])
        return try Self.standings(try await query(question.sql, question.parameters))[use] ?? .unknown
    }

    /// Asks how certificates stand, for ``standings(_:)`` to read.
    static func standings(of uses: [CertificateUse]) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT u.cluster, u.serial, s.number, s.denied_at, s.used_at IS NOT NULL, coalesce(t.valid_from, 0),
                t.readmit_until, c.name IS NOT NULL, swell_now(), s.key_fingerprint
            FROM unnest($1::text[], $2::text[]) AS u (cluster, serial)
                LEFT JOIN certificates s ON s.serial = u.serial AND s.cluster = u.cluster
                LEFT JOIN cluster_trust t ON t.cluster = u.cluster
                LEFT JOIN clusters c ON c.name = u.cluster
            """, [.names(uses.map(\.cluster)), .texts(uses.map(\.serial))])
    }

    static func standings(_ rows: PostgresResult) throws -> [CertificateUse: CertificateStanding] {
        var standings: [CertificateUse: CertificateStanding] = [:]
        for row in rows {
            let use = CertificateUse(try row.name(0), serial: try row.decode(at: 1))
            let isInFleet = try row.decode(Bool.self, at: 7)
            standings[use] =
                if let number = try row.decode(Int64?.self, at: 2) {
                    TrustRules.standing(
                        number: number, revokedAt: try row.timeIfAny(3), isUsed: try row.decode(at: 4),
                        validFrom: try row.decode(at: 5), isInFleet: isInFleet)
                } else {
                    TrustRules.standing(
                        readmitUntil: try row.timeIfAny(6), now: try row.time(8), isInFleet: isInFleet)
                }
        }
        return standings
    }

    /// Ends every certificate and unspent token of a cluster.
    func revokeAll(of cluster: ClusterName, isLeaving: Bool = false) async throws -> Revocation {
        var trust = try await lockTrust(of: cluster)
        let serials = try await standingSerials(of: cluster, validFrom: trust.validFrom)
        try await query(
            "UPDATE certificates SET denied_at = swell_now() WHERE cluster = $1 AND denied_at IS NULL",
            [.name(cluster)])
        let tokens = try await query(
            "DELETE FROM join_tokens WHERE cluster = $1 AND spent_at IS NULL", [.name(cluster)])
        trust.endAll(at: try await now(), isLeaving: isLeaving)
        try await store(trust, of: cluster)
        return Revocation(serials: serials, tokens: tokens.affectedRows)
    }

    /// Ends one certificate and what was renewed with it.
    fileprivate func revoke(_ serial: String, of cluster: ClusterName) async throws -> Revocation {
        let trust = try await lockTrust(of: cluster)
        let counted = Set(try await standingSerials(of: cluster, validFrom: trust.validFrom))
        let chain = try await query(
            """
            WITH RECURSIVE chain AS (
                SELECT serial FROM certificates WHERE serial = $1 AND cluster = $2
                UNION SELECT s.serial FROM certificates s JOIN chain h ON s.former = h.serial WHERE s.cluster = $2
            )
            SELECT serial FROM chain
            """, [.text(serial), .name(cluster)]
        ).scalars(String.self)
        guard !chain.isEmpty else { throw TrustRules.noCertificate(serial, cluster) }
        try await query(
            """
            UPDATE certificates SET denied_at = coalesce(denied_at, swell_now()), is_revoked = true
            WHERE serial = ANY($1)
            """, [.texts(chain)])
        return Revocation(serials: counted.intersection(chain).sorted())
    }
}
