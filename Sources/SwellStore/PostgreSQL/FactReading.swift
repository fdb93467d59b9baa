internal import PostgresClient
internal import SwellEngine
internal import SwellModel

/// Reads what surrounds rollouts of one application: the same for planning and for deciding.
///
/// In two steps: first what is said once, and from that, with the documents that are kept, who is concerned; then the facts of those. What
/// other clusters and applications have does not make it longer.
struct FactReading {
    /// The application: its name, or the statement's subquery for it.
    enum Subject {
        case application(ApplicationName)
        case rollout(RolloutName)

        fileprivate var sql: String {
            switch self {
            case .application: "$1"
            case .rollout: "(SELECT application FROM rollouts WHERE name = $1)"
            }
        }
        fileprivate var parameter: PostgresValue {
            switch self {
            case .application(let name): .name(name)
            case .rollout(let name): .name(name)
            }
        }
    }

    /// Who is concerned.
    enum Scope {
        /// Those that the application selects.
        case selected
        /// Those, and where something of it was assigned.
        case selectedOrAssigned
        /// A rollout's targets, and who may still join it.
        case around(Rollout)
    }

    let subject: Subject

    /// The statements of the first step, in one pipeline; their results in the same order go to ``outline(from:)``.
    var statements: [PostgresStatement] {
        [
            PostgresStatement(
                "SELECT document FROM applications WHERE name = \(subject.sql)", [subject.parameter]),
            PostgresStatement("SELECT region, pause FROM region_pauses"),
            PostgresStatement("SELECT cluster, pause FROM cluster_pauses"),
            PostgresStatement(
                """
                SELECT l.max_in_flight, CASE WHEN l.max_in_flight IS NULL THEN 0 ELSE (
                    SELECT count(*) FROM rollouts r JOIN rollout_targets t ON t.rollout = r.name
                    WHERE NOT r.is_ended AND t.is_in_flight) END
                FROM fleet_limit l
                """),
            PostgresStatement("SELECT version, documents::text FROM fleet_guard"),
        ]
    }

    static let count = 5

    /// What is said once.
    struct Outline {
        var application: Application?
        /// Without any cluster.
        var snapshot: FleetSnapshot
        var fleetVersion: Int64
        /// The stamp of the fleet's documents.
        var stamp: String
    }

    func outline(from results: ArraySlice<PostgresResult>) throws -> Outline {
        let tables = Array(results)
        var snapshot = FleetSnapshot()
        for row in tables[1] { snapshot.pausedRegions[try row.name(0)] = try row.json(1) }
        for row in tables[2] { snapshot.pausedClusters[try row.name(0)] = try row.json(1) }
        let (limit, inFlight) = try tables[3].single().decode(Int?.self, Int.self)
        snapshot.fleetHeadroom = limit.map { max(0, $0 - inFlight) }
        let guarded = try tables[4].single()
        return Outline(
            application: try tables[0].first?.json(0), snapshot: snapshot, fleetVersion: try guarded.decode(at: 0),
            stamp: try guarded.decode(at: 1))
    }
}

extension FactReading.Scope {
    /// The clusters to read the facts of, with their documents.
    ///
    /// A cluster whose document cannot be read concerns only those it is a target of: they fail and name it, for nothing can be decided
    /// about it. For all others it is not there.
    func clusters(in documents: ClusterDocuments, of application: Application?) throws -> [ClusterName: Cluster] {
        let names: [ClusterName]
        switch self {
        case .selected: names = documents.names { application?.select.matches($0) == true }
        // Which of them have an assignment is found with their facts.
        case .selectedOrAssigned: names = documents.names { _ in true }
        case .around(let rollout):
            let others = documents.names {
                rollout.targets[$0.name] == nil && application?.select.matches($0) == true && rollout.mayAdmit($0)
            }
            names = others + rollout.targets.keys
        }
        return try names.reduce(into: [:]) { $0[$1] = try documents.cluster($1) }
    }

    func concerns(_ facts: ClusterFacts, of application: Application?) -> Bool {
        guard case .selectedOrAssigned = self else { return true }
        return application?.select.matches(facts.cluster) == true || facts.assigned != nil || facts.removal != nil
    }
}

