internal import SwellEngine
internal import SwellModel
internal import Testing

/// A policy that a peer's tests put before it, and what Swell says of it before anything runs.
struct PeerPlanRow: Sendable, CustomTestStringConvertible {
    enum Outcome: Sendable {
        /// Refused when it is planned, with this code and words.
        case refused(PlanError.Code, String)
        case warned(PlanWarning.Kind, String)
        case notWarned(PlanWarning.Kind)
    }

    let id: String
    let what: String
    let source: String
    let there: String
    let fleet: [(RegionName, Int)]
    let policy: RolloutPolicy
    let outcome: Outcome

    var testDescription: String { "\(id): \(what)" }

    static let all: [PeerPlanRow] = [
        PeerPlanRow(
            id: "O18", what: "A cap of 0",
            source: "ocm TestCalculateRolloutSize \"int 0\"; argo \"maxUpdate set to 0\"",
            there: "everything at once; never any", fleet: [("west", 5)], policy: .peer(cap: .count(0)),
            outcome: .refused(.zeroLimit, "write 1 or more, or pause instead")),
        PeerPlanRow(
            id: "R04", what: "A cap of 0 %",
            source: "rancher/fleet internal/cmd/controller/target/status_test.go Test_limit \"negative percent value\"",
            there: "1", fleet: [("west", 5)], policy: .peer(cap: .percent(0)),
            outcome: .refused(.zeroLimit, "write 1 or more, or pause instead")),
        PeerPlanRow(
            id: "K09", what: "A stage whose selector matches nothing",
            source: "kubefleet initialization_integration_test.go \"select no clusters if labelSelector is nil\"; "
                + "argo-cd TestGetAppsToSync \"handles an empty step as completed\"",
            there: "skipped; a slip in the canary's selector skips the canary", fleet: [("east", 1)],
            policy: .peer([
                .peer("a", ["east"]), PolicyStage(name: "b", select: ClusterSelector(labels: ["tier": "none"])),
            ]), outcome: .refused(.emptyStage, "stage 'b' selects no cluster")),
        PeerPlanRow(
            id: "K10", what: "A cluster in two stages",
            source: "kubefleet initialization_integration_test.go \"... some cluster appears in multiple stages\"; "
                + "argo-cd \"app selected in multiple steps\"; rancher/fleet \"selectors that match more than once\"",
            there: "refused; in Fleet it is in both", fleet: [("east", 1)],
            policy: .peer([.peer("a", ["east"]), .peer("b", [])]),
            outcome: .refused(.overlap, "cluster 'east-1' is selected by stages 'a' and 'b'")),
        PeerPlanRow(
            id: "K11", what: "A cluster in no stage",
            source: "kubefleet initialization_integration_test.go \"... some cluster is not selected by any stage\"; "
                + "argo-cd \"not in steps is updated to -1\"; rancher/fleet \"doesn't put unmatched clusters ...\"",
            there: "refused by name, or left alone: a policy may mean production only",
            fleet: [("east", 1), ("west", 1)], policy: .peer([.peer("a", ["east"])]),
            outcome: .warned(.notCovered, "no stage selects west-1")),
        PeerPlanRow(
            id: "K30", what: "A cap of 10 % over 20 regions with one cluster each",
            source:
                "kubefleet execution_test.go TestCalculateMaxConcurrencyValue; argo-cd \"rounds down for maxUpdate ...\"",
            there: "2, of the stage", fleet: (1...20).map { (RegionName(stringLiteral: "r\($0)"), 1) },
            policy: .peer(cap: .percent(10)), outcome: .warned(.voidLimit, "20 of 20 clusters at once")),
        PeerPlanRow(
            id: "K30b", what: "A cap of 10 % over two regions with ten each", source: "as K30", there: "2",
            fleet: [("east", 10), ("west", 10)], policy: .peer(cap: .percent(10)), outcome: .notWarned(.voidLimit)),
        PeerPlanRow(
            id: "O22", what: "A tolerance as large as its stage",
            source: "ocm/sdk-go rollout.go calculateRolloutSize (beyond the total it falls to 0)",
            there: "nothing goes on when the only canary fails", fleet: [("east", 1), ("west", 3)],
            policy: .peer([.peer("canary", ["east"], budget: .count(1)), .peer("rest", ["west"])]),
            outcome: .warned(.voidLimit, "tolerates that all 1 of its clusters fail")),
        PeerPlanRow(
            id: "O22b", what: "A tolerance of 100 %", source: "ocm/sdk-go rollout.go calculateRolloutSize",
            there: "all",
            fleet: [("east", 3)], policy: .peer(budget: .percent(100)),
            outcome: .warned(.voidLimit, "tolerates that all 3 of its clusters fail")),
        PeerPlanRow(
            id: "O22c", what: "A tolerance below its stage", source: "ocm/sdk-go rollout.go calculateRolloutSize",
            there: "2", fleet: [("east", 3)], policy: .peer(budget: .count(2)), outcome: .notWarned(.voidLimit)),
    ]

