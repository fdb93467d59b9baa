internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// One call of the store, as a value: what was drawn from a seed can be run against each form, left out, and printed.
///
/// What only the store can name (a lease, a command's id, a cursor) is named by who got it, or by its place among those got so far.
enum StoreOperation: Sendable {
    /// Not a call: the database's clock goes on.
    case timePasses(Interval)

    case apply(FleetDocuments)
    case removeCluster(ClusterName)
    case pauseRegion(RegionName, Pause?)
    case pauseCluster(ClusterName, Pause?)
    case limitFleet(Int?)
    case readFleet

    case createRelease(Release, [ContentDocument])
    case readReleases(ApplicationName, limit: Int)
    case readDocument(ContentDigest)

    case readSurroundings(ApplicationName)
    case createRollout(Rollout, superseding: [RolloutName])
    case readRollout(RolloutName)
    case readRollouts(ApplicationName?, limit: Int)
    case readDue(limit: Int)
    case submit(RolloutCommand, to: RolloutName)
    case readVerdict(place: Int)
    case decide(RolloutName, under: LeaseHandle, DecisionKind)

    case ingest([ReceivedReport])
    case touch([ClusterName])
    case noteConnection(ClusterName, replica: String, isConnected: Bool)
    case dropConnections(replica: String)
    case readStrays(limit: Int)
    case reissueOrphans(under: LeaseHandle)
    case readAssignments(ClusterName)
    case readChanges(place: Int)
    case readStatuses(ApplicationName?)
    case readRight(ContentDigest, ClusterName)

    case readEvents(place: Int, EventFilter, limit: Int)
    case readLatestEvents(EventFilter, limit: Int)
    case readTransitions(RolloutName)

    case acquireLease(LeaseHandle, Interval)
    case renewLeases(holder: String, Interval)
    case releaseLease(LeaseHandle)
    case releaseLeases(holder: String)

    case createToken(hash: String, ClusterName, Timestamp)
    case spendToken(hash: String, serial: String, Timestamp)
    case revokeToken(String)
    case renewCertificate(serial: String, ClusterName, former: String, Timestamp)
    case useCertificate(serial: String, ClusterName)
    case readmitCertificate(serial: String, ClusterName, Timestamp)
    case openReadmission([ClusterName]?, Timestamp)
    case revokeCertificates(ClusterName, serial: String?)
    case noteClusterUID(String, ClusterName)
    case readTrust([String], [ClusterName])

    case maintain(Retention)

    /// Whether it leaves everything as it is.
    var isRead: Bool {
        switch self {
        case .readFleet, .readReleases, .readDocument, .readSurroundings, .readRollout, .readRollouts, .readDue,
            .readVerdict, .readStrays, .readAssignments, .readChanges, .readStatuses, .readRight, .readEvents,
            .readLatestEvents, .readTransitions, .readTrust:
            true
        default: false
        }
    }
}

/// The lease of this name that this holder was granted last, held or not.
struct LeaseHandle: Hashable, Sendable {
    var name: String
    var holder: String
}

/// What the decision's closure answers.
enum DecisionKind: Sendable, CaseIterable {
    /// What the engine says.
    case engine
    /// Everything is left as it is.
    case nothing
    // What the store must refuse.
    case unanswered, fallenGeneration, foreignEpoch, foreignTarget

    func decide(_ input: DecisionInput) -> Decision {
        var decision = DecisionMaker.decide(input)
        switch self {
        case .engine: break
        case .nothing: decision = input.unchanged
        case .unanswered: decision.verdicts.append(CommandVerdict(command: -1))
        case .fallenGeneration:
            for index in decision.assignments.indices { decision.assignments[index].generation = 0 }
        case .foreignEpoch:
            for index in decision.assignments.indices { decision.assignments[index].epoch += 1 }
        case .foreignTarget:
            for index in decision.assignments.indices { decision.assignments[index].cluster = "nowhere" }
        }
        return decision
    }
}

/// What a call came to, as text: equal where callers could not tell two answers apart.
struct StoreOutcome: Hashable, Sendable, CustomStringConvertible {
    var text: String
    /// The error's code, where it failed.
    var code: String?
    var description: String { code.map { "\($0): \(text)" } ?? text }
}
