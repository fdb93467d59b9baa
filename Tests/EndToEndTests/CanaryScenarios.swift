internal import AsyncSupport
internal import Foundation
internal import KubernetesClient
internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// The canary leaves the fleet, changes its region, or leaves and comes back: before a bad release has failed there, while it is taken
/// back, and after the failure has stopped the rollout. What is bad never goes further for it, and what is healthy gets through after it.
///
/// Every cell of the matrix has regions, an application and a policy of its own in one fleet, and all are played side by side.
@Suite(.serialized) struct CanaryScenarios {
    /// What becomes of the canary.
    enum Change: String, CaseIterable, Sendable { case removed, moved, recreated }

    /// How far the bad release is.
    enum Moment: String, CaseIterable, Sendable {
        /// It was dispatched, and has not failed.
        case before
        /// It has failed, and is being taken back.
        case during
        /// It has failed, and a person is waited for.
        case after
    }

    struct Cell: Sendable, CustomStringConvertible {
        var change: Change
        var moment: Moment
        var number: Int

        var application: String { "web-\(number)" }
        var canary: String { "canary-\(number)" }
        var other: String { "other-\(number)" }
        var description: String { "\(change.rawValue) \(moment.rawValue)" }
    }

    private static let cells = Change.allCases.flatMap { change in Moment.allCases.map { (change, $0) } }.enumerated()
        .map { Cell(change: $1.0, moment: $1.1, number: $0 + 1) }

    @Test func whatIsBadStaysWhereItFailedWhateverBecomesOfTheCanary() async throws {
        var regions: [String: [String]] = [:]
        for cell in Self.cells {
            regions["region-\(cell.canary)"] = [cell.canary]
            regions["region-\(cell.other)"] = [cell.other]
        }
        var rows: [String] = []
        try await withFleet(regions) { fleet in
            try await fleet.withStore { store in
                try await forEachConcurrently(Self.cells, atMost: Self.cells.count) { cell in
                    do {
                        return "\(cell): \(try await play(cell, fleet, store))"
                    } catch {
                        Issue.record("\(cell): \(error)")
                        return "\(cell): FAILED: \(error)"
                    }
                } onResult: {
                    rows.append($0)
                }
            }
            print("judgement: \(try await judge(fleet))")
        }
        print("what became of the canary, when: how the bad release stood then; how a healthy one fared")
        print(rows.sorted().joined(separator: "\n"))
    }

    /// Plays one cell; returns what became of the rollouts.
    private func play(_ cell: Cell, _ fleet: Fleet, _ store: PostgresStore) async throws -> String {
        try await fleet.apply(cell.documents)
        for (version, image) in [("1.0.0", "good"), ("2.0.0", "missing"), ("3.0.0", "better")] {
            try await fleet.release(
                cell.application, version, manifests: Documents.manifests(image: "registry.example/web:\(image)"))
        }
        let (first, bad, healthy) = ("first-\(cell.number)", "bad-\(cell.number)", "healthy-\(cell.number)")
        try await start("1.0.0", first, cell, fleet)
        try await store.awaited(first, "succeeded") { $0.phase == .succeeded }
        try await start("2.0.0", bad, cell, fleet)
        let canary = try ClusterName(cell.canary)
        let other = try ClusterName(cell.other)
        try await store.awaited(bad, cell.moment.rawValue) { cell.moment.isReached($0, canary) }
        let hadFailed = try await store.rollout(RolloutName(bad))?.targets[canary]?.failedAt != nil
        #expect(hadFailed == (cell.moment != .before), "\(cell): played at the wrong moment")
        try await change(cell, fleet)

        try await noticed(cell, bad, fleet, store)
        let stopped = try await atRest(bad, store)
        #expect(stopped.targets[other]?.attempt == nil, "\(cell): the bad release went on")
        #expect(stopped.phase != .succeeded, "\(cell): the bad release counts as healthy")
        let told = try await store.told(of: stopped)
        #expect(told.contains("("), "\(cell): no reason is given: \(told)")

        if cell.change == .recreated {
            try await start("3.0.0", healthy, cell, fleet, superseding: true)
        } else {
            try await startWithoutCanary("3.0.0", healthy, cell, fleet)
        }
        let ended = try await atRest(healthy, store)
        let outcome = try await store.told(of: ended)
        #expect(ended.phase == .succeeded, "\(cell): \(outcome)")
        // Two releases were applied there, and never a third one.
        let written = try await fleet.withAPI(cell.other) { api in
            try await api.get(ObjectReference("apps/v1", "Deployment", "web", in: cell.application))?.generation
        }
        #expect(written == 2, "\(cell): the other region's Deployment was written \(written ?? 0) times")
        if let target = stopped.targets[canary] {
            return "\(told), canary \(target.phase)\(target.reason.map { " (\($0))" } ?? ""); \(outcome)"
        }
        return "\(told); \(outcome)"
    }

    private func start(
        _ version: String, _ name: String, _ cell: Cell, _ fleet: Fleet, superseding: Bool = false
    ) async throws {
        try await fleet.start(
            version, of: cell.application, under: cell.application, name: name, superseding: superseding)
    }

