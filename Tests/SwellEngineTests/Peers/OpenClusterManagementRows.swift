internal import SwellEngine
internal import SwellModel
internal import Testing

// Left out, since Swell has no counterpart or they are not of the engine: O18, O20 and O21 (see `PeerPlanRows`).
extension PeerRows {
    private static let rollout = "ocm/sdk-go pkg/apis/cluster/v1alpha1/rollout_test.go"
    private static let groups = RolloutPolicy.peer([.peer("g1", ["east"]), .peer("g2", ["west"])])

    static let openClusterManagement: [PeerRow] = [
        PeerRow(
            "O01", "All: every cluster at once",
            source: "\(rollout) TestGetRolloutCluster_All \"rollout all ... without workload created\"", there: "6",
            fleet: [("east", 2), ("west", 2), ("north", 2)],
            steps: [.decide, .sends(["east-1", "east-2", "north-1", "north-2", "west-1", "west-2"])]),
        PeerRow(
            "O02", "All ignores failures: the rest go on",
            source: "\(rollout) TestGetRolloutCluster_All \"rollout all with timeout 90s\"", there: "west-3, west-4",
            here: "the same, under continue", policy: .peer(cap: .count(2), action: .continue),
            steps: [
                .decide, .sends(["west-1", "west-2"]), .bad(["west-1", "west-2"]), .sends(["west-3", "west-4"]),
            ]),
        PeerRow(
            "O03", "A failed cluster where no deadline is set, all failures tolerated",
            source: "\(rollout) Progressive \"timeout None, MaxConcurrency 50%, MaxFailures 100%\"",
            there: "it keeps its slot for ever", here: "a failure that nobody waits for holds no capacity",
            policy: .peer(cap: .percent(50), budget: .percent(100)),
            steps: [
                .decide, .sends(["west-1", "west-2"]), .bad(["west-2"]), .sends(["west-3"]), .good(["west-1"]),
                .sends(["west-4"]), .phase(["west-2"], .failed),
            ]),
        PeerRow(
            "O04", "A failure that heals by itself counts as success, and the rollout goes on",
            source: "\(rollout) TestDetermineRolloutStatus; kubefleet execution.go checkClusterUpdateResult",
            there: "progressing again", fleet: [("west", 2)], policy: .peer(cap: .count(1)),
            steps: [
                .decide, .bad(["west-1"]), .phase(["west-1"], .failed), .rollout(.paused),
                .say("west-1", .healthy, .progressing), .phase(["west-1"], .failed), .rollout(.paused),
                .good(["west-1"]), .phase(["west-1"], .healthy), .rollout(.progressing), .sends(["west-2"]),
                .good(["west-2"]), .rollout(.succeeded),
            ]),
        PeerRow(
            "O04b", "The same under continue, before the end",
            source: "\(rollout) TestDetermineRolloutStatus", there: "succeeded", fleet: [("west", 2)],
            policy: .peer(action: .continue),
            steps: [
                .decide, .bad(["west-1"]), .good(["west-1"]), .phase(["west-1"], .healthy), .good(["west-2"]),
                .rollout(.succeeded),
            ]),
        PeerRow(
            "O04c", "A failure that heals for a moment only counts as no success",
            source: "\(rollout) TestDetermineRolloutStatus \"minSuccessTime\"", there: "still within minSuccessTime",
            fleet: [("west", 2)], policy: .peer(cap: .count(1), minHealthy: .minutes(1)),
            steps: [
                .decide, .bad(["west-1"]), .pass(.minutes(2)), .say("west-1", .verifying),
                .phase(["west-1"], .failed), .rollout(.paused), .sends([]),
            ]),
        PeerRow(
            "O05", "No cap: all",
            source: "\(rollout) Progressive \"MaxConcurrency not set\"", there: "9", fleet: [("west", 9)],
            policy: .peer([PolicyStage(name: "all", select: ClusterSelector())]),
            steps: [.decide, .sends((1...9).map { ClusterName(stringLiteral: "west-\($0)") })]),
        PeerRow(
            "O06", "No failure tolerated: one stops what is new, what is under way is watched on",
            source: "\(rollout) Progressive \"no maxFailures set\"",
            there: "nothing sent; west-1 healthy, west-3 applying", policy: .peer(cap: .count(3)),
            steps: [
                .decide, .bad(["west-2"]), .sends([]), .rollout(.paused), .say("west-3", .applying),
                .good(["west-1"]), .sends([]), .phase(["west-1"], .healthy), .phase(["west-3"], .applying),
                .phase(["west-4"], .queued),
            ]),
        PeerRow(
            "O06b", "The same with rollback",
            source: "\(rollout) Progressive \"no maxFailures set\"", there: "nothing sent",
            here: "stricter: what was touched goes back", policy: .peer(cap: .count(3), action: .rollback),
            steps: [
                .decide, .bad(["west-2"]), .goes(["west-1", "west-2", "west-3"], to: Scenario.one),
                .phase(["west-4"], .skipped), .rollout(.rollingBack),
            ]),
        PeerRow(
            "O07", "A cluster holds its slot until minHealthyTime is over",
            source: "\(rollout) Progressive \"100% maxFailures, minSuccessTime 60s\"", there: "west-3 after it",
            policy: .peer(cap: .count(2), minHealthy: .seconds(60)),
            steps: [
                .decide, .pass(.seconds(5)), .say("west-1", .verifying), .sends([]), .pass(.seconds(59)), .sends([]),
                .good(["west-1"]), .sends(["west-3"]),
            ]),
        PeerRow(
            "O08", "It looks again at the earliest moment that changes something",
            source: "\(rollout) TestMinRecheckAfter; Progressive \"mixed timeout and minSuccessTime\"", there: "2 s",
            steps: [.decide, .pass(.seconds(8)), .say("west-1", .healthy), .wakes(in: .seconds(2))]),
        PeerRow(
            "O09", "A stretch of health is not cut by the deadline: healthy at 7 of 10 minutes, 5 to prove",
            source: "\(rollout) TestDetermineRolloutStatus \"Succeeded status within the minSuccessTime\"",
            there: "success is never timed out", fleet: [("west", 1)], policy: .peer(minHealthy: .minutes(5)),
            steps: [
                .decide, .pass(.minutes(7)), .say("west-1", .verifying), .pass(.minutes(3)), .pass(.seconds(61)),
                .phase(["west-1"], .verifying), .rollout(.progressing), .pass(.seconds(59)),
                .say("west-1", .healthy), .rollout(.succeeded),
            ]),
        PeerRow(
            "O09b", "The same with the shipped policy's times, 2 of 15 minutes, healthy since 13:01",
            source: "\(rollout) TestDetermineRolloutStatus", there: "progressing",
            here: "the same, as its agent has it (O09c)",
            fleet: [("west", 1)], policy: .peer(minHealthy: .minutes(2), deadline: .minutes(15), action: .rollback),
            steps: [
                .decide, .pass(.minutes(13)), .pass(.seconds(1)), .say("west-1", .verifying), .pass(.minutes(3)),
                .phase(["west-1"], .verifying), .say("west-1", .healthy), .rollout(.succeeded),
            ]),
        PeerRow(
            "O09d", "Three are done, the fourth is healthy since 119 of 120 seconds",
            source: "\(rollout) TestDetermineRolloutStatus", there: "nothing goes back",
            policy: .peer(minHealthy: .seconds(30), deadline: .minutes(2), action: .rollback),
            steps: [
                .decide, .good(["west-1", "west-2", "west-3"]), .pass(.seconds(89)), .say("west-4", .verifying),
                .pass(.seconds(61)), .sends([]), .phase(["west-4"], .verifying), .say("west-4", .healthy),
                .rollout(.succeeded),
            ]),
        PeerRow(
            "O09e", "The same after a regression",
            source: "\(rollout) TestDetermineRolloutStatus", there: "verifying, then healthy", fleet: [("west", 1)],
            policy: .peer(soak: .hours(1), minHealthy: .minutes(2), deadline: .minutes(15)),
            steps: [
                .decide, .good(["west-1"]), .say("west-1", .healthy, .degraded), .phase(["west-1"], .verifying),
                .pass(.minutes(14)), .say("west-1", .healthy), .phase(["west-1"], .healthy), .pass(.minutes(3)),
                .phase(["west-1"], .healthy), .rollout(.progressing),
            ]),
        PeerRow(
            "O09f", "The same on the way back",
            source: "\(rollout) TestDetermineRolloutStatus", there: "rolledBack", fleet: [("west", 1)],
            policy: .peer(minHealthy: .minutes(2), deadline: .minutes(15), action: .rollback),
            steps: [
                .decide, .bad(["west-1"]), .pass(.minutes(14)), .say("west-1", .verifying), .pass(.seconds(121)),
                .phase(["west-1"], .rollingBack), .say("west-1", .healthy), .phase(["west-1"], .rolledBack),
                .rollout(.rolledBack),
            ]),
        PeerRow(
            "O09g", "Control: healthy in time is proven in time, and what is never healthy fails",
            source: "\(rollout) TestDetermineRolloutStatus \"TimeOut\"", there: "healthy; timed out",
            fleet: [("west", 2)], policy: .peer(minHealthy: .minutes(2), deadline: .minutes(15)),
            steps: [
                .decide, .pass(.minutes(12)), .say("west-1", .verifying), .say("west-2", .verifying, .degraded),
                .good(["west-1"]), .phase(["west-1"], .healthy), .pass(.minutes(2)),
                .phase(["west-2"], .failed), .rollout(.paused),
            ]),
        PeerRow(
            "O10", "One failure tolerated: one times out, the next goes at once",
            source: "\(rollout) Progressive \"timeout 90s and maxFailures 1\"", there: "west-2",
            policy: .peer(cap: .count(1), budget: .count(1)),
            steps: [.decide, .pass(.minutes(11)), .phase(["west-1"], .failed), .sends(["west-2"])]),
        PeerRow(
            "O10b", "The same with rollback",
            source: "\(rollout) Progressive \"timeout 90s and maxFailures 1\"", there: "west-2 at once",
            here: "the failed one holds its slot until it is back, so that the cap is never exceeded",
            policy: .peer(cap: .count(1), budget: .count(1), action: .rollback),
            steps: [
                .decide, .pass(.minutes(11)), .phase(["west-1"], .rollingBack), .sends(["west-1"]),
                .good(["west-1"]), .phase(["west-1"], .rolledBack), .sends(["west-2"]),
            ]),
    ]

