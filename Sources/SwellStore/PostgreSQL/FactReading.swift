internal import PostgresClient
internal import SwellEngine
internal import SwellModel

/// Reads what surrounds rollouts of one application: the same statements for planning and for deciding.
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

    let subject: Subject

    /// The statements to run, in one pipeline; their results in the same order go to ``snapshot(from:of:)``.
    var statements: [PostgresStatement] {
        let application = subject.sql
        let parameters = [subject.parameter]
        return [
            PostgresStatement("SELECT document FROM applications WHERE name = \(application)", parameters),
            PostgresStatement(
                """
                SELECT c.document, coalesce(a.is_enrolled, false), a.last_seen_at,
                    greatest(g.generation, s.highest_generation, 0),
                    g.assignment, s.report, s.received_at, k.rollout, c.name,
                    CASE WHEN g.assignment->'isPaused' = 'true' THEN g.generation END
                FROM clusters c
                LEFT JOIN agents a ON a.cluster = c.name
                LEFT JOIN cluster_status s ON s.cluster = c.name AND s.application = \(application)
                LEFT JOIN assignments g ON g.cluster = c.name AND g.application = \(application)
                LEFT JOIN rollout_claims k ON k.cluster = c.name AND k.application = \(application)
                """, parameters),
            PostgresStatement(
                """
                SELECT cluster, version, digest FROM proven_releases WHERE application = \(application)
                ORDER BY cluster, generation DESC, proven_at DESC
                """, parameters),
            PostgresStatement("SELECT region, pause FROM region_pauses"),
            PostgresStatement("SELECT cluster, pause FROM cluster_pauses"),
            PostgresStatement(
                """
                SELECT l.max_in_flight, CASE WHEN l.max_in_flight IS NULL THEN 0 ELSE (
                    SELECT count(*) FROM rollouts r JOIN rollout_targets t ON t.rollout = r.name
                    WHERE NOT r.is_ended AND t.is_in_flight) END
                FROM fleet_limit l
                """),
        ]
    }

    static let count = 6

    /// What the results say; `isConcerned` picks clusters, given the application's selector if there is such an application, and
    /// `keepsAssigned` adds those that something of it was assigned to.
    ///
    /// A cluster whose document cannot be read concerns only those it is a target of: they fail and name it, for nothing can be decided
    /// about it. For all others it is not there.
    func snapshot(
        from results: ArraySlice<PostgresResult>, targets: Set<ClusterName> = [], keepsAssigned: Bool = false,
        where isConcerned: (Cluster, ClusterSelector?) -> Bool
    ) throws -> (FleetSnapshot, Application?) {
        let tables = Array(results)
        let application: Application? = try tables[0].first?.json(0)
        var snapshot = FleetSnapshot()
        for row in tables[1] {
            guard let cluster = try cluster(of: row, isTarget: targets.contains) else { continue }
            let isWanted = isConcerned(cluster, application?.select)
            guard isWanted || keepsAssigned else { continue }
            let facts = try facts(of: cluster, row)
            guard isWanted || facts.assigned != nil || facts.removal != nil else { continue }
            snapshot.fleet[cluster.name] = facts
        }
        for row in tables[2] {
            let cluster = try row.name(0, of: ClusterName.self)
            guard let proven = snapshot.fleet[cluster]?.proven, proven.count < Bounds.provenReleases else {
                continue
            }
            let release = ReleaseReference(version: try row.decode(String.self, at: 1), digest: try row.digest(2))
            snapshot.fleet[cluster]?.proven.append(release)
        }
        for row in tables[3] { snapshot.pausedRegions[try row.name(0)] = try row.json(1) }
        for row in tables[4] { snapshot.pausedClusters[try row.name(0)] = try row.json(1) }
        let (limit, inFlight) = try tables[5].single().decode(Int?.self, Int.self)
        snapshot.fleetHeadroom = limit.map { max(0, $0 - inFlight) }
        return (snapshot, application)
    }

    /// Nil where the document cannot be read and nobody's decision hangs on it.
    private func cluster(of row: PostgresRow, isTarget: (ClusterName) -> Bool) throws -> Cluster? {
        do {
            return try row.json(0, as: Cluster.self)
        } catch {
            let name = try row.name(8, of: ClusterName.self)
            guard isTarget(name) else { return nil }
            throw StoreError.unreadable(name, error)
        }
    }

    private func facts(of cluster: Cluster, _ row: PostgresRow) throws -> ClusterFacts {
        var assigned: ReleaseReference?
        var removal: AssignedRemoval?
        if let assignment = try row.jsonIfAny(4, as: Assignment.self) {
            switch assignment.goal {
            case .run(let release): assigned = release
            case .remove: removal = AssignedRemoval(generation: assignment.generation, rollout: assignment.rollout)
            }
        }
        return ClusterFacts(
            cluster: cluster, isEnrolled: try row.decode(at: 1), lastSeenAt: try row.timeIfAny(2),
            highestGeneration: try row.decode(at: 3), assigned: assigned, removal: removal,
            report: try row.jsonIfAny(5),
            reportedAt: try row.timeIfAny(6), heldBy: try row.nameIfAny(7),
            pausedGeneration: try row.decode(Int64?.self, at: 9))
    }
}
