internal import AsyncSupport
internal import Foundation
internal import KubernetesObjects
internal import PostgresTesting
internal import Testing

/// A process that stands still for a while, and goes on as if nothing had been: a suspended machine, a paging storm, a database that
/// fails over. A healthy release must end well over each of them, at the cost of no more than another soak.
///
/// Two short freezes are played always. `SWELL_FREEZES=full` plays each kind, length and moment, which takes half an hour, and prints
/// a table; `SWELL_FREEZES=agent,database` narrows that to kinds.
@Suite(.serialized) struct FreezeScenarios {
    /// Who stands still.
    enum Kind: String, CaseIterable, Sendable {
        case agent, cluster, coordinator, database, coordinatorAndDatabase
    }

    /// Where the rollout is when it begins.
    enum Moment: String, CaseIterable, Sendable {
        /// The canary was told.
        case dispatched
        /// The canary is healthy and soaks.
        case soaking
        /// The second stage was told.
        case spreading
    }

    struct Freeze: Sendable, CustomTestStringConvertible {
        var kind: Kind
        var moment: Moment
        /// In seconds.
        var length: Int
        /// Of the policy, in seconds.
        var unreachableAfter = 15
        var deadline = 20
        /// Longer than silence is tolerated: else it would be over before anybody noticed.
        var soak = 20

        /// Whether the canary must be known as unreachable at its end.
        var isNoticed: Bool { kind == .agent && moment == .soaking && length > unreachableAfter + 2 }

        var testDescription: String { "\(kind.rawValue) for \(length) s while \(moment.rawValue)" }
    }

    /// What is longest waited for after a freeze beside the soak: agents come back within 15 s, and machines are slow.
    private static let allowance: Duration = .seconds(60)

    private static let environment = ProcessInfo.processInfo.environment["SWELL_FREEZES"]

    /// Each is longer than silence is tolerated; the deadline would be over soon after if it counted on.
    @Test(
        "A short freeze while the canary soaks",
        arguments: [
            Freeze(kind: .agent, moment: .soaking, length: 20), Freeze(kind: .database, moment: .soaking, length: 20),
        ])
    func short(_ freeze: Freeze) async throws { _ = try await play(freeze) }

    /// Fleets that are played beside each other: they mostly wait, and two cores carry this many.
    private static let width = 6

    @Test(
        "Every kind, length and moment", .enabled(if: environment != nil, "it takes half an hour: SWELL_FREEZES=full"))
    func full() async throws {
        let kinds = Self.environment == "full" ? nil : Self.environment?.split(separator: ",").map(String.init)
        var freezes: [Freeze] = []
        for kind in Kind.allCases where kinds?.contains(kind.rawValue) ?? true {
            for moment in Moment.allCases {
                for length in [10, 20, 48, 75, 120] {
                    freezes.append(
                        Freeze(kind: kind, moment: moment, length: length, unreachableAfter: 30, deadline: 60, soak: 40)
                    )
                }
            }
        }
        var rows: [String] = []
        try await forEachConcurrently(freezes, atMost: Self.width) { freeze in
            do {
                return "\(freeze.testDescription): succeeded, \(try await play(freeze))"
            } catch {
                Issue.record("\(freeze.testDescription): \(error)")
                return "\(freeze.testDescription): FAILED: \(error)"
            }
        } onResult: {
            rows.append($0)
        }
        print("what froze, how long, when: the outcome, and how long after the freeze")
        print(rows.sorted().joined(separator: "\n"))
    }

    /// Plays one freeze on a fleet of its own; returns how long after it the rollout ended.
    private func play(_ freeze: Freeze) async throws -> Duration {
        var took: Duration = .zero
        try await withFleet(["us-east-1": ["use1-a"], "us-west-1": ["usw1-a"]]) { fleet in
            try await fleet.apply(
                Documents.applicationAndPolicy(
                    canary: "us-east-1", waves: ["us-west-1"], soak: "\(freeze.soak)s", deadline: "\(freeze.deadline)s",
                    unreachable: "\(freeze.unreachableAfter)s"))
            // What the simulated cluster itself thinks of a lost minute is not asked here.
            let manifests = Documents.manifests(image: "registry.example/web:1.0.0")
                .replacing("progressDeadlineSeconds: 8", with: "progressDeadlineSeconds: 600")
            try await fleet.release("web", "1.0.0", manifests: manifests)
            try await fleet.start("1.0.0", name: "first")
            try await fleet.rollout("first", freeze.moment.rawValue) { freeze.moment.isReached($0) }

            try await freeze.kind.stop(fleet, at: freeze.moment)
            try await ContinuousClock().sleep(for: .seconds(freeze.length))
            if freeze.isNoticed {
                let status = try #require(try await fleet.status("first"))
                #expect(targets(status, region: "us-east-1").first?["phase"]?.stringValue == "unreachable", "\(status)")
            }
            try await freeze.kind.goOn(fleet, at: freeze.moment)
            let clock = ContinuousClock()
            let thawed = clock.now
            let limit = Self.allowance + .seconds(2 * freeze.soak + freeze.deadline)
            let ended = try await fleet.rollout("first", "over", within: limit) { $0["isEnded"]?.boolValue == true }
            took = clock.now - thawed

            let reason = ended["reason"]?.stringValue ?? ""
            #expect(ended["phase"]?.stringValue == "succeeded", "\(freeze.testDescription): \(reason)")
            for target in targets(ended) {
                #expect(target["phase"]?.stringValue == "healthy", "\(target)")
                // Sent once: nothing was taken back, and nothing tried again.
                #expect(target["generation"]?.intValue == 1, "\(target)")
            }
            #expect(took <= Self.allowance + .seconds(freeze.soak), "\(freeze.testDescription) cost \(took)")
            print("freeze: \(freeze.testDescription): over \(took) after it")
        }
        return took
    }
}

extension FreezeScenarios.Moment {
    func isReached(_ status: JSONValue) -> Bool {
        switch self {
        case .dispatched: targets(status, region: "us-east-1").contains { $0["dispatchedAt"]?.stringValue != nil }
        case .soaking: status["stages"]?.arrayValue?.first?["phase"]?.stringValue == "soaking"
        case .spreading: targets(status, region: "us-west-1").contains { $0["dispatchedAt"]?.stringValue != nil }
        }
    }

    /// Whose agent stands still then.
    fileprivate var cluster: String { self == .spreading ? "usw1-a" : "use1-a" }
}

extension FreezeScenarios.Kind {
    fileprivate func stop(_ fleet: Fleet, at moment: FreezeScenarios.Moment) async throws {
        for process in await processes(fleet, at: moment) { process.freeze() }
        if freezesDatabase { try await fleet.database.freeze() }
    }

    fileprivate func goOn(_ fleet: Fleet, at moment: FreezeScenarios.Moment) async throws {
        if freezesDatabase { try await fleet.database.thaw() }
        for process in await processes(fleet, at: moment) { process.thaw() }
    }

    private var freezesDatabase: Bool { self == .database || self == .coordinatorAndDatabase }

    private func processes(_ fleet: Fleet, at moment: FreezeScenarios.Moment) async -> [ChildProcess] {
        switch self {
        case .agent: [await fleet.agents[moment.cluster]].compactMap { $0 }
        case .cluster: [await fleet.simulator].compactMap { $0 }
        case .coordinator, .coordinatorAndDatabase: Array(await fleet.coordinators.values)
        case .database: []
        }
    }
}