    static let openClusterManagementGroups: [PeerRow] = [
        PeerRow(
            "O11", "A mandatory group tolerates nothing: then nothing of the rest",
            source: "\(rollout) Progressive \"mandatoryDecisionGroup and timeout 90s\"; PerGroup", there: "nothing",
            fleet: [("east", 2), ("west", 2)],
            policy: .peer([.peer("g1", ["east"]), .peer("g2", ["west"], budget: .count(2))]),
            steps: [
                .decide, .bad(["east-1"]), .good(["east-2"]), .sends([]), .phase(["west-1", "west-2"], .queued),
            ]),
        PeerRow(
            "O12", "The mandatory group is done: the rest go by their cap",
            source: "\(rollout) Progressive \"mandatory decision groups Succeed\"", there: "west-1, west-2, west-3",
            fleet: [("east", 2), ("west", 6)],
            policy: .peer([.peer("g1", ["east"]), .peer("g2", ["west"], cap: .count(3))]),
            steps: [.decide, .good(["east-1", "east-2"]), .sends(["west-1", "west-2", "west-3"])]),
        PeerRow(
            "O13", "The failed member of the mandatory group is taken out by a person: the rest go",
            source: "\(rollout) ClusterRemoved \"... cluster removed from mandatoryDecisionGroup\"",
            there: "west-1, west-2", fleet: [("east", 2), ("west", 2)], policy: groups,
            steps: [
                .decide, .bad(["east-1"]), .good(["east-2"]), .sends([]),
                .order(.skip(cluster: "east-1", reason: "broken")), .sends(["west-1", "west-2"]),
            ]),
        PeerRow(
            "O13b", "The failed member leaves the fleet",
            source: "\(rollout) ClusterRemoved \"... cluster removed from mandatoryDecisionGroup\"",
            there: "its failure counts no more", here: "leaving takes back no failure: that takes a person's word",
            fleet: [("east", 2), ("west", 2)], policy: groups,
            steps: [
                .decide, .bad(["east-1"]), .good(["east-2"]), .leave(["east-1"]), .sends([]), .rollout(.paused),
            ]),
        PeerRow(
            "O14", "The next group only when all of this one is done",
            source: "\(rollout) TestGetRolloutCluster_ProgressivePerGroup \"timeout 90s\"", there: "west-1, west-2",
            fleet: [("east", 2), ("west", 2)], policy: groups,
            steps: [.decide, .good(["east-1"]), .sends([]), .good(["east-2"]), .sends(["west-1", "west-2"])]),
        PeerRow(
            "O15", "Two failures tolerated, one of three fails: the next group goes, then the third",
            source: "\(rollout) PerGroup \"first group timeOut, maxFailures 2\"; \"second group succeeded\"",
            there: "north, then west", fleet: [("east", 3), ("north", 3), ("west", 3)], policy: tolerant(.pause),
            steps: [
                .decide, .bad(["east-2"]), .good(["east-1", "east-3"]), .sends(["north-1", "north-2", "north-3"]),
                .good(["north-1", "north-2", "north-3"]), .sends(["west-1", "west-2", "west-3"]),
            ]),
        PeerRow(
            "O15b", "The same with rollback",
            source: "\(rollout) PerGroup \"first group timeOut, maxFailures 2\"", there: "north, then west",
            here: "the next group waits until the failed one is back",
            fleet: [("east", 3), ("north", 3), ("west", 3)], policy: tolerant(.rollback),
            steps: [
                .decide, .bad(["east-2"]), .sends(["east-2"]), .good(["east-1", "east-3"]), .sends([]),
                .good(["east-2"]), .phase(["east-2"], .rolledBack), .sends(["north-1", "north-2", "north-3"]),
            ]),
        PeerRow(
            "O16", "A tolerance of 30 % of three",
            source: "\(rollout) PerGroup \"first group 2 clusters failing, maxFailures 30%\" (rounds up)",
            there: "one may fail", here: "none may: a tolerance is never rounded up",
            fleet: [("east", 3), ("west", 3)],
            policy: .peer([.peer("g1", ["east"], budget: .percent(30)), .peer("g2", ["west"])]),
            steps: [
                .decide, .bad(["east-1"]), .good(["east-2", "east-3"]), .sends([]), .rollout(.paused),
                .told("1 failed, more than the budget of 0"),
            ]),
        PeerRow(
            "O17", "A cap of 30 % of five", source: "\(rollout) TestCalculateRolloutSize (rounds up)", there: "2",
            here: "1: rounded down, as KubeFleet, Argo CD and Fleet do", fleet: [("west", 5)],
            policy: .peer(cap: .percent(30)), steps: [.decide, .sends(["west-1"])]),
        PeerRow(
            "O19", "A count beyond the total means the total",
            source: "\(rollout) TestCalculateRolloutSize \"int but out of range\"; fleet status_test.go Test_limit",
            there: "all", policy: .peer(cap: .count(9)),
            steps: [.decide, .sends(["west-1", "west-2", "west-3", "west-4"])]),
        PeerRow(
            "O23", "The next group waits for minHealthyTime of this one",
            source: "\(rollout) PerGroup \"minSuccessTime and mixed cluster states\"", there: "nothing; west-1",
            fleet: [("east", 2), ("west", 1)],
            policy: .peer([.peer("g1", ["east"]), .peer("g2", ["west"])], minHealthy: .seconds(60)),
            steps: [
                .decide, .say("east-1", .verifying), .say("east-2", .verifying), .pass(.seconds(59)), .sends([]),
                .good(["east-1", "east-2"]), .sends(["west-1"]),
            ]),
        PeerRow(
            "O24", "A cluster joins a running stage",
            source: "\(rollout) ClusterAdded \"rollout all ... cluster added\"", there: "it goes at once",
            here: "it disturbs no running stage and no soak, and is brought level right after",
            fleet: [("west", 2)], policy: .peer(soak: .minutes(5)),
            steps: [
                .decide, .good(["west-1", "west-2"]), .join("west-9"), .sends([]), .stages([.soaking]),
                .pass(.minutes(5)), .sends(["west-9"]), .good(["west-9"]), .rollout(.succeeded),
            ]),
        PeerRow(
            "O25", "A cluster joins a group that has passed, and fails",
            source: "\(rollout) ClusterAdded \"mandatory decision groups Succeed and clusters added\"",
            there: "the rest wait for it, and its failure stops all",
            here: "no change of the fleet opens a passed gate again; its failure is its own",
            fleet: [("east", 1), ("west", 3)],
            policy: .peer([.peer("g1", ["east"]), .peer("g2", ["west"], cap: .count(1))]),
            steps: [
                .decide, .good(["east-1"]), .sends(["west-1"]), .join("east-9"), .sends(["east-9"]),
                .bad(["east-9"]), .phase(["east-9"], .failed), .rollout(.progressing), .good(["west-1"]),
                .sends(["west-2"]),
            ]),
        PeerRow(
            "O26", "A cluster joins the first group while the second is under way",
            source: "\(rollout) ClusterAdded \"progressivePerGroup ... cluster added after rollout start.\"",
            there: "it goes beside it", fleet: [("east", 2), ("west", 2)], policy: groups,
            steps: [
                .decide, .good(["east-1", "east-2"]), .join("east-3"), .sends(["east-3"]),
                .phase(["east-3", "west-1", "west-2"], .dispatched),
            ]),
        PeerRow(
            "O27", "One that is done and one under way leave: the slot goes to the next",
            source: "\(rollout) ClusterRemoved \"Progressive MaxFailures 100%, cluster removed\"", there: "west-4",
            policy: .peer(cap: .count(2), budget: .percent(100)),
            steps: [
                .decide, .good(["west-1"]), .sends(["west-3"]), .leave(["west-1", "west-2"]), .sends(["west-4"]),
            ]),
        PeerRow(
            "O28", "A tolerance of 50 % is of the members that are left: of four, two left, both others fail",
            source: "\(rollout) ClusterRemoved \"progressivePerGroup ... removed while the group timeout\"",
            there: "stopped", fleet: [("east", 4), ("west", 2)], policy: half(.pause),
            steps: [
                .decide, .leave(["east-3", "east-4"]), .bad(["east-1", "east-2"]), .sends([]), .rollout(.paused),
                .stages([.failed, .waiting]),
            ]),
        PeerRow(
            "O28b", "The same with rollback, one after the other",
            source: "\(rollout) ClusterRemoved \"progressivePerGroup ... removed while the group timeout\"",
            there: "stopped", fleet: [("east", 4), ("west", 2)], policy: half(.rollback),
            steps: [
                .decide, .leave(["east-3", "east-4"]), .bad(["east-1"]), .rollout(.progressing), .good(["east-1"]),
                .bad(["east-2"]), .rollout(.rollingBack), .phase(["west-1", "west-2"], .skipped),
                .good(["east-2"]), .rollout(.rolledBack),
            ]),
        PeerRow(
            "O29", "Skipped: never rolled out, not waited for",
            source: "\(rollout) TestDetermineRolloutStatus \"Skip status\"", there: "skipped", fleet: [("west", 3)],
            policy: .peer(cap: .count(1)),
            steps: [
                .decide, .order(.skip(cluster: "west-2", reason: nil)), .phase(["west-2"], .skipped),
                .good(["west-1"]), .sends(["west-3"]), .good(["west-3"]), .rollout(.succeeded), .told("west-2"),
            ]),
        PeerRow(
            "O29b", "Skipped by taking back what was never sent",
            source: "\(rollout) TestDetermineRolloutStatus \"Skip status\"", there: "skipped", fleet: [("west", 3)],
            policy: .peer(cap: .count(1)),
            steps: [
                .decide, .order(.rollback(.cluster("west-2"), reason: nil)), .phase(["west-2"], .skipped),
                .good(["west-1"]), .sends(["west-3"]), .good(["west-3"]), .rollout(.succeeded),
            ]),
        PeerRow(
            "O30", "No deadline",
            source: "\(rollout) Progressive \"timeout None\"; TestParseTimeout \"None\"", there: "it waits for ever",
            here: "a deadline as long as wanted, always one",
            policy: .peer(deadline: .hours(24 * 365)),
            steps: [.decide, .pass(.hours(24 * 300)), .phase(["west-1"], .dispatched), .rollout(.progressing)]),
        PeerRow(
            "O31", "A failed member leaves and comes back with its workload still failed: it has failed",
            source: "ocm/sdk-go rollout.go getRemovedClusters; kubefleet validation_integration_test.go",
            there: "it stays stopped", fleet: [("east", 2), ("west", 1)], policy: groups,
            steps: [
                .decide, .bad(["east-1"]), .leave(["east-1"]), .rollout(.paused), .back("east-1"),
                .phase(["east-1"], .failed), .rollout(.paused), .good(["east-2"]), .sends([]),
                .order(.retry(clusters: ["east-1"])), .sends(["east-1"]), .bad(["east-1"]), .rollout(.paused),
                .sends([]),
            ]),
        PeerRow(
            "O32", "The end tells of a tolerated failure",
            source: "\(rollout) Progressive \"timeout 90s and maxFailures 1\" (ClustersTimeOut)",
            there: "succeeded, the failed one named", fleet: [("west", 2)], policy: .peer(budget: .count(1)),
            steps: [
                .decide, .bad(["west-1"]), .good(["west-2"]), .rollout(.succeeded),
                .told("1 failed and tolerated: west-1"), .phase(["west-1"], .failed),
            ]),
        PeerRow(
            "O32b", "The same with rollback",
            source: "\(rollout) Progressive \"timeout 90s and maxFailures 1\" (ClustersTimeOut)",
            there: "succeeded, told", fleet: [("west", 2)], policy: .peer(budget: .count(1), action: .rollback),
            steps: [
                .decide, .bad(["west-1"]), .good(["west-1", "west-2"]), .rollout(.succeeded),
                .told("1 rolled back on the way"),
            ]),
    ]

    private static func tolerant(_ action: FailurePolicy.Action) -> RolloutPolicy {
        .peer(
            [
                .peer("g1", ["east"], budget: .count(2)), .peer("g2", ["north"], budget: .count(2)),
                .peer("g3", ["west"], budget: .count(2)),
            ], action: action)
    }

    private static func half(_ action: FailurePolicy.Action) -> RolloutPolicy {
        .peer([.peer("g1", ["east"], budget: .percent(50)), .peer("g2", ["west"])], action: action)
    }
}
