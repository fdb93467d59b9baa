internal import PostgresClient
public import SwellModel

/// The door that is opened after a restore, for certificates that the database has forgotten.
extension PostgresStore {
    public func readmit(_ certificate: CertificateNote, of cluster: ClusterName) async throws(StoreError) -> Bool {
        try await transact { transaction in
            var trust = try await transaction.lockTrust(of: cluster)
            let now = try await transaction.now()
            let region = try await transaction.region(of: cluster)
            let standing = TrustRules.standing(readmitUntil: trust.readmitUntil, now: now, isInFleet: region != nil)
            guard standing == .awaited, trust.admits(certificate),
                try await !transaction.isTaken(certificate.serial)
            else { return false }
            let number = trust.next()
            trust.readmitUntil = nil
            try await transaction.list(certificate, of: cluster, number: number, former: nil)
            try await transaction.store(trust, of: cluster)
            try await transaction.record([
                .cluster(
                    "readmitted", cluster, region: region, by: cluster.rawValue, at: now, to: certificate.serial,
                    reason: TrustRules.joined(number: number, ended: 0))
            ])
            return true
        }
    }

    public func openReadmission(
        of clusters: [ClusterName]?, until end: Timestamp, by actor: String
    ) async throws(StoreError) -> [ClusterName] {
        try await transact { transaction in
            // A document that cannot be read keeps nobody out: only its region is told of, where it has one.
            let rows = try await transaction.query(
                """
                SELECT name, document->>'region' FROM clusters WHERE $1::text[] IS NULL OR name = ANY($1)
                ORDER BY name COLLATE "C"
                """, [clusters.map { .names($0) } ?? .null])
            var regions: [ClusterName: RegionName] = [:]
            for row in rows {
                regions[try row.name(0)] = try row.decode(String?.self, at: 1).flatMap { try? RegionName($0) }
            }
            let names: [ClusterName] = try rows.map { try $0.name(0) }
            if let absent = Set(clusters ?? []).subtracting(names).min() { throw StoreError.noCluster(absent) }
            // One statement for all, in the order in which everybody locks them.
            try await transaction.query(
                """
                INSERT INTO cluster_trust (cluster, readmit_until)
                SELECT name, $2 FROM unnest($1::text[]) AS n (name) ORDER BY name COLLATE "C"
                ON CONFLICT (cluster) DO UPDATE SET readmit_until = excluded.readmit_until
                """, [.names(names), .time(end)])
            let now = try await transaction.now()
            try await transaction.record(
                names.map { cluster in
                    .cluster(
                        "readmission-opened", cluster, region: regions[cluster], by: actor, at: now, to: "\(end)")
                })
            return names
        }
    }

    public func closeReadmission(
        of clusters: [ClusterName]?, by actor: String
    ) async throws(StoreError) -> [ClusterName] {
        try await transact { transaction in
            let rows = try await transaction.query(
                """
                SELECT name, document->>'region' FROM clusters WHERE $1::text[] IS NULL OR name = ANY($1)
                ORDER BY name COLLATE "C"
                """, [clusters.map { .names($0) } ?? .null])
            var regions: [ClusterName: RegionName?] = [:]
            for row in rows {
                regions[try row.name(0)] = .some(
                    try row.decode(String?.self, at: 1).flatMap { try? RegionName($0) })
            }
            if let absent = Set(clusters ?? []).subtracting(regions.keys).min() { throw StoreError.noCluster(absent) }
            // In the order in which everybody locks them.
            let closed: [ClusterName] = try await transaction.query(
                """
                WITH open AS (
                    SELECT cluster FROM cluster_trust WHERE cluster = ANY($1) AND readmit_until > swell_now()
                    ORDER BY cluster COLLATE "C" FOR UPDATE)
                UPDATE cluster_trust t SET readmit_until = NULL FROM open WHERE t.cluster = open.cluster
                RETURNING t.cluster
                """, [.names(regions.keys.sorted())]
            ).map { try $0.name(0) }.sorted()
            let now = try await transaction.now()
            try await transaction.record(
                closed.map { .cluster("readmission-closed", $0, region: regions[$0] ?? nil, by: actor, at: now) })
            return closed
        }
    }

    public func revokedClusters(of clusters: [ClusterName]?) async throws(StoreError) -> [ClusterName] {
        try await read(
            """
            SELECT c.name FROM clusters c LEFT JOIN cluster_trust t ON t.cluster = c.name
            WHERE ($1::text[] IS NULL OR c.name = ANY($1))
                AND (t.floor_serial IS NULL OR EXISTS (
                    SELECT FROM certificates s WHERE s.serial = t.floor_serial AND s.denied_at IS NOT NULL))
                AND EXISTS (SELECT FROM certificates s WHERE s.cluster = c.name AND s.denied_at IS NOT NULL)
                AND NOT EXISTS (
                    SELECT FROM certificates s WHERE s.cluster = c.name AND s.denied_at IS NULL
                        AND s.number >= coalesce(t.valid_from, 0))
            ORDER BY c.name COLLATE "C"
            """, [clusters.map { .names($0) } ?? .null]
        ) { rows in try rows.map { try $0.name(0) } }
    }
}
