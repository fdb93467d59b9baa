internal import SwellEngine
internal import SwellModel
internal import Testing

// Left out: K15 and K28 (no counterpart), K26 (an ordinary rollout of an older release, so that there is nothing of its own to show), K09
// to K11, K30 (see `PeerPlanRows`), K08c (see `PeerTests.undoOfOneRegion`).
extension PeerRows {
    private static let run = "kubefleet pkg/controllers/updaterun"
    private static let before = ApprovalRule(before: true)
    private static let after = ApprovalRule(after: true)
    private static let fleet: [(RegionName, Int)] = [("east", 1), ("west", 2)]

    private static func policy(
        soak: Interval = .zero, approval: ApprovalRule = ApprovalRule(), next: ApprovalRule = ApprovalRule()
    ) -> RolloutPolicy {
        .peer([.peer("a", ["east"], soak: soak, approval: approval), .peer("b", ["west"], approval: next)])
    }

    static let kubeFleetGates: [PeerRow] = [
        PeerRow(
            "K01", "An approval before a stage: nothing before it, the first cluster after it",
            source: "\(run)/execution_integration_test.go \"Should not start rolling out 1st stage\"", there: "east-1",
            fleet: fleet, policy: policy(approval: before),
            steps: [
                .decide, .sends([]), .stages([.gated, .waiting]), .waits(.approval), .approve("a"), .sends(["east-1"]),
            ]),
        PeerRow(
            "K02", "An approval can be given only when the stage's turn has come",
            source: "\(run)/execution_integration_test.go \"Should create approval request before 2nd stage\"",
            there: "refused before", fleet: fleet, policy: policy(next: before),
            steps: [
                .decide,
                .refused(.approve(stage: "b", digest: Scenario.two.digest), "not at its approval yet"),
                .good(["east-1"]), .sends([]), .stages([.passed, .gated]), .approve("b"), .sends(["west-1", "west-2"]),
            ]),
        PeerRow(
            "K03", "An approval that has led on stands",
            source: "\(run)/execution_integration_test.go Context \"should recreate deleted approvalRequest\"",
            there: "it stands", fleet: fleet, policy: policy(approval: before),
            steps: [
                .decide, .approve("a"), .refused(.withdraw(stage: "a"), "no approval that could be withdrawn"),
                .stages([.progressing, .waiting]),
            ]),
        PeerRow(
            "K04", "An approval for what is not there, or other content",
            source: "\(run)/execution_test.go \"Approval request has wrong target stage / update run in spec\"",
            there: "the run is aborted", here: "the order is refused with the reason, the rollout goes on",
            fleet: fleet, policy: policy(),
            steps: [
                .decide,
                .refused(.approve(stage: "nope", digest: Scenario.two.digest), "has no stage 'nope': it has a, b"),
                .refused(.approve(stage: "a", digest: Scenario.one.digest), "look at what changed and approve that"),
                .refused(.approve(stage: "a", digest: Scenario.two.digest), "not at an approval"),
                .rollout(.progressing),
            ]),
        PeerRow(
            "K05", "Wait and approval after a stage: one given within the wait",
            source: "\(run)/execution_integration_test.go \"Should complete the 1st stage after wait time passed ...\"",
            there: "it counts once the wait is over", here: "refused: an approval is for what the whole soak has shown",
            fleet: fleet, policy: policy(soak: .minutes(5), approval: after),
            steps: [
                .decide, .good(["east-1"]), .stages([.soaking, .waiting]),
                .refused(.approve(stage: "a", digest: Scenario.two.digest), "still soaks"), .pass(.minutes(5)),
                .sends([]), .waits(.approval),
            ]),
        PeerRow(
            "K06", "The wait is over, the approval is missing: it waits; approved, it goes",
            source: "\(run)/execution_integration_test.go Context \"single approval after-stage task\"",
            there: "nothing; west", fleet: fleet, policy: policy(soak: .minutes(5), approval: after),
            steps: [
                .decide, .good(["east-1"]), .pass(.minutes(5)), .sends([]), .pass(.hours(2)), .sends([]),
                .approve("a"), .sends(["west-1", "west-2"]),
            ]),
        PeerRow(
            "K07", "The wait counts from the last cluster of the stage",
            source: "\(run)/execution_integration_test.go Context \"single timedWait after-stage task\"",
            there: "nothing; west-1", fleet: [("east", 2), ("west", 1)], policy: policy(soak: .minutes(5)),
            steps: [
                .decide, .good(["east-1"]), .pass(.minutes(4)), .good(["east-2"]), .pass(.minutes(4)), .sends([]),
                .pass(.minutes(1)), .sends(["west-1"]),
            ]),
        PeerRow(
            "K08", "A stage without clusters is skipped whole, with the approval before it",
            source: "\(run)/execution_test.go \"zero clusters should skip entire stage including before-stage tasks\"",
            there: "west", fleet: fleet, policy: policy(approval: before), select: ClusterSelector(regions: ["west"]),
            steps: [.decide, .sends(["west-1", "west-2"]), .stages([.passed, .progressing]), .waitsNot(.approval)]),
        PeerRow(
            "K08a", "With its soak and the approval after it",
            source: "\(run)/execution_integration_test.go Context \"should skip entire stage with zero clusters\"",
            there: "west", fleet: fleet, policy: policy(soak: .hours(1), approval: after),
            select: ClusterSelector(regions: ["west"]),
            steps: [.decide, .sends(["west-1", "west-2"]), .stages([.passed, .progressing])]),
        PeerRow(
            "K08b", "A stage whose clusters have all left before its turn",
            source: "\(run)/execution_test.go \"zero clusters should skip entire stage ...\"", there: "succeeded",
            here: "what was planned and lost asks a person: nothing speaks for it",
            fleet: fleet, policy: policy(next: before),
            steps: [
                .decide, .leave(["west-1", "west-2"]), .good(["east-1"]), .stages([.passed, .gated]), .approve("b"),
                .stages([.passed, .verifying]), .rollout(.progressing),
                .refused(.promote(stage: "b"), "despite-health"),
                .order(.promote(stage: "b", despiteHealth: true)), .rollout(.succeeded),
            ]),
        PeerRow(
            "K18", "Stopped at an approval: approving is taken, nothing starts before it runs again",
            source:
                "\(run)/stop_integration_test.go \"Should accept the approval request and not rollout 1st stage ...\"",
            there: "taken; nothing; east-1", fleet: fleet, policy: policy(approval: before),
            steps: [.decide, .pause, .approve("a"), .sends([]), .resume, .sends(["east-1"])]),
        PeerRow(
            "K19", "Stopped within the wait, at 4 of 5 minutes",
            source:
                "\(run)/stop_integration_test.go \"Should complete the 1st stage once it starts running again ...\"",
            there: "the wait is counted again from the stop", here: "evidence gathered in a pause counts",
            fleet: fleet, policy: policy(soak: .minutes(5)),
            steps: [
                .decide, .good(["east-1"]), .pass(.minutes(4)), .pause, .pass(.minutes(1)), .sends([]),
                .stages([.passed, .waiting]), .resume, .sends(["west-1", "west-2"]),
            ]),
        PeerRow(
            "K20", "Approved after a stage while stopped: the next starts only when it runs again",
            source:
                "\(run)/stop_integration_test.go \"Should not continue to delete stage after approval when still stopped\"",
            there: "nothing; west", fleet: fleet, policy: policy(approval: after),
            steps: [
                .decide, .good(["east-1"]), .pause, .approve("a"), .sends([]), .resume, .sends(["west-1", "west-2"]),
            ]),
    ]

