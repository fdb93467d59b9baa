internal import SwellEngine
package import SwellModel
package import SwellStore

/// Checks that the audit log tells how the present state came about: replayed onto what was planned, its rows must give it
/// (invariant 16), each going on from where the one before it left off, and no cluster's generation may ever have fallen
/// (invariant 8). It only reads, and may run beside working replicas.
package struct AuditVerifier: Sendable {
    /// What was found out.
    package struct Outcome: Sendable, Hashable {
        /// How many rollouts were replayed.
        package var rollouts = 0
        /// How many rows that took.
        package var transitions = 0
        /// Ended rollouts whose first rows are past the log's retention, so that nothing can be said of them.
        package var beyondRetention: [RolloutName] = []
        /// Rollouts that were decided on whenever they were read, so that nothing can be said of them.
        package var busy: [RolloutName] = []
        /// What does not fit, one line each.
        package var findings: [Finding] = []
    }

    /// One thing that does not fit.
    package struct Finding: Sendable, Hashable, CustomStringConvertible {
        package var rollout: RolloutName
        package var message: String

        package var description: String { "rollout/\(rollout): \(message)" }
    }

    private let store: any RolloutStore & AuditStore

    package init(store: any RolloutStore & AuditStore) { self.store = store }

    /// Replays every rollout that is stored.
    package func verify() async throws(StoreError) -> Outcome {
        var outcome = Outcome()
        var generations: [GenerationChange] = []
        for summary in try await store.rollouts(of: nil, limit: Int(Int32.max)) {
            guard let plan = try await store.plan(of: summary.name) else { continue }
            let name = summary.name
            let reading = try await Self.consistentReading(attempts: 20) { () throws(StoreError) in
                try await store.rollout(name)
            } rows: { cursor throws(StoreError) in
                try await store.transitions(of: name, after: cursor, limit: 1_000)
            }
            guard let (state, rows) = reading else {
                outcome.busy.append(name)
                continue
            }
            guard let state else { continue }
            guard try await isWhole(summary.name) else {
                outcome.beyondRetention.append(summary.name)
                continue
            }
            outcome.rollouts += 1
            outcome.transitions += rows.count
            outcome.findings += Self.gaps(in: rows, of: plan)
            outcome.findings += Self.differences(Transition.replay(onto: plan, rows), state)
            generations += Self.generations(in: rows, of: plan)
        }
        outcome.findings += Self.falls(in: generations)
        return outcome
    }

    /// A rollout and its rows as of one moment: where a decision came in between, what it added is read too. Nil where decisions
    /// came in between at every attempt.
    static func consistentReading(
        attempts: Int, state: () async throws(StoreError) -> Rollout?,
        rows: (_ after: Int64) async throws(StoreError) -> (transitions: [Transition], cursor: Int64)
    ) async throws(StoreError) -> (Rollout?, [Transition])? {
        var all: [Transition] = []
        var cursor: Int64 = 0
        var before = try await state()
        for _ in 0..<attempts {
            while true {
                let page = try await rows(cursor)
                guard !page.transitions.isEmpty else { break }
                all += page.transitions
                cursor = page.cursor
            }
            let after = try await state()
            if after == before { return (after, all) }
            before = after
        }
        return nil
    }

    private func isWhole(_ rollout: RolloutName) async throws(StoreError) -> Bool {
        let first = try await store.events(after: 0, filter: EventFilter(rollout: rollout), limit: 1).first
        return first?.what == "rollout.created"
    }

    // MARK: One rollout

    /// Rows that do not begin where the rows before them ended: something between them is missing.
    static func gaps(in rows: [Transition], of plan: Rollout) -> [Finding] {
        var state = plan
        var findings: [Finding] = []
        for row in rows {
            let known = state.currentPhase(of: row.subject)
            if known != row.from {
                findings.append(
                    Finding(
                        rollout: plan.name,
                        message: "the row of \(row.subject.words) at \(row.at) goes from \(row.from ?? "nothing") to "
                            + "\(row.to), but the rows before it lead to \(known ?? "nothing"): a row is missing"))
            }
            state = Transition.replay(onto: state, [row])
        }
        return findings
    }

    /// Where the replayed rollout is not the stored one.
    static func differences(_ replayed: Rollout, _ stored: Rollout) -> [Finding] {
        guard replayed != stored else { return [] }
        var messages: [String] = []
        func compare(_ what: String, _ log: String?, _ state: String?) {
            messages.append(
                log == state
                    ? "\(what) is \(state ?? "absent") in both, with other particulars in the log than in the state"
                    : "\(what) is \(log ?? "absent") by the log and \(state ?? "absent") in the state")
        }
        for (index, stage) in stored.stages.enumerated() where !replayed.stages.contains(stage) {
            let other = replayed.stages.indices.contains(index) ? replayed.stages[index] : nil
            compare("stage \(stage.name)", other?.phase.rawValue, stage.phase.rawValue)
        }
        for cluster in Set(stored.targets.keys).union(replayed.targets.keys).sorted()
        where stored.targets[cluster] != replayed.targets[cluster] {
            compare(
                "target \(cluster)", replayed.targets[cluster]?.phase.rawValue, stored.targets[cluster]?.phase.rawValue)
        }
        if messages.isEmpty || replayed.phase != stored.phase {
            compare("the rollout", replayed.phase.rawValue, stored.phase.rawValue)
        }
        return messages.map { Finding(rollout: stored.name, message: $0) }
    }

    // MARK: Generations over all rollouts

    /// A cluster was assigned a new generation of an application.
    struct GenerationChange {
        var rollout: RolloutName
        var application: ApplicationName
        var cluster: ClusterName
        var generation: Int64
        var at: Timestamp
    }

    private static func generations(in rows: [Transition], of plan: Rollout) -> [GenerationChange] {
        var known: [ClusterName: Int64] = plan.targets.compactMapValues(\.generation)
        return rows.compactMap { row in
            guard case .target(let target) = row.value, let generation = target.generation,
                known.updateValue(generation, forKey: target.cluster) != generation
            else { return nil }
            return GenerationChange(
                rollout: plan.name, application: plan.application, cluster: target.cluster, generation: generation,
                at: row.at)
        }
    }

    /// Generations that did not rise. Rollouts take turns on a cluster, so the moments tell the order.
    static func falls(in changes: [GenerationChange]) -> [Finding] {
        struct Place: Hashable {
            let cluster: ClusterName
            let application: ApplicationName
        }
        var highest: [Place: GenerationChange] = [:]
        var findings: [Finding] = []
        for change in changes.sorted(by: { ($0.at, $0.generation) < ($1.at, $1.generation) }) {
            let place = Place(cluster: change.cluster, application: change.application)
            if let before = highest[place], before.generation >= change.generation {
                findings.append(
                    Finding(
                        rollout: change.rollout,
                        message:
                            "cluster \(change.cluster) was assigned generation \(change.generation) at \(change.at), "
                            + "after generation \(before.generation) by rollout \(before.rollout)"))
            } else {
                highest[place] = change
            }
        }
        return findings
    }
}

extension Rollout {
    fileprivate func currentPhase(of subject: Transition.Subject) -> String? {
        switch subject {
        case .rollout: header.phase.rawValue
        case .stage(let index, _): stages.indices.contains(index) ? stages[index].phase.rawValue : nil
        case .target(let cluster): targets[cluster]?.phase.rawValue
        }
    }
}

extension Transition.Subject {
    fileprivate var words: String {
        switch self {
        case .rollout: "the rollout"
        case .stage(_, let name): "stage \(name)"
        case .target(let cluster): "target \(cluster)"
        }
    }
}
