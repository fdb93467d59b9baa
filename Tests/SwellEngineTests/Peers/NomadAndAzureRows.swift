internal import SwellEngine
internal import SwellModel
internal import Testing

// Left out: N09, N10, Z02, X1 to X4 (no counterpart, or not of the engine), V01 to V04 (see `PeerPlanRows`).
extension PeerRows {
    private static let nomad = "nomad nomad/deploymentwatcher/deployments_watcher_test.go"
    private static let azure = "MicrosoftDocs/azure-aks-docs articles/kubernetes-fleet/concepts-update-orchestration.md"
    private static let regions = RolloutPolicy.peer([.peer("a", ["east"]), .peer("b", ["north"]), .peer("c", ["west"])])
    private static let remove = ApplicationStrategy(whenNeverHealthy: .remove)

    static let nomadHealth: [PeerRow] = [
        PeerRow(
            "N01", "Unhealthy within the deadline is no failure; healthy later counts",
            source:
                "nomad deployment_watcher.go handleAllocUpdate; \(nomad) TestDeploymentWatcher_Watch_ProgressDeadline",
            there: "verifying; west-2", policy: .peer(cap: .count(1)),
            steps: [
                .decide, .say("west-1", .verifying, .degraded), .phase(["west-1"], .verifying), .pass(.minutes(9)),
                .rollout(.progressing), .good(["west-1"]), .sends(["west-2"]),
            ]),
        PeerRow(
            "N02", "It goes back to the latest stable version",
            source: "\(nomad) TestWatcher_SetAllocHealth_Unhealthy_Rollback", there: "version 1",
            policy: .peer(action: .rollback),
            steps: [
                .decide, .bad(["west-1"]), .goes(["west-1", "west-2", "west-3", "west-4"], to: Scenario.one), .settle,
                .rollout(.rolledBack),
            ]),
        PeerRow(
            "N03", "No stable version: nothing to go back to, it fails and says so",
            source: "nomad deployment_watcher.go watch (NoRollbackTarget)", there: "failed, nothing sent",
            fleet: [("west", 1)], policy: .peer(action: .rollback), proven: [],
            steps: [
                .decide, .bad(["west-1"]), .sends([]), .phase(["west-1"], .failed), .rollout(.failed),
                .told("no other release was ever proven"),
            ]),
        PeerRow(
            "N03b", "The same where the strategy says to remove",
            source: "nomad deployment_watcher.go watch (NoRollbackTarget)", there: "failed, nothing sent",
            here: "what the release brought is removed, as it was asked for", fleet: [("west", 1)],
            policy: .peer(action: .rollback), strategy: remove, proven: [],
            steps: [.decide, .bad(["west-1"]), .goes(["west-1"], to: nil), .settle, .rollout(.rolledBack)]),
        PeerRow(
            "N04", "The stable version is the very one that failed: nothing to go back to",
            source: "\(nomad) TestWatcher_SetAllocHealth_Unhealthy_NoRollback, TestDeploymentWatcher_RollbackFailed",
            there: "nothing sent, failed", fleet: [("west", 1)], policy: .peer(action: .rollback),
            proven: [Scenario.two],
            steps: [
                .decide, .bad(["west-1"]), .sends([]), .phase(["west-1"], .failed), .rollout(.failed),
                .told("no other release was ever proven"),
            ]),
        PeerRow(
            "N04b", "The same where an older version is proven too",
            source: "\(nomad) TestWatcher_SetAllocHealth_Unhealthy_NoRollback", there: "the older one, or nothing",
            fleet: [("west", 1)], policy: .peer(action: .rollback), proven: [Scenario.two, Scenario.one],
            steps: [
                .decide, .bad(["west-1"]), .goes(["west-1"], to: Scenario.one), .settle, .rollout(.rolledBack),
            ]),
        PeerRow(
            "N04c", "Aborted, made again, beyond the budget: some had proven it the first time",
            source: "\(nomad) TestWatcher_SetAllocHealth_Unhealthy_NoRollback", there: "each goes to the older one",
            fleet: [("east", 1), ("west", 1)], policy: .peer(action: .rollback),
            steps: [
                .proven("east-1", [Scenario.two, Scenario.one]), .decide, .bad(["west-1"]),
                .goes(["east-1", "west-1"], to: Scenario.one), .settle, .rollout(.rolledBack),
            ]),
        PeerRow(
            "N04d", "Within one rollout: proven, sick, taken back, tried again, failed",
            source: "\(nomad) TestWatcher_SetAllocHealth_Unhealthy_NoRollback", there: "the older one",
            fleet: [("west", 1)], policy: .peer(soak: .hours(1), action: .rollback, scope: .cluster),
            steps: [
                .decide, .good(["west-1"]), .bad(["west-1"]), .goes(["west-1"], to: Scenario.one), .good(["west-1"]),
                .phase(["west-1"], .rolledBack), .order(.retry(clusters: [])), .goes(["west-1"], to: Scenario.two),
                .bad(["west-1"]), .goes(["west-1"], to: Scenario.one),
            ]),
        PeerRow(
            "N05", "A promotion over unhealthy canaries is refused, naming them",
            source: "\(nomad) TestWatcher_PromoteDeployment_UnhealthyCanaries", there: "refused",
            fleet: [("east", 2), ("west", 1)],
            policy: .peer([.peer("a", ["east"], soak: .minutes(5)), .peer("b", ["west"])]),
            steps: [
                .decide, .refused(.promote(stage: "a"), "progressing"), .good(["east-1", "east-2"]),
                .say("east-2", .healthy, .degraded), .refused(.promote(stage: "a"), "waits for east-2"), .sends([]),
            ]),
        PeerRow(
            "N06", "Healthy canaries wait for a promotion past the deadline, and a late promotion works",
            source: "\(nomad) TestDeploymentWatcher_Watch_ProgressDeadline_Canaries, _LatePromote",
            there: "nothing fails; west-1", fleet: [("east", 1), ("west", 1)],
            policy: .peer([.peer("a", ["east"], approval: ApprovalRule(after: true)), .peer("b", ["west"])]),
            steps: [
                .decide, .good(["east-1"]), .pass(.minutes(30)), .phase(["east-1"], .healthy), .rollout(.progressing),
                .order(.promote(stage: "a")), .sends(["west-1"]),
            ]),
        PeerRow(
            "N13", "Health of something unknown changes nothing",
            source: "\(nomad) TestWatcher_SetAllocHealth_Unknown", there: "nothing",
            steps: [
                .decide, .say("nowhere-1", .failed, .failed), .phase(["west-1"], .dispatched), .rollout(.progressing),
            ]),
        PeerRow(
            "N16", "What has no attempts left fails at once, before the deadline",
            source: "\(nomad) TestDeploymentWatcher_Watch_FailEarly", there: "failed",
            steps: [.decide, .bad(["west-1"]), .phase(["west-1"], .failed)]),
    ]