    static let kubeFleetRuns: [PeerRow] = [
        PeerRow(
            "K13", "One of three under way is done: the next starts in the same round",
            source: "kubefleet test/e2e/cluster_staged_updaterun_test.go \"... with maxConcurrency set to 3\"",
            there: "west-4", fleet: [("west", 5)], policy: .peer(cap: .count(3)),
            steps: [.decide, .good(["west-1"]), .sends(["west-4"])]),
        PeerRow(
            "K14", "One by one, in the order of names, then done",
            source: "\(run)/execution_integration_test.go Context \"one by one - no before or after stage task\"",
            there: "west-1, west-2, west-3", fleet: [("west", 3)], policy: .peer(cap: .count(1)),
            steps: [
                .decide, .sends(["west-1"]), .good(["west-1"]), .sends(["west-2"]), .good(["west-2"]),
                .sends(["west-3"]), .good(["west-3"]), .rollout(.succeeded),
            ]),
        PeerRow(
            "K16", "Stopped: what is under way finishes and counts, nothing new; running again: it goes on",
            source: "\(run)/stop_integration_test.go \"Should be stopping in the middle of cluster updating ...\"",
            there: "nothing; west-3, west-4", policy: .peer(cap: .count(2)),
            steps: [
                .decide, .pause, .sends([]), .good(["west-1", "west-2"]), .sends([]),
                .phase(["west-1", "west-2"], .healthy), .resume, .sends(["west-3", "west-4"]),
            ]),
        PeerRow(
            "K17", "Stopping and stopped can be told apart",
            source: "\(run)/stop_integration_test.go \"Should wait for cluster to finish ... still be stopping\"",
            there: "two states", here: "the same, by what it waits for", policy: .peer(cap: .count(2)),
            steps: [
                .decide, .pause, .waits(.pause), .waits(.health, ["west-1", "west-2"]), .good(["west-1", "west-2"]),
                .waits(.pause), .waitsNot(.health),
            ]),
        PeerRow(
            "K21", "Not available for long",
            source: "\(run)/execution_integration_test.go \"Should keep waiting for the 1st cluster ...\"",
            there: "told as stuck, waits without end", here: "told by name, and the deadline decides",
            fleet: [("west", 2)], policy: .peer(cap: .count(1)),
            steps: [
                .decide, .pass(.minutes(6)), .rollout(.progressing), .waits(.health, ["west-1"]),
                .waits(.concurrency, ["west-2"]), .pass(.minutes(5)), .phase(["west-1"], .failed), .rollout(.paused),
            ]),
        PeerRow(
            "K22", "A cluster fails: the run stops, the other one finishes; started again it tries the failed one",
            source: "\(run)/execution_integration_test.go Context \"should abort the execution within a failed ...\"",
            there: "nothing; west-1", fleet: [("west", 2)],
            steps: [
                .decide, .bad(["west-1"]), .good(["west-2"]), .sends([]), .phase(["west-2"], .healthy),
                .rollout(.paused), .order(.retry(clusters: [])), .sends(["west-1"]),
            ]),
        PeerRow(
            "K23", "Another run holds the clusters",
            source:
                "\(run)/execution_test.go \"binding preemption\"; execution_integration_test.go \"... unexpected state\"",
            there: "failed, told to look for the other run", here: "it waits, and names the other rollout",
            fleet: [("west", 2)],
            steps: [
                .held(["west-1", "west-2"], by: "other-1"), .decide, .sends([]), .rollout(.progressing),
                .waits(.held, ["west-1", "west-2"]), .waitsNot(.concurrency),
            ]),
        PeerRow(
            "K24", "The number of clusters changes under way",
            source:
                "\(run)/validation_integration_test.go \"Should fail to validate if the cluster count has changed\"",
            there: "the run fails and must be made again", here: "a fleet changes while it rolls",
            fleet: [("west", 2)],
            steps: [
                .decide, .join("west-9"), .rollout(.progressing), .good(["west-1", "west-2"]), .sends(["west-9"]),
                .good(["west-9"]), .phase(["west-9"], .healthy), .rollout(.succeeded),
            ]),
        PeerRow(
            "K25", "Made but not started, then started",
            source: "\(run)/execution_integration_test.go Context \"different states (Initialize -> Run)\"",
            there: "nothing; west-1", policy: .peer(cap: .count(1)),
            steps: [.pause, .sends([]), .rollout(.paused), .resume, .sends(["west-1"])]),
        PeerRow(
            "K27", "A member that left and came back is brought level",
            source: "kubefleet test/e2e/cluster_staged_updaterun_test.go \"Rejoin a member cluster ...\"",
            there: "by the next run", here: "within the rollout", fleet: [("west", 2)], policy: .peer(cap: .count(1)),
            steps: [
                .decide, .leave(["west-1"]), .phase(["west-1"], .skipped), .sends(["west-2"]), .back("west-1"),
                .sends([]), .good(["west-2"]), .sends(["west-1"]), .good(["west-1"]), .phase(["west-1"], .healthy),
                .rollout(.succeeded),
            ]),
        PeerRow(
            "K29", "The cap holds when a failed cluster is tried again",
            source: "kubefleet validation_test.go \"number of updating clusters exceeds maxConcurrency\"",
            there: "two under way", fleet: [("west", 3)], policy: .peer(cap: .count(2)),
            steps: [
                .decide, .bad(["west-1"]), .sends([]), .order(.retry(clusters: [])), .sends(["west-1"]),
                .phase(["west-1", "west-2"], .dispatched), .phase(["west-3"], .queued),
            ]),
        PeerRow(
            "N18", "A promotion while stopped starts nothing before it runs again",
            source:
                "\(run)/stop_integration_test.go \"Should not continue to delete stage after approval when still stopped\"",
            there: "nothing; west", fleet: fleet, policy: policy(soak: .hours(1)),
            steps: [
                .decide, .good(["east-1"]), .pause, .order(.promote(stage: "a")), .sends([]), .resume,
                .sends(["west-1", "west-2"]),
            ]),
    ]
}