extension PostgresTransaction {
    /// The second step: the snapshot with those who are concerned, and the database's clock after all of it was read.
    func snapshot(
        _ scope: FactReading.Scope, of name: ApplicationName, in outline: FactReading.Outline,
        _ memory: ClusterMemory
    ) async throws -> (FleetSnapshot, now: Timestamp) {
        let documents = try await documents(as: outline.stamp, memory)
        let clusters = try scope.clusters(in: documents, of: outline.application)
        let names = clusters.keys.sorted()
        let parameters: [PostgresValue] = [.names(names), .name(name)]
        let results = try await pipeline([
            PostgresStatement(
                """
                SELECT n.cluster, coalesce(a.is_enrolled, false), a.last_seen_at,
                    greatest(g.generation, s.highest_generation, 0), g.assignment, s.report, s.received_at, k.rollout,
                    CASE WHEN g.assignment->'isPaused' = 'true' THEN g.generation END
                FROM unnest($1::text[]) AS n (cluster)
                LEFT JOIN agents a ON a.cluster = n.cluster
                LEFT JOIN cluster_status s ON s.cluster = n.cluster AND s.application = $2
                LEFT JOIN assignments g ON g.cluster = n.cluster AND g.application = $2
                LEFT JOIN rollout_claims k ON k.cluster = n.cluster AND k.application = $2
                """, parameters),
            PostgresStatement(
                """
                SELECT cluster, version, digest FROM proven_releases WHERE cluster = ANY($1) AND application = $2
                ORDER BY cluster, generation DESC, proven_at DESC
                """, parameters),
            PostgresStatement("SELECT swell_now()"),
        ])
        var snapshot = outline.snapshot
        for row in results[0] {
            let name = try row.name(0, of: ClusterName.self)
            guard let cluster = clusters[name] else { continue }
            let facts = try ClusterFacts(of: cluster, row, memory)
            if scope.concerns(facts, of: outline.application) { snapshot.fleet[name] = facts }
        }
        for row in results[1] {
            let cluster = try row.name(0, of: ClusterName.self)
            guard let proven = snapshot.fleet[cluster]?.proven, proven.count < Bounds.provenReleases else { continue }
            let release = ReleaseReference(version: try row.decode(String.self, at: 1), digest: try row.digest(2))
            snapshot.fleet[cluster]?.proven.append(release)
        }
        return (snapshot, try results[2].single().time(0))
    }

    /// The fleet's documents: as they are kept where those have this stamp, else with what was changed read.
    private func documents(as stamp: String, _ memory: ClusterMemory) async throws -> ClusterDocuments {
        let kept = memory.documents
        guard kept.stamp != stamp else { return kept }
        var listed: [ClusterName: String] = [:]
        for row in try await query("SELECT name, stamp::text FROM clusters") {
            // What has no name of a cluster is nobody's target, nor is it selected.
            guard let name = try? row.name(0, of: ClusterName.self) else { continue }
            listed[name] = try row.decode(String.self, at: 1)
        }
        let outdated = kept.outdated(by: listed)
        var read: [ClusterName: ClusterDocuments.Entry] = [:]
        if !outdated.isEmpty {
            let rows = try await query(
                "SELECT name, stamp::text, document FROM clusters WHERE name = ANY($1)", [.names(outdated)])
            for row in rows {
                let name = try row.name(0, of: ClusterName.self)
                read[name] = .init(stamp: try row.decode(at: 1), document: row.cluster(2, named: name))
            }
        }
        let current = kept.updated(to: stamp, listed: listed, read: read)
        memory.keep(current)
        return current
    }
}

extension PostgresRow {
    fileprivate func cluster(_ column: Int, named name: ClusterName) -> Result<Cluster, StoreError> {
        do {
            let cluster: Cluster = try json(column)
            return cluster.name == name ? .success(cluster) : .failure(.misnamed(cluster.name.rawValue))
        } catch {
            return .failure(StoreError(postgres: error))
        }
    }
}

extension ClusterFacts {
    fileprivate init(of cluster: Cluster, _ row: PostgresRow, _ memory: ClusterMemory) throws {
        var assigned: ReleaseReference?
        var removal: AssignedRemoval?
        if let assignment = try row.jsonIfAny(4, memory.assignments) {
            switch assignment.goal {
            case .run(let release): assigned = release
            case .remove: removal = AssignedRemoval(generation: assignment.generation, rollout: assignment.rollout)
            }
        }
        self.init(
            cluster: cluster, isEnrolled: try row.decode(at: 1), lastSeenAt: try row.timeIfAny(2),
            highestGeneration: try row.decode(at: 3), assigned: assigned, removal: removal,
            report: try row.jsonIfAny(5, memory.reports), reportedAt: try row.timeIfAny(6),
            heldBy: try row.nameIfAny(7),
            pausedGeneration: try row.decode(Int64?.self, at: 8))
    }
}
