internal import PostgresClient
public import SwellModel

extension PostgresStore: FleetStore {
    public func apply(_ documents: FleetDocuments, by actor: String) async throws(StoreError) -> [AppliedDocument] {
        try DocumentRules.check(documents)
        return try await transact { transaction in
            try await transaction.lockSurroundings()
            let clusters = try await upsert(
                documents.clusters, named: \.name.rawValue, DocumentKind.cluster, into: "clusters", transaction)
            let applications = try await upsert(
                documents.applications, named: \.name.rawValue, DocumentKind.application, into: "applications",
                transaction)
            let policies = try await upsert(
                documents.policies, named: \.name.rawValue, DocumentKind.policy, into: "policies", transaction)
            if (clusters + applications).contains(where: { $0.document.outcome != .unchanged }) {
                try await transaction.noteSurroundingsChanged()
            }
            let applied = clusters + applications + policies
            let now = try await transaction.now()
            try await transaction.record(
                applied.filter { $0.document.outcome != .unchanged }
                    .map { .applied($0.document, $0.change, by: actor, at: now) })
            return applied.map(\.document)
        }
    }

    /// Stores what differs and says what became of each.
    private func upsert<Document: Codable & Equatable & FleetDocument>(
        _ documents: [Document], named name: (Document) -> String, _ kind: String, into table: String,
        _ transaction: PostgresTransaction
    ) async throws -> [(document: AppliedDocument, change: DocumentChange)] {
        guard !documents.isEmpty else { return [] }
        let names = documents.map(name)
        let rows = try await transaction.query(
            "SELECT name, document FROM \(table) WHERE name = ANY($1)", [.texts(names)])
        var stored: [String: Document] = [:]
        var unreadable: Set<String> = []
        for row in rows {
            let name = try row.decode(String.self, at: 0)
            // What cannot be read is mended by being replaced.
            do { stored[name] = try row.json(1) } catch { unreadable.insert(name) }
        }
        var applied: [(document: AppliedDocument, change: DocumentChange)] = []
        var changed: [(name: String, document: Document)] = []
        for (name, document) in zip(names, documents) {
            let outcome: AppliedDocument.Outcome =
                unreadable.contains(name)
                ? .configured : stored[name].map { $0 == document ? .unchanged : .configured } ?? .created
            applied.append(
                (
                    AppliedDocument(kind: kind, name: name, outcome: outcome),
                    DocumentChange(from: stored[name], to: document)
                ))
            if outcome != .unchanged { changed.append((name, document)) }
        }
        if !changed.isEmpty {
            try await transaction.query(
                """
                INSERT INTO \(table) (name, document) SELECT * FROM unnest($1::text[], $2::jsonb[])
                ON CONFLICT (name) DO UPDATE SET document = excluded.document, changed_at = swell_now()
                """,
                [.texts(changed.map(\.name)), .jsons(encoding: changed.map(\.document))])
        }
        return applied
    }

    public func clusters() async throws(StoreError) -> [ClusterRecord] { try await clusterListing().whole("cluster") }

    public func clusterListing() async throws(StoreError) -> Listing<ClusterRecord> {
        try await read(
            """
            SELECT c.document, coalesce(a.is_enrolled, false),
                coalesce(a.connected_to IS NOT NULL
                    AND a.last_seen_at > swell_now() - $1::bigint * interval '1 millisecond', false),
                a.version, a.last_seen_at, p.pause, c.name,
                CASE WHEN t.readmit_until > swell_now() THEN t.readmit_until END,
                CASE WHEN a.is_enrolled AND s.counts IS NOT TRUE
                    THEN coalesce(s.denied_at, CASE WHEN t.floor_serial IS NULL THEN t.floor_at END) END
            FROM clusters c LEFT JOIN agents a ON a.cluster = c.name LEFT JOIN cluster_pauses p ON p.cluster = c.name
                LEFT JOIN cluster_trust t ON t.cluster = c.name
                LEFT JOIN LATERAL (
                    SELECT max(denied_at) AS denied_at,
                        bool_or(denied_at IS NULL AND number >= coalesce(t.valid_from, 0)) AS counts
                    FROM certificates WHERE cluster = c.name
                ) AS s ON true
            ORDER BY c.name COLLATE "C"
            """, [.int64(Bounds.connectionLifetime.milliseconds)]
        ) { rows in
            try rows.listing(named: 6) { row in
                let cluster: Cluster = try row.json(0)
                guard try cluster.name == row.name(6) else { throw StoreError.misnamed(cluster.name.rawValue) }
                return ClusterRecord(
                    cluster: cluster, isEnrolled: try row.decode(at: 1), isConnected: try row.decode(at: 2),
                    agentVersion: try row.decode(at: 3), lastSeenAt: try row.timeIfAny(4), pause: try row.jsonIfAny(5),
                    readmittedUntil: try row.timeIfAny(7), revokedAt: try row.timeIfAny(8))
            }
        }
    }

    public func applications() async throws(StoreError) -> [Application] {
        try await applicationListing().whole("application")
    }