    func check() throws {
        var snapshot = FleetSnapshot()
        let now = Timestamp(milliseconds: 1_000_000)
        for (region, count) in fleet {
            for number in 1...count {
                let name = try ClusterName("\(region)-\(number)")
                snapshot.fleet[name] = ClusterFacts(
                    cluster: Cluster(name: name, region: region, environment: "production"), isEnrolled: true,
                    lastSeenAt: now, proven: [Scenario.one])
            }
        }
        let request = PlanRequest(
            name: "shop-2", application: "shop", release: Scenario.two, policy: policy,
            strategy: ApplicationStrategy(), createdBy: "ann")
        switch outcome {
        case .refused(let code, let words):
            let error = #expect(throws: PlanError.self) {
                try RolloutPlanner.preview(request, snapshot: snapshot, now: now)
            }
            #expect(error?.code == code)
            #expect(error?.message.contains(words) == true, "\(error?.description ?? "planned")")
        case .warned(let kind, let words):
            let warnings = try RolloutPlanner.preview(request, snapshot: snapshot, now: now).warnings
            #expect(warnings.contains { $0.kind == kind && $0.message.contains(words) }, "\(warnings)")
        case .notWarned(let kind):
            let warnings = try RolloutPlanner.preview(request, snapshot: snapshot, now: now).warnings
            #expect(!warnings.contains { $0.kind == kind }, "\(warnings)")
        }
    }
}

/// A policy document that a peer's tests put before it; with a mistake in it, and what it must say. Nil is read.
struct PeerDocumentRow: Sendable, CustomTestStringConvertible {
    let id: String
    let source: String
    let there: String
    let spec: String
    let refusal: String?

    var testDescription: String { "\(id): \(spec)" }

    private static let nomad = "nomad nomad/structs/structs_test.go TestUpdateStrategy_Validate"
    private static let sizes = "ocm/sdk-go TestCalculateRolloutSize"

    static let all: [PeerDocumentRow] = [
        PeerDocumentRow(
            id: "V01", source: nomad, there: "refused", spec: "minHealthyTime: 20m\nprogressDeadline: 10m",
            refusal: "20m is not less than progressDeadline (10m)"),
        PeerDocumentRow(
            id: "V02", source: nomad, there: "refused", spec: "progressDeadline: 5s",
            refusal: "5s is not more than minHealthyTime (10s unless it is written)"),
        PeerDocumentRow(
            id: "V02b", source: nomad, there: "refused", spec: "minHealthyTime: 11m",
            refusal: "11m is not less than progressDeadline (10m)"),
        PeerDocumentRow(id: "V02c", source: nomad, there: "read", spec: "progressDeadline: 11s", refusal: nil),
        PeerDocumentRow(
            id: "V03", source: "ocm/sdk-go TestParseTimeout \"None\"", there: "it waits for ever (see O30)",
            spec: "progressDeadline: None", refusal: "'None' is not a length of time"),
        PeerDocumentRow(
            id: "V04", source: "ocm types_rolloutstrategy.go MaxFailures pattern", there: "refused",
            spec: "stages: [{name: b, select: {}, failureBudget: 101%}]", refusal: "failureBudget"),
        PeerDocumentRow(
            id: "O20", source: "\(sizes) \"percentage but out of range\"", there: "the total",
            spec: "maxConcurrent: 200%", refusal: "maxConcurrent"),
        PeerDocumentRow(
            id: "O21", source: "\(sizes) \"string without percentage\"; argo TestFormatInvalidMaxUpdateMessage",
            there: "an error; a warning, and the cap ignored", spec: "maxConcurrent: many", refusal: "maxConcurrent"),
    ]

    func check() throws {
        let lines = (spec.contains("stages:") ? spec : "stages: [{name: a, select: {}}]\n\(spec)").split(
            separator: "\n")
        let text =
            "apiVersion: swell.dev/v1\nkind: RolloutPolicy\nmetadata: {name: p}\nspec:\n"
            + lines.map { "  \($0)\n" }.joined()
        let file = SourceFile(name: "p.yaml", content: text)
        guard let refusal else {
            _ = try DocumentReader.read([file])
            return
        }
        let errors = #expect(throws: DocumentErrors.self) { try DocumentReader.read([file]) }
        #expect(errors?.description.contains(refusal) == true, "\(errors?.description ?? "read")")
    }
}