    static let nomadOrders: [PeerRow] = [
        PeerRow(
            "N07", "Paused: deadlines rest, and go on when it is resumed",
            source: "\(nomad) TestWatcher_PauseDeployment_IgnoreProgressDeadline", there: "set again on resuming",
            here: "what was left of it goes on", fleet: [("west", 1)],
            steps: [
                .decide, .say("west-1", .verifying, .degraded), .pass(.minutes(4)), .pause, .pass(.minutes(30)),
                .phase(["west-1"], .verifying), .rollout(.paused), .sends([]), .resume, .pass(.minutes(5)),
                .phase(["west-1"], .verifying), .pass(.minutes(2)), .phase(["west-1"], .failed),
            ]),
        PeerRow(
            "N07b", "The same under rollback: nothing is taken back while somebody looks",
            source: "\(nomad) TestWatcher_PauseDeployment_IgnoreProgressDeadline", there: "nothing sent",
            fleet: [("west", 2)], policy: .peer(action: .rollback),
            steps: [
                .decide, .say("west-1", .verifying, .degraded), .pause, .pass(.minutes(30)), .sends([]),
                .phase(["west-1"], .verifying), .rollout(.paused),
            ]),
        PeerRow(
            "N07c", "Only the region is paused", source: "\(nomad) TestWatcher_PauseDeployment_IgnoreProgressDeadline",
            there: "nothing sent", fleet: [("east", 1), ("west", 1)], policy: .peer(action: .rollback),
            steps: [
                .decide, .order(.pause(.region("west"), reason: "incident")), .good(["east-1"]), .pass(.minutes(30)),
                .sends([]), .phase(["west-1"], .dispatched), .rollout(.progressing),
            ]),
        PeerRow(
            "N07d", "Only the cluster is paused", source: "\(nomad) TestWatcher_PauseDeployment_IgnoreProgressDeadline",
            there: "nothing sent", fleet: [("west", 2)], policy: .peer(action: .rollback),
            steps: [
                .decide, .order(.pause(.cluster("west-1"), reason: nil)), .good(["west-2"]), .pass(.minutes(30)),
                .sends([]), .phase(["west-1"], .dispatched), .order(.resume(.cluster("west-1"))), .pass(.minutes(11)),
                .phase(["west-1"], .rollingBack),
            ]),
        PeerRow(
            "N08", "Failing it by hand takes it back", source: "\(nomad) TestWatcher_FailDeployment_Running",
            there: "west-1, west-2; rolledBack", fleet: [("west", 2)],
            steps: [
                .decide, .order(.rollback(.rollout, reason: nil)), .sends(["west-1", "west-2"]), .settle,
                .rollout(.rolledBack),
            ]),
        PeerRow(
            "N11", "fail_all: every region goes back, also those that were done",
            source: "nomad website/content/docs/job-specification/multiregion.mdx on_failure fail_all",
            there: "east-1, north-1; rolledBack", fleet: [("east", 1), ("north", 1), ("west", 1)],
            policy: .peer(regions.stages, action: .rollback),
            steps: [
                .decide, .good(["east-1"]), .bad(["north-1"]), .sends(["east-1", "north-1"]),
                .phase(["west-1"], .skipped), .settle, .rollout(.rolledBack),
            ]),
        PeerRow(
            "N12", "on_failure unset: regions after it do not start, those before it stay",
            source: "nomad website/content/docs/job-specification/multiregion.mdx on_failure unset",
            there: "nothing sent", fleet: [("east", 1), ("north", 1), ("west", 1)], policy: regions,
            steps: [
                .decide, .good(["east-1"]), .bad(["north-1"]), .sends([]), .phase(["east-1"], .healthy),
                .phase(["west-1"], .queued),
            ]),
        PeerRow(
            "N14", "Pausing what is paused is no error", source: "\(nomad) TestWatcher_PauseDeployment_Pause_Paused",
            there: "taken", steps: [.decide, .pause, .pause, .rollout(.paused)]),
        PeerRow(
            "N15", "Resuming what runs", source: "\(nomad) TestWatcher_PauseDeployment_Unpause_Running", there: "taken",
            here: "refused with the reason, harmless",
            steps: [.decide, .refused(.resume(.rollout), "is not paused"), .rollout(.progressing)]),
        PeerRow(
            "N17", "What failed cannot be resumed",
            source: "nomad nomad/deployment_endpoint.go Pause (a terminal deployment cannot be resumed)",
            there: "refused",
            steps: [
                .decide, .bad(["west-1"]), .refused(.resume(.rollout), "retry the failed clusters"), .rollout(.paused),
            ]),
    ]

