internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

private let start = Timestamp(milliseconds: 1_800_000_000_000)

private func target(_ name: ClusterName, _ region: RegionName, _ stage: StageName, _ phase: String) -> TargetView {
    TargetView(
        cluster: name, region: region, stage: stage, phase: phase, reason: nil, generation: phase == "queued" ? nil : 3,
        digest: nil, release: phase == "queued" ? nil : "1.1.0", previous: "1.0.0", dispatchedAt: nil, healthyAt: nil,
        changedAt: start, attempts: 1)
}

private func stage(_ name: StageName, _ phase: String) -> StageView {
    StageView(
        name: name, phase: phase, reason: nil, startedAt: start, healthyAt: nil,
        soakEndsAt: phase == "soaking" ? start + .seconds(30) : nil, passedAt: nil, lanes: [:], approvedBefore: nil,
        approvedAfter: nil)
}

private func rollout(_ phase: String, stages: [StageView], targets: [TargetView], waits: [String] = []) -> RolloutView {
    RolloutView(
        metadata: MetadataView(name: "r1", createdAt: start, createdBy: "alice"),
        spec: RolloutView.Spec(
            application: "shop", type: "release", undoOf: nil,
            release: ReleaseReference(version: "1.1.0", digest: ContentDigest(of: [])), policy: "waves",
            policySpec: [:],
            startsAt: nil),
        status: RolloutView.Status(
            phase: phase, isEnded: phase == "succeeded", reason: nil, endedAt: nil, supersededBy: nil, pause: nil,
            pausedRegions: [:], pausedClusters: [:],
            waitingFor: waits.map {
                BlockerView(what: "soak", why: $0, until: start + .seconds(30), stage: nil, region: nil, clusters: [])
            }, stages: stages, targets: targets))
}

private let soaking = rollout(
    "progressing", stages: [stage("canary", "soaking"), stage("rest", "waiting")],
    targets: [
        target("e1", "us-east-1", "canary", "healthy"), target("w1", "us-west-1", "rest", "queued"),
        target("c1", "eu-central-1", "rest", "queued"),
    ], waits: ["stage canary soaks"])