    /// The policy's canary is nowhere any more, which planning says; under one that knows, the rollout is let go.
    private func startWithoutCanary(_ version: String, _ name: String, _ cell: Cell, _ fleet: Fleet) async throws {
        let refused = try await fleet.swell(
            "rollout", "start", cell.application, "--version", version, "--policy", cell.application, "--name", name,
            "--supersede")
        #expect(refused.code != 0, "\(cell): a rollout without its canary was let go")
        let why = "no cluster of \(cell.application) is in region 'region-\(cell.canary)'"
        #expect(refused.errors.contains(why), "\(cell): \(refused.errors)")
        try await fleet.apply(cell.policyWithoutCanary)
        try await fleet.start(
            version, of: cell.application, under: "\(cell.application)-rest", name: name, superseding: true)
    }

    private func change(_ cell: Cell, _ fleet: Fleet) async throws {
        switch cell.change {
        case .removed: try await remove(cell, fleet)
        case .moved: try await fleet.apply(cell.cluster(in: "region-\(cell.other)"))
        case .recreated:
            try await remove(cell, fleet)
            try await fleet.apply(cell.cluster(in: "region-\(cell.canary)"))
            // What the former one had joined with counts no more; who starts with a new token comes at once.
            try await fleet.killAgent(cell.canary)
            try await fleet.writeToken(for: cell.canary)
            try await fleet.startAgent(cell.canary)
        }
    }

    private func remove(_ cell: Cell, _ fleet: Fleet) async throws {
        let removed = try await fleet.swell("cluster", "remove", cell.canary, "--yes")
        guard removed.code == 0 else { throw HarnessError("the removal was refused: \(removed.errors)") }
    }

    /// Waits until the rollout has decided in the knowledge of the change.
    private func noticed(_ cell: Cell, _ rollout: String, _ fleet: Fleet, _ store: PostgresStore) async throws {
        let canary = try ClusterName(cell.canary)
        switch cell.change {
        case .removed:
            try await store.awaited(rollout, "without its canary") {
                $0.phase.isEnded || $0.targets[canary]?.phase == .skipped
            }
        case .moved:
            try await eventually("the agent to know the canary's new place", within: .seconds(60)) {
                let lines = fleet.printed("coordinator-a").split(separator: "\n")
                return lines.contains { $0.contains("new place goes") && $0.contains("cluster=\(cell.canary)") }
                    ? true : nil
            }
        case .recreated:
            try await store.awaited(rollout, "over, or in the knowledge that the canary is back") {
                $0.phase.isEnded || $0.targets[canary]?.phase != .skipped
            }
        }
    }

    /// The waits that end by themselves.
    private static let passing: Set<Blocker.Kind> = [.health, .minHealthyTime, .soak, .concurrency, .rollback, .start]

    /// The rollout once it has ended, or waits for what only a person or an agent's return ends.
    private func atRest(_ name: String, _ store: PostgresStore) async throws -> Rollout {
        var last: String?
        return try await eventually("rollout \(name) to come to rest", within: .seconds(120)) { () -> Rollout? in
            guard let rollout = try await store.rollout(RolloutName(name)) else { return nil }
            if rollout.phase.isEnded { return rollout }
            guard rollout.phase != .rollingBack else { return nil }
            let blockers = try await store.blockers(of: rollout)
            let isPassing = blockers.allSatisfy {
                Self.passing.contains($0.what) && !$0.why.contains("none of its clusters is healthy")
            }
            let word = isPassing ? nil : "\(blockers)"
            defer { last = word }
            // Twice the same: what one decision leaves for the next is no rest.
            return word != nil && word == last ? rollout : nil
        } orDescribe: {
            guard let rollout = try await store.rollout(RolloutName(name)) else { return "there is none" }
            return try await store.told(of: rollout)
        }
    }
}

extension CanaryScenarios.Moment {
    fileprivate func isReached(_ rollout: Rollout, _ canary: ClusterName) -> Bool {
        switch self {
        case .before: rollout.targets[canary]?.attempt != nil
        case .during: rollout.phase == .rollingBack
        case .after: rollout.phase == .paused
        }
    }
}

extension CanaryScenarios.Cell {
    fileprivate func cluster(in region: String) -> String {
        "apiVersion: swell.dev/v1\nkind: Cluster\nmetadata: {name: \(canary)}\n"
            + "spec: {region: \(region), environment: production}\n"
    }

    fileprivate var policyWithoutCanary: String {
        """
        apiVersion: swell.dev/v1
        kind: RolloutPolicy
        metadata: {name: \(application)-rest}
        spec:
          stages: [{name: everywhere-else, select: {regions: [region-\(other)]}, maxConcurrent: 1}]
          minHealthyTime: 1s
          progressDeadline: 45s
          onFailure: rollback
        """
    }

    fileprivate var documents: String {
        """
        apiVersion: swell.dev/v1
        kind: Application
        metadata: {name: \(application)}
        spec: {namespace: \(application), select: {regions: [region-\(canary), region-\(other)]}}
        ---
        apiVersion: swell.dev/v1
        kind: RolloutPolicy
        metadata: {name: \(application)}
        spec:
          stages:
            - {name: canary, select: {regions: [region-\(canary)]}, maxConcurrent: 1, soak: 1s}
            - {name: everywhere-else, select: {regions: [region-\(other)]}, maxConcurrent: 1}
          minHealthyTime: 3s
          progressDeadline: 45s
          unreachableAfter: 15s
          onFailure: \(moment == .after ? "pause" : "rollback")
        """
    }
}
