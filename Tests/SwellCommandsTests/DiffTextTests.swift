internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

@Suite struct DiffTextTests {
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)

    private static func cluster(
        _ name: ClusterName, state: ClusterDiffView.State = .answered, _ answer: PreviewAnswer = PreviewAnswer()
    ) -> ClusterDiffView {
        ClusterDiffView(
            Cluster(name: name, region: "us-west-1", environment: "production"), state: state,
            lastSeenAt: state == .neverJoined ? nil : now - .seconds(90), answer: answer)
    }

    private static func view(_ clusters: [ClusterDiffView]) -> DiffView {
        DiffView(
            Release(
                application: "shop", reference: ReleaseReference(version: "1.1.0", digest: ContentDigest(of: [])),
                createdBy: "ann", createdAt: now, objectCount: 1, size: 1), clusters: clusters)
    }

    private static func lines(_ clusters: [ClusterDiffView], wide: Bool = false) -> [String] {
        DiffText(style: Style(hasColours: false), isWide: wide, now: now).lines(of: view(clusters))
    }

    private static func object(
        _ action: ObjectChange.Action, _ name: String = "web", message: String? = nil, _ fields: [ChangedField] = []
    ) -> ObjectChange {
        ObjectChange(
            apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: name, action: action, message: message,
            fields: fields)
    }

    @Test func showsTheLineThatDiffersInATextWithCarriageReturns() {
        let answer = PreviewAnswer(
            objects: [
                Self.object(
                    .update, "web",
                    [ChangedField(path: "data.conf", before: "a\r\nb\r\n", after: "a\r\nc\r\n", managers: [])])
            ])
        let lines = Self.lines([Self.cluster("usw1-prod-a", answer)])
        #expect(lines.contains { $0.hasSuffix("-b\\xd") } && lines.contains { $0.hasSuffix("+c\\xd") }, "\(lines)")
        #expect(!lines.contains { $0.hasSuffix("-a\\xd") }, "\(lines)")
    }

    private static let scaled = PreviewAnswer(
        objects: [
            object(
                .update, "web", [ChangedField(path: "spec.replicas", before: 2, after: 3, managers: ["kubectl-edit"])])
        ], unchanged: 4)

    @Test func clustersThatWouldChangeAlikeAreShownTogether() {
        let lines = Self.lines([
            Self.cluster("usw1-a", Self.scaled), Self.cluster("usw1-b", PreviewAnswer(unchanged: 5)),
            Self.cluster("usw1-c", Self.scaled), Self.cluster("usw1-d", state: .notConnected),
            Self.cluster("usw1-e", state: .neverJoined),
            Self.cluster("usw1-f", state: .failed, .failed("Busy", "others go first")),
            Self.cluster("usw1-g", state: .noAnswer),
        ])
        #expect(
            lines == [
                "=== usw1-a, usw1-c (2 clusters alike): 1 changed, 4 unchanged",
                "~ apps/v1 Deployment shop/web",
                "    @@ spec.replicas @@ also owned by kubectl-edit",
                "    -2",
                "    +3",
                "=== usw1-b: no differences in 5 objects",
                "=== usw1-d: not connected since \(Self.now - .seconds(90)), 1m30s ago",
                "=== usw1-e: no agent ever joined",
                "=== usw1-f: Busy: others go first",
                "=== usw1-g: no answer, last heard of 1m30s ago",
                "shop 1.1.0 on 7 clusters: 2 would change, 1 would not change, 2 gave no answer, 2 not connected",
            ])
    }

    @Test func aHundredClustersAlikeTakeFewLines() throws {
        let clusters = try (0..<100).map { Self.cluster(try ClusterName("c-\($0)"), Self.scaled) }
        let lines = Self.lines(clusters)
        #expect(lines.count == 6)
        #expect(lines[0].contains("c-11 and 88 more (100 clusters alike)"), "\(lines[0])")
        #expect(Self.lines(clusters, wide: true).count == 501, "and each alone where that is asked for")
    }

    @Test func everyActionHasItsMarkAndItsWord() {
        let answer = PreviewAnswer(
            objects: [
                Self.object(.create, "a"), Self.object(.replace, "b", message: "spec.selector cannot be changed"),
                Self.object(.delete, "c", message: "no longer in the release"), Self.object(.keep, "d"),
                Self.object(.run, "e", message: "before hook"),
                Self.object(.fail, "f", message: "may not patch deployments.apps"),
            ], unchanged: 0, omitted: 7)
        let lines = Self.lines([Self.cluster("usw1-a", answer)])
        #expect(
            lines == [
                "=== usw1-a: 1 created, 1 replaced, 1 deleted, 1 kept, 1 run, 1 refused, 7 not shown, 0 unchanged",
                "+ apps/v1 Deployment shop/a",
                "± apps/v1 Deployment shop/b: spec.selector cannot be changed",
                "- apps/v1 Deployment shop/c: no longer in the release",
                "= apps/v1 Deployment shop/d",
                "> apps/v1 Deployment shop/e: before hook",
                "! apps/v1 Deployment shop/f: may not patch deployments.apps",
                "… and 7 objects more that would change",
                "shop 1.1.0 on 1 cluster: 1 would change, 1 would refuse objects",
            ])
    }

    @Test func textsAreComparedLineByLine() {
        let old = (1...12).map { "line \($0)" }
        var new = old
        new[5] = "LINE 6"
        let field = ChangedField(
            path: "data.conf", before: .string(old.joined(separator: "\n")), after: .string(new.joined(separator: "\n"))
        )
        let answer = PreviewAnswer(objects: [Self.object(.update, "web", [field])])
        let lines = Self.lines([Self.cluster("a", answer)])
        #expect(
            lines[3..<13].map { String($0.dropFirst(4)) } == [
                "… 2 lines alike", " line 3", " line 4", " line 5", "-line 6", "+LINE 6", " line 7", " line 8",
                " line 9",
                "… 3 lines alike",
            ], "\(lines)")
    }

    @Test(
        arguments: [
            ([], ["a", "b"], ["+a", "+b"]), (["a", "b"], [], ["-a", "-b"]), (["a"], ["a"], ["… 1 lines alike"]),
            (["a", "b", "c"], ["b", "c", "d"], ["-a", " b", " c", "+d"]), ([], [], []),
        ] as [([String], [String], [String])])
    func linesOfTwoTexts(_ old: [String], _ new: [String], _ told: [String]) {
        let lines = LineDifference(from: old, to: new).lines.map { $0.mark == "…" ? "…\($0.text)" : $0.mark + $0.text }
        #expect(lines == told)
    }

    @Test func whatATerminalWouldActUponIsMadeVisible() {
        let field = ChangedField(path: "data.a", before: nil, after: .string("\u{1B}]0;owned\u{7}"))
        let answer = PreviewAnswer(objects: [Self.object(.update, "web", message: "a\u{1B}[31m", [field])])
        let text = Self.lines([Self.cluster("a", answer)]).joined(separator: "\n")
        #expect(!text.unicodeScalars.contains { $0.value == 0x1B || $0.value == 7 })
        #expect(text.contains("a\\x1b[31m"))
    }

    @Test func driftIsShownFromWhatWasReleasedToWhatWasFound() {
        let drift = DriftReport(
            foundAt: Self.now - .seconds(180), isCorrected: true,
            objects: Self.scaled.objects + [Self.object(.delete, "db")], omitted: 1,
            contention: "changed again by 'kube-controller' 5 times in 60 s")
        let lines = DiffText(style: Style(hasColours: false), isWide: false, now: Self.now)
            .lines(of: drift, application: "shop")
        #expect(
            lines == [
                "Drift of shop: 3 objects, put back 3m ago (- as released, + as found)",
                "changed again by 'kube-controller' 5 times in 60 s",
                "~ apps/v1 Deployment shop/web", "    @@ spec.replicas @@ also owned by kubectl-edit", "    -2",
                "    +3",
                "- apps/v1 Deployment shop/db", "… and 1 objects more",
            ])
    }

    @Test(
        arguments: [
            ([cluster("a", PreviewAnswer(unchanged: 3))], true, false), ([cluster("a", scaled)], true, true),
            ([cluster("a", scaled), cluster("b", state: .noAnswer)], false, true),
            ([cluster("a", PreviewAnswer(objects: [object(.fail)]))], false, false),
            ([cluster("a", PreviewAnswer(objects: [object(.keep)]))], true, false),
            ([cluster("a", PreviewAnswer(omitted: 1))], true, true),
        ] as [([ClusterDiffView], Bool, Bool)])
    func theExitCodeFollows(_ clusters: [ClusterDiffView], _ isWhole: Bool, _ hasDifferences: Bool) {
        #expect(Self.view(clusters).isWhole == isWhole)
        #expect(Self.view(clusters).hasDifferences == hasDifferences)
    }
}
