internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

private let start = Timestamp(milliseconds: 1_800_000_000_000)

private func target(_ name: ClusterName, _ phase: String, stage: StageName = "canary") -> TargetView {
    TargetView(
        cluster: name, region: "us-east-1", stage: stage, phase: phase, reason: nil, generation: 3, digest: nil,
        release: nil, previous: nil, dispatchedAt: nil, healthyAt: nil, changedAt: start, attempts: 1)
}

private func view(
    _ phase: String, _ targets: [TargetView], stage: String = "progressing", waits: [BlockerView] = []
) -> RolloutView {
    RolloutView(
        metadata: MetadataView(name: "r1", createdAt: start, createdBy: "alice"),
        spec: RolloutView.Spec(
            application: "shop", type: "release", undoOf: nil,
            release: ReleaseReference(version: "1.1.0", digest: ContentDigest(of: [])), policy: "waves",
            policySpec: [:], startsAt: nil),
        status: RolloutView.Status(
            phase: phase, isEnded: false, reason: nil, endedAt: nil, supersededBy: nil, pause: nil, pausedRegions: [:],
            pausedClusters: [:], waitingFor: waits,
            stages: [
                StageView(
                    name: "canary", phase: stage, reason: nil, startedAt: start, healthyAt: nil, soakEndsAt: nil,
                    passedAt: nil, lanes: [:], approvedBefore: nil, approvedAfter: nil)
            ], targets: targets))
}

private func wait(_ what: String, stage: StageName? = nil, _ clusters: [ClusterName] = []) -> BlockerView {
    BlockerView(what: what, why: "because", until: nil, stage: stage, region: nil, clusters: clusters)
}

/// What people are told where a rollout does not simply go on.
@Suite struct StandingTests {
    private func tree(_ view: RolloutView) -> [String] {
        RolloutTree(view: view, now: start, style: Style(hasColours: false)).lines()
    }

