internal import SwellEngine
internal import SwellModel
internal import Testing

// Left out: A07, R01 and R05 (no counterpart), R04 (see `PeerPlanRows`).
extension PeerRows {
    private static let argo = "argo-cd applicationset/controllers/progressive_sync_dependencies_test.go"
    private static let rancher = "rancher/fleet internal/cmd/controller/target"

    static let argoCD: [PeerRow] = [
        PeerRow(
            "A01", "A cluster of a done step turns unhealthy under the same release",
            source: "\(argo) \"does not move a Healthy application to another status if the revision has not changed\"",
            there: "the steps after it go on", here: "a canary that sickens holds the rest",
            fleet: [("east", 1), ("west", 2)],
            policy: .peer([.peer("a", ["east"]), .peer("b", ["west"], cap: .count(1))]),
            steps: [
                .decide, .good(["east-1"]), .sends(["west-1"]), .say("east-1", .healthy, .degraded),
                .stages([.verifying, .progressing]), .good(["west-1"]), .sends([]), .say("east-1", .healthy),
                .sends(["west-2"]),
            ]),
        PeerRow(
            "A02", "What is pending counts under the cap as what progresses does",
            source: "\(argo) \"does not update a status if maxUpdate has already been reached\"", there: "nothing",
            policy: .peer(cap: .count(2)),
            steps: [
                .decide, .say("west-1", .applying, .progressing), .sends([]), .say("west-2", .accepted), .sends([]),
            ]),
        PeerRow(
            "A03", "What was said of the former release is no evidence",
            source: "\(argo) \"does not move a pending application to progressing if sync happened before transition\"",
            there: "pending",
            steps: [.decide, .pass(.minutes(1)), .speaksOfOld("west-1"), .phase(["west-1"], .dispatched)]),
        PeerRow(
            "A04", "A sync that failed for good",
            source: "\(argo) \"moves a pending application to progressing when sync operation has failed\"",
            there: "progressing, nothing fails", here: "told at once; what passes by itself is retried by the agent",
            steps: [.decide, .bad(["west-1"]), .phase(["west-1"], .failed), .rollout(.paused), .sends([])]),
        PeerRow(
            "A05", "An apply that is retried by itself and then works counts",
            source: "\(argo) \"moves a progressing application to healthy when it is synced and healthy\"",
            there: "west-2", policy: .peer(cap: .count(1)),
            steps: [
                .decide, .say("west-1", .applying, .degraded), .phase(["west-1"], .applying), .sends([]),
                .good(["west-1"]), .sends(["west-2"]),
            ]),
        PeerRow(
            "A06", "A new revision under way: the former one sends nothing more",
            source: "\(argo) \"moves an application with new version to waiting when it is OutOfSync\"",
            there: "all wait again, step 1 goes first", here: "the same, by a rollout that supersedes this one",
            policy: .peer(cap: .count(1)),
            steps: [
                .decide, .order(.supersede(by: "shop-3")), .rollout(.superseded), .sends([]), .good(["west-1"]),
                .sends([]), .rollout(.superseded),
            ]),
        PeerRow(
            "A08", "A cluster that is gone is no longer counted or waited for",
            source: "\(argo) \"application status is removed when applciation is deleted\"", there: "west-3",
            policy: .peer(cap: .count(2)),
            steps: [.decide, .leave(["west-1"]), .sends(["west-3"]), .phase(["west-1"], .skipped)]),
    ]

    static let fleetManager: [PeerRow] = [
        PeerRow(
            "R02", "A paused target is not updated, and its stage is not done without it",
            source: "\(rancher)/status_test.go Test_upToDate; rollout.go IsPaused", there: "nothing; east-2",
            fleet: [("east", 2), ("west", 1)],
            policy: .peer([.peer("a", ["east"]), .peer("b", ["west"])]),
            steps: [
                .order(.pause(.cluster("east-2"), reason: nil)), .sends(["east-1"]), .good(["east-1"]), .sends([]),
                .waits(.clusterPause, ["east-2"]), .order(.resume(.cluster("east-2"))), .sends(["east-2"]),
            ]),
        PeerRow(
            "R03", "One target of a partition is still unready, which maxUnavailable 1 would allow",
            source: "\(rancher)/status_test.go Test_updateStatusAndCheckUnavailable",
            there: "the next partition starts",
            here: "no next stage starts over an unknown", fleet: [("east", 2), ("west", 1)],
            policy: .peer([.peer("a", ["east"], budget: .count(1)), .peer("b", ["west"])]),
            steps: [.decide, .good(["east-1"]), .sends([]), .stages([.progressing, .waiting])]),
        PeerRow(
            "R06", "So many new at once, over everything",
            source: "\(rancher)/rollout_test.go Test_UpdatePartitions_MaxNew", there: "2",
            here: "the same, by the fleet's headroom", fleet: [("east", 3), ("west", 3)],
            steps: [.headroom(2), .decide, .sends(["east-1", "east-2"]), .waits(.concurrency, ["west-3"])]),
    ]
}