@Suite struct OutputTests {
    @Test func advisesOnMissingRights() {
        var view = rollout(
            "failed", stages: [stage("canary", "failed")], targets: [target("e1", "us-east-1", "canary", "failed")])
        func last() -> String? {
            RolloutTree(view: view, now: start, style: Style(hasColours: false)).lines(columns: 400).last
        }
        #expect(last()?.contains("rbac") == false)
        view.status.targets[0].reason =
            "Forbidden: apps/v1 Deployment shop/web: PATCH /x: may not patch deployments.apps in namespace shop; "
            + "grant it to system:serviceaccount:swell-system:swell-agent"
        #expect(
            last()
                == "an agent lacks rights: `swell rbac shop --version 1.0.0 --version 1.1.0` prints the roles for `kubectl apply -f -`"
        )
    }

    @Test func drawsTheTree() {
        let tree = RolloutTree(view: soaking, now: start + .seconds(5), style: Style(hasColours: false))
        #expect(
            tree.lines(columns: 200) == [
                "r1  shop 1.1.0  progressing  5s  policy waves",
                "├─ canary  soaking  25s to go, until 08:00:30",
                "│  └─ us-east-1  1/1 healthy",
                "│     └─ e1  healthy  1.1.0  5s",
                "└─ rest  waiting",
                "   ├─ eu-central-1  0/1 healthy",
                "   │  └─ c1  queued",
                "   └─ us-west-1  0/1 healthy",
                "      └─ w1  queued",
                "waits for soak: stage canary soaks  (until 08:00:30)",
            ])
    }

    @Test func saysWhatToDoAfterFailures() {
        func next(_ phase: String, isEnded: Bool) -> String? {
            var view = rollout(phase, stages: [stage("canary", "failed")], targets: [])
            view.status.isEnded = isEnded
            return RolloutTree(view: view, now: start, style: Style(hasColours: false)).lines().last
        }
        #expect(
            next("paused", isEnded: false)
                == "next: once that is mended, `swell rollout retry r1`; to take it back, `swell rollout undo r1`; to go on without "
                + "a cluster that failed, `swell rollout skip r1 --cluster CLUSTER`; to stop for good and leave all as it is, "
                + "`swell rollout abort r1`")
        for phase in ["rolledBack", "failed"] {
            #expect(
                next(phase, isEnded: true)
                    == "next: mend it in a new release, or where the release is not at fault start it again: `swell rollout start shop --version 1.1.0 --policy waves`"
            )
        }
        #expect(next("succeeded", isEnded: true)?.contains("next") == false)
    }

    @Test func wrapsLongReasonsBesideTheTreeAndCutsOnlyWhereThereIsNoRoom() {
        var view = soaking
        view.status.targets[0].phase = "failed"
        view.status.targets[0].reason =
            "Invalid: v1 ConfigMap shop/broken: spec.replicas: Invalid value: -1 (1 skipped: Deployment web)"
        let plain = RolloutTree(view: view, now: start, style: Style(hasColours: false))
        #expect(
            plain.lines(columns: 48).prefix(7) == [
                "r1  shop 1.1.0  progressing  0s  policy waves",
                "├─ canary  soaking  30s to go, until 08:00:30",
                "│  └─ us-east-1  0/1 healthy",
                "│     └─ e1  failed  1.1.0  0s  Invalid: v1",
                "│          ConfigMap shop/broken: spec.replicas:",
                "│          Invalid value: -1 (1 skipped:",
                "│          Deployment web)",
            ])
        #expect(plain.lines(columns: 48, rows: 14).count == 14)
        #expect(plain.lines(columns: 48, rows: 12).contains("│          Deployment web)"), "queued ones give way first")
        #expect(plain.lines(columns: 48, rows: 9).contains("│     └─ e1  failed  1.1.0  0s  Invalid: v1 Con…"))
        #expect(plain.lines()[3].hasSuffix("-1 (1 skipped: Deployment web)"), "a pipe has no margin")
        let coloured = RolloutTree(view: view, now: start, style: Style(hasColours: true))
        for columns in [1, 5, 12, 30, 48, 1_000] {
            let lines = coloured.lines(columns: columns).map { $0.replacing(/\u{1B}\[[0-9]+m/, with: "") }
            #expect(lines == plain.lines(columns: columns))
            #expect(lines.allSatisfy { $0.count <= columns })
        }
    }

    @Test func tellsTroubleOnceItHasAName() {
        var first = soaking
        first.status.targets[0].phase = "applying"
        #expect(RolloutChanges.troubled(first.status).isEmpty)
        var second = first
        second.status.targets[0].reason = "Deployment web: 1 of 2 ready"
        #expect(RolloutChanges.lines(from: first, to: second).isEmpty)
        var third = second
        third.status.targets[0].reason = "APIServerUnavailable: PATCH /x: too many requests"
        #expect(
            RolloutChanges.lines(from: second, to: third) == [
                "cluster e1 (us-east-1) applying 1.1.0 generation 3: APIServerUnavailable: PATCH /x: too many requests"
            ])
        #expect(RolloutChanges.lines(from: third, to: third).isEmpty)
        #expect(
            RolloutChanges.troubled(third.status) == [
                "cluster e1 (us-east-1) applying 1.1.0: APIServerUnavailable: PATCH /x: too many requests"
            ])
    }

    /// A container that crashes and starts again is two reasons by turns, for as long as it does.
    @Test func tellsWhatComesAndGoesOnce() {
        var told: [ClusterName: String] = [:]
        var quiet = soaking
        quiet.status.targets[0].phase = "applying"
        quiet.status.targets[0].reason = "Deployment web: 0 of 1 ready"
        var loud = quiet
        loud.status.targets[0].reason = "CrashLoopBackOff: Deployment web: pod web-1"
        #expect(RolloutChanges.lines(from: quiet, to: loud, told: &told).count == 1)
        for _ in 0..<3 {
            #expect(RolloutChanges.lines(from: loud, to: quiet, told: &told).isEmpty)
            #expect(RolloutChanges.lines(from: quiet, to: loud, told: &told).isEmpty)
        }
        var other = quiet
        other.status.targets[0].reason = "OOMKilled: Deployment web: pod web-1"
        #expect(RolloutChanges.lines(from: quiet, to: other, told: &told).count == 1)
        #expect(RolloutChanges.lines(from: quiet, to: loud, told: &told).count == 1, "it is another one again")
    }

    @Test func fitsTheTerminal() {
        let tree = RolloutTree(view: soaking, now: start, style: Style(hasColours: true))
        for line in tree.lines(columns: 20, rows: 8) {
            let visible = line.replacing(/\u{1B}\[[0-9]+m/, with: "")
            #expect(visible.count <= 20)
        }
        #expect(tree.lines(columns: 20, rows: 8).count == 7)
    }

    @Test func tellsChangesOnce() {
        let first = RolloutChanges.lines(from: nil, to: soaking)
        #expect(
            first == [
                "rollout r1 progressing", "stage canary soaking until 2027-01-15T08:00:30.000Z",
                "cluster e1 (us-east-1) healthy 1.1.0 generation 3",
            ])
        #expect(RolloutChanges.lines(from: soaking, to: soaking).isEmpty)
        var paused = soaking
        paused.status.waitingFor[0].what = "regionPause"
        paused.status.waitingFor[0].why = "region us-west-1 is paused"
        #expect(RolloutChanges.lines(from: soaking, to: paused) == ["waits: region us-west-1 is paused"])
        let ended = rollout("succeeded", stages: [stage("canary", "passed")], targets: [])
        #expect(
            RolloutChanges.lines(from: soaking, to: ended) == ["stage canary passed", "rollout r1 succeeded"])
        var next = soaking
        next.status.targets[1] = target("w1", "us-west-1", "rest", "dispatched")
        #expect(
            RolloutChanges.lines(from: soaking, to: next) == [
                "cluster w1 (us-west-1) dispatched 1.1.0 generation 3"
            ])
    }

    @Test func takesStreamsApart() throws {
        var parser = ServerSentEventParser()
        var events: [ServerSentEvent] = []
        let text =
            "retry: 1000\n\n:\n\nid: 7\r\nevent: rollout\r\ndata: {\"a\":\ndata: 1}\n\nid: 8\ndata: x\n\nevent: cut"
        for byte in text.utf8 { events += try parser.append([byte]) }
        #expect(
            events == [
                ServerSentEvent(name: "rollout", id: "7", data: "{\"a\":\n1}"),
                ServerSentEvent(name: "message", id: "8", data: "x"),
            ])
    }

    @Test func alignsTables() {
        var table = Table("NAME", "AGE")
        table.add("a-long-name", "1s")
        table.add("b", "12m")
        #expect(table.lines == ["NAME         AGE", "a-long-name  1s", "b            12m"])
    }

    @Test func yamlOfDocumentsCanBeAppliedAgain() throws {
        var list: JSONValue = ["kind": "List", "items": []]
        let clusters = ["a", "b"].map { name -> JSONValue in
            var document = Cluster(name: Name(stringLiteral: name), region: "r", environment: "e").document
            document["status"] = ["connected": true]
            return document
        }
        list["items"] = .array(clusters)
        let text = try #require(list.text(as: .yaml))
        #expect(try DocumentReader.read([SourceFile(name: "x", content: text)]).clusters.count == 2)
        #expect(list.text(as: .name) == "cluster/a\ncluster/b")
        #expect(list.text(as: .json)?.contains("\"connected\": true") == true)
    }

    @Test(arguments: [
        (Int64(0), "0s"), (59_999, "59s"), (250_000, "4m10s"), (12_000_000, "3h20m"), (187_200_000, "2d4h"),
    ])
    func saysAges(milliseconds: Int64, text: String) {
        #expect(Ages.text(Interval(milliseconds: milliseconds)) == text)
    }
}

extension RolloutChanges {
    /// What changed, told to somebody who has heard nothing yet.
    fileprivate static func lines(from before: RolloutView?, to after: RolloutView) -> [String] {
        var told: [ClusterName: String] = [:]
        return lines(from: before, to: after, told: &told)
    }
}