    static let azureFleetManager: [PeerRow] =
        ([.cluster, .region, .stage] as [FailurePolicy.Scope]).map { scope in
            PeerRow(
                "Z01-\(scope.rawValue)", "A failed run can be started again and tries the failed member",
                source: "\(azure) \"You can re-run an update run at any time\"", there: "tried again",
                here: "the same: a rollback of smaller scope leaves the rollout paused",
                fleet: [("west", 1), ("north", 1)], policy: .peer(action: .rollback, scope: scope),
                steps: [
                    .decide, .good(["north-1"]), .bad(["west-1"]), .settle, .phase(["west-1"], .rolledBack),
                    .rollout(.paused), .order(.retry(clusters: [])), .goes(["west-1"], to: Scenario.two),
                    .good(["west-1"]), .phase(["west-1"], .healthy),
                ])
        } + [
            PeerRow(
                "Z03", "A person skips one region of the stage under way: the rest passes without it",
                source: "\(azure) \"Skipped: user skipped update for the group\"", there: "skipped; west-1; succeeded",
                here: "the same, by pausing the region and rolling it back", fleet: [("north", 1), ("west", 1)],
                steps: [
                    .order(.pause(.region("north"), reason: nil)), .sends(["west-1"]),
                    .order(.rollback(.region("north"), reason: nil)), .phase(["north-1"], .skipped),
                    .good(["west-1"]), .rollout(.succeeded),
                ]),
            PeerRow(
                "Z04", "A person skips a member that is stuck under way",
                source: "\(azure) \"Skipped: user skipped update for the member\"", there: "west-1; succeeded",
                fleet: [("east", 2), ("west", 1)],
                policy: .peer([.peer("a", ["east"]), .peer("b", ["west"])]),
                steps: [
                    .decide, .good(["east-1"]), .order(.skip(cluster: "east-2", reason: "stuck")), .sends(["west-1"]),
                    .good(["west-1"]), .rollout(.succeeded), .told("east-2 left out by order"),
                ]),
            PeerRow(
                "Z04b", "The same, taken back rather than left",
                source: "\(azure) \"Skipped: user skipped update for the member\"", there: "west-1; succeeded",
                fleet: [("east", 2), ("west", 1)],
                policy: .peer([.peer("a", ["east"]), .peer("b", ["west"])]),
                steps: [
                    .decide, .good(["east-1"]), .order(.rollback(.cluster("east-2"), reason: nil)), .sends(["east-2"]),
                    .good(["east-2"]), .sends(["west-1"]), .good(["west-1"]), .rollout(.succeeded),
                    .told("1 rolled back on the way"),
                ]),
            PeerRow(
                "Z05", "A member that must wait gives its slot to the next",
                source: "\(azure) \"When a member moves to Pending ... attempt to upgrade the next member\"",
                there: "west-2", policy: .peer(cap: .count(1)),
                steps: [.order(.pause(.cluster("west-1"), reason: nil)), .sends(["west-2"])]),
            PeerRow(
                "Z05b", "A member whose agent is away gives its slot to the next",
                source: "\(azure) \"When a member moves to Pending ... attempt to upgrade the next member\"",
                there: "west-2", policy: .peer(cap: .count(1)),
                steps: [
                    .silence(["west-1"]), .pass(.minutes(2)), .sends(["west-2"]), .phase(["west-1"], .queued),
                    .waits(.unreachable, ["west-1"]),
                ]),
            PeerRow(
                "Z06", "Paused while under way: what was begun is not aborted",
                source: "\(azure) \"Stopped ... that operation isn't aborted\"", there: "it finishes",
                fleet: [("west", 1)],
                steps: [
                    .decide, .pause, .sends([]), .phase(["west-1"], .dispatched), .good(["west-1"]),
                    .phase(["west-1"], .healthy),
                ]),
        ]
}
