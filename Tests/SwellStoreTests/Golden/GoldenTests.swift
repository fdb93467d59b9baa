internal import FoundationEssentials
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellStore

@Suite("Rows as versions wrote them")
struct GoldenTests {
    private func expect<Value: Decodable & Equatable>(
        _ version: String, _ kind: String, is expected: [String: Value],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let rows = try Golden.read(version, kind, as: Value.self)
        #expect(Set(rows.keys) == Set(expected.keys), sourceLocation: sourceLocation)
        for (name, row) in rows {
            #expect(row == expected[name], "\(version)/\(kind).json, \(name)", sourceLocation: sourceLocation)
        }
    }

    // MARK: Read

    @Test("v1: every target, whatever its phase, means what it meant")
    func targets() throws {
        try expect("v1", "targets", is: Golden.targets)
        #expect(Set(Golden.targets.values.map(\.phase)) == Set(TargetPhase.allCases))
    }

    @Test("v1: stages")
    func stages() throws {
        try expect("v1", "stages", is: Golden.stages)
        #expect(Set(Golden.stages.values.map(\.phase)) == Set(StagePhase.allCases))
    }

    @Test("v1: rollouts, as their header, as their plan, and as rows of the audit")
    func rollouts() throws {
        try expect("v1", "plans", is: ["release": Golden.rollout, "undo": Golden.undo])
        try expect(
            "v1", "headers", is: ["release": Golden.rollout.withoutTargets, "undo": Golden.undo.withoutTargets])
        try expect("v1", "transitions", is: Golden.transitions)
        try expect("v1", "transitionSubjects", is: Golden.transitions.mapValues(\.subject))
        try expect(
            "v1", "transitionValues",
            is: [
                "rollout": .header(Golden.rollout.header), "stage": .stage(Golden.soaking),
                "target": .target(try #require(Golden.targets["healthy"])),
            ] as [String: Transition.Value])
        for rollout in try Golden.read("v1", "plans", as: Rollout.self).values { try rollout.checkShape() }
    }

    @Test("v1: orders that wait for a decision")
    func commands() throws { try expect("v1", "commands", is: Golden.commands) }

    @Test("v1: what agents were assigned, and what they said")
    func assignments() throws {
        try expect("v1", "assignments", is: Golden.assignments)
        try expect("v1", "reports", is: Golden.reports)
    }

    @Test("v1: documents and pauses")
    func documents() throws {
        try expect("v1", "policies", is: Golden.policies)
        try expect("v1", "strategies", is: Golden.strategies)
        try expect("v1", "clusters", is: Golden.clusters)
        try expect("v1", "applications", is: Golden.applications)
        try expect("v1", "pauses", is: Golden.pauses)
    }

    @Test(
        "v1: every target goes on under this program, and none stays under way for ever",
        arguments: Golden.targets.keys.sorted())
    func goesOn(_ name: String) throws {
        let target = try #require(try Golden.read("v1", "targets", as: TargetState.self)[name])
        var policy = RolloutPolicy(name: "all", stages: [PolicyStage(name: "all", select: ClusterSelector())])
        policy.onFailure = FailurePolicy(action: .pause)
        let header = RolloutHeader(
            name: "shop-2", application: "shop", kind: .release, release: Golden.two, policy: policy,
            strategy: ApplicationStrategy(), createdBy: "ann", createdAt: Golden.at(0),
            phase: target.phase == .rollingBack ? .rollingBack : .progressing)
        var rollout = Rollout(
            header: header,
            stages: [StageState(name: "all", phase: .progressing, startedAt: Golden.at(6), lanes: ["east": 1])],
            targets: [target.cluster: target])
        try rollout.checkShape()
        for minutes in [2, 15, 30] as [Int64] {
            let now = Golden.at(60 * minutes)
            // It has said that it took the assignment up, and nothing since.
            let spoken = rollout.targets["east-1"]?.attempt.map {
                ApplicationReport(
                    application: "shop", generation: $0.generation, digest: $0.release?.digest, epoch: $0.epoch,
                    phase: .accepted, health: .progressing)
            }
            let facts = ClusterFacts(
                cluster: Cluster(name: "east-1", region: "east", environment: "production"), isEnrolled: true,
                lastSeenAt: now, highestGeneration: 8, proven: [Golden.one],
                report: spoken, reportedAt: now)
            // A stretch of health that has begun ends by its agent's word.
            let isProving = rollout.targets["east-1"]?.attempt?.evidence.isProving == true
            let word = ReportRecord(
                id: 1, cluster: "east-1",
                report: ApplicationReport(
                    application: "shop", generation: 7, digest: Golden.two.digest, epoch: 3, phase: .healthy,
                    health: .healthy), receivedAt: now)
            let input = DecisionInput(
                rollout: rollout, reports: isProving ? [word] : [], snapshot: FleetSnapshot(fleet: ["east-1": facts]),
                now: now, epoch: 4)
            let decision = DecisionMaker.decideReviewed(input)
            #expect(decision.breaches.isEmpty)
            rollout = decision.rollout
        }
        #expect(
            rollout.targets["east-1"]?.phase.isUnderWay == false, "\(String(describing: rollout.targets["east-1"]))")
    }

    // MARK: Written

    private func expectWritten<Value: Codable & Equatable>(
        _ kind: String, _ values: [String: Value], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let text = try Golden.file(values)
        if Golden.writes {
            let file = Golden.folder.appending(path: "v2/\(kind).json")
            try Data(text.utf8).write(to: file)
        }
        let stored = try Golden.text("v2", kind).split(separator: "\n")
        for (line, expected) in zip(text.split(separator: "\n"), stored) {
            #expect(line == expected, "v2/\(kind).json: a row has another shape now", sourceLocation: sourceLocation)
        }
        #expect(text.split(separator: "\n").count == stored.count, sourceLocation: sourceLocation)
        try expect("v2", kind, is: values, sourceLocation: sourceLocation)
    }

    @Test("v2: this program writes rows of this shape, and reads them as what they were")
    func today() throws {
        var held = Golden.rollout
        held.header = try heldHeader()
        try expectWritten("targets", Golden.targetsOfToday)
        try expectWritten("stages", Golden.stages)
        try expectWritten("plans", ["release": Golden.rollout, "undo": Golden.undo])
        try expectWritten(
            "headers",
            [
                "release": Golden.rollout.withoutTargets, "undo": Golden.undo.withoutTargets,
                "held": held.withoutTargets,
            ])
        var transitions = Golden.transitions
        transitions["rollout"]?.verb = "paused"
        try expectWritten("transitions", transitions)
        try expectWritten("commands", Golden.commandsOfToday)
        try expectWritten("assignments", Golden.assignments)
        try expectWritten("reports", Golden.reports)
        var policies = Golden.policies
        policies["least"]?.maxUnreachable = .percent(2)
        try expectWritten("policies", policies)
        try expectWritten("strategies", Golden.strategies)
        try expectWritten("clusters", Golden.clusters)
        try expectWritten("applications", Golden.applications)
        try expectWritten("pauses", Golden.pauses)
    }

    /// A header that holds for a breach, as only a review makes one.
    private func heldHeader() throws -> RolloutHeader {
        struct Hold: Encodable { var hold: ReviewHold }
        let hold = ReviewHold(
            breach: Breach(.budget, "stage canary", seen: "2 in flight", expected: "at most 1"), at: Golden.at(7))
        let row = try Column.encode(Golden.rollout.header).dropLast()
        let field = try Column.encode(Hold(hold: hold)).dropFirst()
        return try Column.decode(RolloutHeader.self, from: "\(row),\(field)".utf8)
    }
}