    /// What an API server refuses stays refused: no retry mends it.
    @Test func whatIsRefusedIsMendedByANewRelease() {
        var refused = target("a", "rolledBack")
        refused.reason =
            "reverted by its agent: Invalid: v1 ConfigMap shop/c: PATCH /x: failed to create typed patch object (shop/c; v1, Kind=ConfigMap): .data.a: expected string"
        let shown = view("paused", [refused])
        let mistyped = NextStep.lines(shown).joined()
        #expect(mistyped.contains("`swell diff shop --version 1.1.0 --cluster a` shows all of it"))
        #expect(mistyped.contains("`swell rollout start shop --version NEW --policy waves --supersede`"))
        #expect(!mistyped.contains("retry") && mistyped.contains("`swell rollout undo r1`"))
        for said in ["Invalid: ", "its agent goes back: Invalid: ", "reverted by its agent: Invalid: ", "BadRequest: "]
        {
            refused.reason = "\(said)v1 Service shop/c: provided port is already allocated"
            let invalid = NextStep.lines(view("paused", [refused])).joined()
            #expect(invalid.contains("where it is the cluster that has to change, `swell rollout retry r1`"))
        }
        refused.reason = "CrashLoopBackOff: apps/v1 Deployment shop/web: pod web-1"
        #expect(
            NextStep.lines(view("paused", [refused])).joined().hasPrefix(
                "once that is mended, `swell rollout retry r1`"))
    }

    @Test func removedAndHeldAreNotHealthy() {
        let shown = view("progressing", [target("a", "removed"), target("b", "held"), target("c", "healthy")])
        #expect(tree(shown).contains { $0.hasSuffix("us-east-1  1/3 healthy, 1 removed, 1 held") })
        #expect(
            RolloutSummaryText.lines(shown).first == "r1 progressing: 1 of 3 clusters healthy, 1 removed, 1 held")
    }

    @Test func approvalsShowWhoAndWhen() {
        var shown = view("progressing", [target("a", "healthy")])
        let digest = ContentDigest(of: [])
        shown.status.stages[0].approvals = [
            ApprovalView(gate: "before", by: "ann", at: start, digest: digest),
            ApprovalView(gate: "after", by: "bob", at: start + .seconds(61), digest: digest),
        ]
        shown.status.stages[0].promotion = ApprovalView(gate: nil, by: "eve", at: start, digest: digest)
        #expect(
            tree(shown)[1]
                == "└─ canary  progressing  start approved by ann at 08:00:00  pass approved by bob at 08:01:01"
                + "  promoted by eve at 08:00:00")
    }

    @Test func theGateOfAnApprovalIsTheOpenOne() {
        for (phase, gate) in [
            ("waiting", nil), ("gated", "before"), ("progressing", nil), ("soaking", nil), ("verifying", "after"),
            ("passed", nil),
        ] {
            #expect(view("progressing", [], stage: phase).status.stages[0].openGate == gate)
        }
    }

    @Test func waitsAreSaidInWords() {
        let shown = view("progressing", [], waits: [wait("unknown"), wait("held"), wait("invariant"), wait("soak")])
        #expect(
            tree(shown).suffix(4) == [
                "waits for a sight of the cluster: because", "waits for another rollout: because",
                "waits for a person, since a check refused what was decided: because", "waits for soak: because",
            ])
    }

    @Test func whatFailuresPausedIsStoppedOnceNothingMoves() {
        let failed = [target("a", "rolledBack"), target("b", "healthy")]
        #expect(view("paused", failed, waits: [wait("failure", ["a"])]).isStoppedByFailures)
        #expect(!view("paused", failed, waits: [wait("failure"), wait("rollback", ["a"])]).isStoppedByFailures)
        #expect(!view("paused", failed, waits: [wait("health", ["b"])]).isStoppedByFailures)
        #expect(view("paused", failed, waits: [wait("failure"), wait("unreachable", ["b"])]).isStoppedByFailures)
        // A stage that only waits is named without clusters: it moves for nobody.
        #expect(view("paused", failed, waits: [wait("failure"), wait("health")]).isStoppedByFailures)
        #expect(!view("progressing", failed).isStoppedByFailures)
        var byPerson = view("paused", failed)
        byPerson.status.pause = Pause(by: "ann", at: start)
        #expect(!byPerson.isStoppedByFailures)
        #expect(NextStep.lines(view("paused", failed))[0].contains("`swell rollout skip r1 --cluster a`"))
    }

    @Test func aStageWithoutAHealthyClusterHasAWayOn() {
        let stuck = view("progressing", [target("a", "rolledBack"), target("b", "skipped")], stage: "verifying")
        let next = NextStep.lines(stuck)
        #expect(next.count == 1)
        #expect(next.first?.contains("`swell rollout retry r1 --cluster a`") == true)
        #expect(next.first?.contains("`swell rollout promote r1 --stage canary --despite-health`") == true)
        #expect(NextStep.lines(view("progressing", [target("a", "verifying")], stage: "verifying")).isEmpty)
        let gated = view("progressing", [], stage: "gated", waits: [wait("approval", stage: "canary")])
        #expect(NextStep.lines(gated).first?.contains("`swell approve r1 --stage canary`") == true)
    }

    @Test func removingATargetNeedsAWord() throws {
        var removal = RemovalView(cluster: "a", runs: [], rollouts: [])
        // Also where no rollout is concerned: a cluster is not taken out of the fleet by a slip of the hand.
        #expect(try RemovalQuestion(removal: removal, isSaid: false).mustAsk(canAsk: true))
        #expect(throws: CommandError.self) {
            try RemovalQuestion(removal: removal, isSaid: false).mustAsk(canAsk: false)
        }
        removal.rollouts = [
            RemovalView.Concerned(
                rollout: "r1", application: "shop", version: "1.1.0", phase: "progressing", stage: "canary",
                target: "failed", failed: true, leavesStageUnproven: true)
        ]
        #expect(try RemovalQuestion(removal: removal, isSaid: false).mustAsk(canAsk: true))
        #expect(try !RemovalQuestion(removal: removal, isSaid: true).mustAsk(canAsk: false))
        #expect(throws: CommandError.self) {
            try RemovalQuestion(removal: removal, isSaid: false).mustAsk(canAsk: false)
        }
        #expect(
            removal.lines == [
                "cluster 'a' is a target of 1 active rollout:",
                "  rollout 'r1' (shop 1.1.0, progressing): failed in stage 'canary'; it is skipped there; what it failed stays "
                    + "counted; stage 'canary' is left without a healthy cluster, and waits for a person",
                "its agent is not let in any more, until the cluster is applied again",
            ])
    }

    @Test func aStageWhoseOnlyClusterIsLeftBehindWaitsForAPerson() {
        var left = target("a", "unreachable")
        left.late = "leftBehind"
        let shown = view(
            "progressing", [left], stage: "verifying",
            waits: [wait("health", stage: "canary"), wait("unreachable", stage: "canary", ["a"])])
        #expect(shown.waitsForPerson)
        let steps = NextStep.lines(shown)
        #expect(
            steps.count == 1 && steps.first?.contains("promote r1 --stage canary --despite-health") == true, "\(steps)")
        #expect(steps.first?.contains("once a, which is left behind, is healthy after all") == true)
        #expect(!steps.contains { $0.contains("leave-behind") }, "it is left behind already")
    }

    @Test func anUndoThatFailedSaysWhatLeadsOn() {
        var shown = view("failed", [target("a", "failed"), target("b", "healthy")])
        shown.spec.type = "undo"
        shown.status.isEnded = true
        shown.status.targets[0].release = "1.0.0"
        #expect(
            NextStep.lines(shown) == [
                "look at a (`swell describe cluster a`); once that is mended, `swell rollout start shop --policy waves --cluster a "
                    + "--version 1.0.0` brings 1.0.0 there"
            ])
        shown.spec.type = "removal"
        #expect(NextStep.lines(shown).first?.contains("`swell uninstall shop --cluster a` goes on") == true)
        shown.status.phase = "succeeded"
        #expect(NextStep.lines(shown).isEmpty)
    }

    @Test func anUndoNamesWhatItBrings() {
        var shown = view("progressing", [target("a", "queued"), target("b", "queued"), target("c", "queued")])
        shown.spec.type = "undo"
        for (index, previous) in ["1.0.0", "0.9.0", "1.0.0"].enumerated() {
            shown.status.targets[index].previous = previous
        }
        #expect(
            WayBackText.lines(shown, covers: { _ in true }) == [
                "shop 1.1.0 -> 0.9.0 on b", "shop 1.1.0 -> 1.0.0 on a, c",
            ])
        #expect(WayBackText.lines(shown, covers: { $0.cluster == "b" }) == ["shop 1.1.0 -> 0.9.0 on b"])
    }

    @Test func theTextOfARemovalIsBounded() {
        let running = (0..<50).map { RemovalView.Running(application: Name(stringLiteral: "app-\($0)"), version: "1") }
        let removal = RemovalView(cluster: "a", runs: running, rollouts: [], omitted: 0)
        #expect(removal.lines.first?.hasSuffix(" and 30 more") == true)
    }

    @Test(arguments: [
        ["rollout", "approve", "r1", "--stage", "canary"], ["approve", "r1", "--stage", "canary", "--withdraw"],
        ["rollout", "skip", "r1", "--cluster", "a", "--reason", "old"],
        ["rollout", "leave-behind", "r1", "--cluster", "a"], ["rollout", "undo", "r1", "--remove"],
        ["cluster", "rollback", "a", "--application", "shop", "--remove"], ["cluster", "remove", "a", "--yes"],
        ["rollout", "promote", "r1", "--stage", "canary", "--despite-health"],
        ["uninstall", "shop", "--region", "east", "--yes", "-w"],
    ])
    func wordsThatMessagesSayAreUnderstood(words: [String]) throws {
        _ = try SwellTool.parseAsRoot(words)
    }
}