    public func applicationListing() async throws(StoreError) -> Listing<Application> {
        try await read(#"SELECT document, name FROM applications ORDER BY name COLLATE "C""#) {
            try $0.listing(named: 1) { try $0.json(0) }
        }
    }

    public func policies() async throws(StoreError) -> [RolloutPolicy] { try await policyListing().whole("policy") }

    public func policyListing() async throws(StoreError) -> Listing<RolloutPolicy> {
        try await read(#"SELECT document, name FROM policies ORDER BY name COLLATE "C""#) {
            try $0.listing(named: 1) { try $0.json(0) }
        }
    }

    public func removeCluster(_ name: ClusterName, by actor: String) async throws(StoreError) {
        try await transact { transaction in
            try await transaction.lockSurroundings()
            let rows = try await transaction.query(
                "DELETE FROM clusters WHERE name = $1 RETURNING document", [.name(name)])
            guard let row = rows.first else { throw StoreError.noCluster(name) }
            // A cluster that comes back under the name is another one, or was mended: nobody paused it.
            try await transaction.query("DELETE FROM cluster_pauses WHERE cluster = $1", [.name(name)])
            // Nor does it come back with the certificates or tokens that it had.
            _ = try await transaction.revokeAll(of: name, isLeaving: true)
            try await transaction.noteSurroundingsChanged()
            let cluster = try row.json(0, as: Cluster.self)
            try await transaction.record([
                .cluster("removed", name, region: cluster.region, by: actor, at: transaction.now())
            ])
        }
    }

    public func setRegionPause(_ region: RegionName, _ pause: Pause?, by actor: String) async throws(StoreError) {
        try await transact { transaction in
            try await transaction.lockSurroundings()
            guard try await transaction.setPause(pause, of: region.rawValue, in: "region_pauses", key: "region")
            else { return }
            try await transaction.noteSurroundingsChanged()
            try await transaction.record([.regionPause(region, pause, by: actor, at: transaction.now())])
        }
    }

    public func setClusterPause(_ name: ClusterName, _ pause: Pause?, by actor: String) async throws(StoreError) {
        try await transact { transaction in
            try await transaction.lockSurroundings()
            let rows = try await transaction.query("SELECT document FROM clusters WHERE name = $1", [.name(name)])
            guard let row = rows.first else { throw StoreError.noCluster(name) }
            guard try await transaction.setPause(pause, of: name.rawValue, in: "cluster_pauses", key: "cluster")
            else { return }
            try await transaction.noteSurroundingsChanged()
            try await transaction.record([.clusterPause(row.json(0), pause, by: actor, at: transaction.now())])
        }
    }

    public func regionPauses() async throws(StoreError) -> [RegionName: Pause] {
        try await read("SELECT region, pause FROM region_pauses") { rows in
            try rows.reduce(into: [:]) { pauses, row in pauses[try row.name(0)] = try row.json(1) }
        }
    }

    public func fleetLimit() async throws(StoreError) -> Int? {
        try await read("SELECT max_in_flight FROM fleet_limit") { try $0.scalar(Int?.self) }
    }

    public func setFleetLimit(_ limit: Int?, by actor: String) async throws(StoreError) {
        try DocumentRules.check(limit: limit)
        try await transact { transaction in
            try await transaction.lockSurroundings()
            let changed = try await transaction.query(
                """
                UPDATE fleet_limit SET max_in_flight = $1::bigint::integer
                WHERE max_in_flight IS DISTINCT FROM $1::bigint::integer
                """, [.int(limit)])
            guard changed.affectedRows > 0 else { return }
            try await transaction.noteSurroundingsChanged()
            try await transaction.record([.fleetLimit(limit, by: actor, at: transaction.now())])
        }
    }

    public func now() async throws(StoreError) -> Timestamp {
        try await read("SELECT swell_now()") { try $0.single().time(0) }
    }
}

extension PostgresTransaction {
    /// The database's clock at this moment.
    func now() async throws -> Timestamp { try await query("SELECT swell_now()").single().time(0) }

    /// Waits until no decision runs, and keeps new ones out until the commit.
    fileprivate func lockSurroundings() async throws { try await query("LOCK TABLE fleet_guard IN EXCLUSIVE MODE") }

    /// Makes active rollouts due.
    fileprivate func noteSurroundingsChanged() async throws {
        try await query("UPDATE fleet_guard SET version = version + 1")
    }

    /// Sets or lifts a pause; says whether that changed anything.
    fileprivate func setPause(_ pause: Pause?, of name: String, in table: String, key: String) async throws -> Bool {
        guard let pause else {
            return try await query("DELETE FROM \(table) WHERE \(key) = $1", [.text(name)]).affectedRows > 0
        }
        try await query(
            """
            INSERT INTO \(table) (\(key), pause) VALUES ($1, $2)
            ON CONFLICT (\(key)) DO UPDATE SET pause = excluded.pause
            """, [.text(name), .json(encoding: pause)])
        return true
    }
}
