internal import Foundation
internal import PostgresClient
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// What must hold after any failures, once they have stopped: asked of the database itself, not of a coordinator.
///
/// Every rollout ended or waits at a gate that it names; every order that an operator was told was taken is stored and was
/// answered; every cluster runs what it was assigned last, and never went back in generations; the audit log replays to the state.
func judge(
    _ fleet: Fleet, generations: GenerationWatch? = nil, within limit: Duration = .seconds(90)
) async throws -> Verdict {
    let pool = try PostgresPool(configuration: PostgresConfiguration(fleet.databaseURL))
    async let _: Void = pool.run()
    let store = PostgresStore(pool: pool)
    var verdict = Verdict()

    try await eventually("every rollout to end or to wait at a named gate", within: limit) {
        let restless = try await verdict.look(at: store)
        return restless.isEmpty ? true : nil
    } orDescribe: {
        try await verdict.look(at: store).joined(separator: "; ")
    }
    try await eventually("every cluster to run what it should", within: limit) {
        try await divergences(fleet, store).isEmpty ? true : nil
    } orDescribe: {
        try await divergences(fleet, store).joined(separator: "; ")
    }

    let orders = await fleet.acknowledged
    verdict.orders = orders.count
    let missing = try await missingOrders(orders, store, pool)
    #expect(missing.isEmpty, "orders that were acknowledged are missing: \(missing)")
    if let generations {
        let falls = await generations.falls
        #expect(falls.isEmpty, "generations fell at agents: \(falls)")
    }
    let audit = try await Programs.call("swell-coordinator", ["audit", "verify", "--database", fleet.databaseURL])
    #expect(audit.code == 0, "\(audit.output)\(audit.errors)")
    verdict.audit = audit.output.trimmingCharacters(in: .whitespacesAndNewlines)
    return verdict
}

/// What was found where all held.
struct Verdict: Sendable, CustomStringConvertible {
    /// How many rollouts ended in which phase, or wait at which gate.
    var rollouts: [String: Int] = [:]
    var orders = 0
    var audit = ""

    var description: String {
        let ends = rollouts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        return "rollouts: \(ends); \(orders) orders acknowledged; \(audit)"
    }

    /// The waits that only a person ends.
    private static let gates: Set<Blocker.Kind> = [.approval, .pause, .regionPause, .clusterPause, .failure]

    /// Counts the rollouts, and names those that neither ended nor wait for a person.
    fileprivate mutating func look(at store: PostgresStore) async throws -> [String] {
        var counts: [String: Int] = [:]
        var restless: [String] = []
        for summary in try await store.rollouts(of: nil, limit: 10_000) {
            guard let rollout = try await store.rollout(summary.name) else { continue }
            if rollout.phase.isEnded {
                counts[rollout.phase.rawValue, default: 0] += 1
                continue
            }
            let snapshot = try await store.snapshot(for: rollout.application)
            let blockers = Blockers.of(rollout, snapshot: snapshot, now: try await store.now())
            if let gate = blockers.first(where: { Self.gates.contains($0.what) }) {
                counts["waiting for \(gate.what)", default: 0] += 1
            } else {
                restless.append("\(rollout.name) is \(rollout.phase): \(blockers.map(\.why))")
            }
        }
        rollouts = counts
        return restless
    }
}

/// Clusters that do not run what they were assigned last, as they said themselves.
private func divergences(_ fleet: Fleet, _ store: PostgresStore) async throws -> [String] {
    var found: [String] = []
    let statuses = Dictionary(grouping: try await store.statuses(of: nil), by: \.cluster)
    // Who has left the fleet is told nothing any more, and not heard.
    let members = Set(try await store.clusterListing().items.map(\.cluster.name))
    for cluster in await fleet.clusters {
        let name = try ClusterName(cluster)
        guard members.contains(name) else { continue }
        for assignment in try await store.assignments(of: name) {
            let report = statuses[name]?.first { $0.report.application == assignment.application }?.report
            let journal = try AgentJournalFile(fleet.agentFolder(cluster)).record(of: assignment.application)
            if report?.generation != assignment.generation || journal?.highestGeneration != assignment.generation {
                found.append(
                    "\(cluster) was assigned generation \(assignment.generation), its agent accepted "
                        + "\(journal?.highestGeneration ?? 0) and reported \(report?.generation ?? 0)")
            }
        }
    }
    return found
}

/// Acknowledged orders of which the database knows nothing, or that were never answered.
private func missingOrders(_ orders: [Order], _ store: PostgresStore, _ pool: PostgresPool) async throws -> [Order] {
    let events = try await store.events(after: 0, filter: EventFilter(), limit: 1_000_000)
    let commands = try await pool.query(
        "SELECT rollout, command::text FROM rollout_commands WHERE decided_at IS NOT NULL"
    ).map { (rollout: try $0.decode(String.self, at: 0), text: try $0.decode(String.self, at: 1)) }
    // Where an order takes no mark of its own, so many of them must be there.
    var counted: [Order: Int] = [:]
    for order in orders { counted[order, default: 0] += 1 }
    var missing: [Order] = []
    for (order, count) in counted {
        let found: Int
        switch order.verb {
        case "release create":
            found = events.count { $0.what == "release.created" && $0.to == order.subject }
        case "rollout start":
            found = try await store.rollout(RolloutName(order.subject)) == nil ? 0 : 1
        case "region pause":
            found = events.count { $0.what == "region.paused" && $0.reason == order.mark }
        case "region resume":
            // Of a region that is not paused it changes nothing, and leaves no row.
            let last = orders.last { $0.verb.hasPrefix("region") && $0.subject == order.subject }
            let pause = try await store.regionPauses()[RegionName(order.subject)]
            found = last != order || pause == nil ? count : 0
        default:
            let verb = order.verb.split(separator: " ").last.map(String.init) ?? order.verb
            let key = verb == "undo" ? "rollback" : verb
            found = commands.count {
                $0.rollout == order.subject && $0.text.contains("\"\(key)\"")
                    && (order.mark.map($0.text.contains) ?? true)
            }
        }
        if found < count { missing.append(order) }
    }
    return missing
}

/// An agent's journal, read by the harness while the agent may be writing or dead.
struct AgentJournalFile {
    private struct Envelope: Decodable { var journal: AgentJournal }

    let url: URL

    init(_ folder: URL) { url = folder.appending(path: "journal.json") }

    /// The journal; nil before the first.
    func journal() throws -> AgentJournal? {
        guard let data = try? Data(contentsOf: url) else { return nil }
        return try JSONDecoder().decode(Envelope.self, from: data).journal
    }

    func record(of application: ApplicationName) throws -> AgentRecord? { try journal()?.applications[application] }
}

/// Watches agents' journals for generations and epochs that fall.
actor GenerationWatch {
    private(set) var falls: [String] = []
    private var highest: [String: (generation: Int64, epoch: Int64)] = [:]

    /// Looks at every agent's journal, again and again, until cancelled.
    func run(_ fleet: Fleet) async throws {
        while !Task.isCancelled {
            for cluster in await fleet.clusters {
                for (name, record) in try AgentJournalFile(fleet.agentFolder(cluster)).journal()?.applications ?? [:] {
                    note("\(cluster)/\(name)", record)
                }
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    private func note(_ place: String, _ record: AgentRecord) {
        if let known = highest[place],
            record.highestGeneration < known.generation || record.highestEpoch < known.epoch
        {
            falls.append(
                "\(place) from generation \(known.generation), epoch \(known.epoch) to \(record.highestGeneration), "
                    + "\(record.highestEpoch)")
        }
        highest[place] = (record.highestGeneration, record.highestEpoch)
    }
}
