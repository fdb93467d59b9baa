internal import FoundationEssentials
internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// Which status speaks about what was sent now.
@Suite struct StatusEvidenceTests {
    private static func read(_ yaml: String) throws -> KubernetesObject {
        try KubernetesObject(json: YAMLReader.document(in: yaml, file: "test").root.json)
    }

    private static func deployment(generation: Int64, observed: Int64, uid: String = "u", version: String = "10")
        throws -> KubernetesObject
    {
        try read(
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web, uid: \(uid), generation: \(generation), resourceVersion: "\(version)"}
            spec: {replicas: 1}
            status:
              observedGeneration: \(observed)
              conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded, lastUpdateTime: "2026-01-01T00:00:00Z"}]
            """)
    }

    // MARK: The table

    @Test func everyRowSaysWhyAndIsReached() {
        for row in StatusFacts.table {
            #expect(!row.why.isEmpty, "\(row.group)")
            for kind in row.kinds.isEmpty ? ["Anything"] : row.kinds {
                #expect(
                    StatusFacts.rule(for: GroupKind(group: row.group, kind: kind)) == row.rule, "\(row.group) \(kind)")
            }
        }
        #expect(StatusFacts.rule(for: GroupKind(group: "x.io", kind: "Thing")) == .generation)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var expected: StatusEvidence
        var yaml: String
        var definesStatus: Bool? = true
        var testDescription: String { name }
    }

    static let rows: [Row] = [
        Row(
            name: "a workload's controller that has not looked", expected: .notYet,
            yaml: "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: a, generation: 1}, spec: {}}"),
        Row(
            name: "one that looked at an earlier generation",
            expected: .ofEarlier("the controller has seen generation 1 of 2"),
            yaml:
                "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: a, generation: 2}, status: {observedGeneration: 1}}"
        ),
        Row(
            name: "one that looked", expected: .ofThisWrite,
            yaml:
                "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: a, generation: 2}, status: {observedGeneration: 2}}"
        ),
        Row(
            name: "an autoscaler, looked at or not", expected: .ofThisWrite,
            yaml: "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a}, spec: {}}"),
        Row(
            name: "a custom resource of which nothing is said", expected: .silent,
            yaml: "{apiVersion: x.io/v1, kind: Thing, metadata: {name: a, generation: 1}, spec: {}}"),
        Row(
            name: "one whose definition has no status", expected: .never,
            yaml: "{apiVersion: x.io/v1, kind: Thing, metadata: {name: a, generation: 1}, spec: {}}",
            definesStatus: false),
        Row(
            name: "one of which a definition is not known", expected: .silent,
            yaml: "{apiVersion: x.io/v1, kind: Thing, metadata: {name: a, generation: 1}, spec: {}}", definesStatus: nil
        ),
        Row(
            name: "one that never speaks", expected: .never,
            yaml:
                "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: a, generation: 1}, spec: {}}"
        ),
        Row(
            name: "one that seldom speaks, and did", expected: .ofThisWrite,
            yaml:
                "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: a, generation: 1}, spec: {}, status: {conditions: []}}"
        ),
        Row(
            name: "a route of which nothing is said", expected: .silent,
            yaml:
                "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: a, generation: 1}, spec: {}}"
        ),
        Row(
            name: "a built-in kind without a status", expected: .never,
            yaml:
                "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a, generation: 1}, spec: {}}"),
    ]

    @Test(arguments: rows) func saysWhichWriteItSpeaksAbout(row: Row) throws {
        #expect(
            StatusEvidence.of(try Self.read(row.yaml), since: nil, definesStatus: row.definesStatus) == row.expected)
    }

    @Test func whatIsOlderThanTheWriteIsNotAboutIt() throws {
        let mark = SentMark(try Self.deployment(generation: 3, observed: 2, version: "30"))
        let lagging = try Self.deployment(generation: 2, observed: 2, version: "31")
        let behind = try Self.deployment(generation: 3, observed: 3, version: "29")
        for live in [lagging, behind] {
            #expect(StatusEvidence.of(live, since: mark) == .ofEarlier("it has not been read since it was sent"))
        }
        let another = try Self.deployment(generation: 1, observed: 1, uid: "v", version: "5")
        #expect(StatusEvidence.of(another, since: mark) == .ofThisWrite, "another object of the name begins anew")
        #expect(
            StatusEvidence.of(try Self.deployment(generation: 3, observed: 3, version: "30"), since: mark)
                == .ofThisWrite)
    }

    // MARK: Conditions, as a real server wrote them

    struct Recorded: Decodable {
        struct Step: Decodable {
            var note: String
            var body: JSONValue
        }
        var steps: [Step]

        static func body(_ note: String) throws -> KubernetesObject {
            let file = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "Recorded/deployment-lifecycle.json")
            let recorded = try JSONDecoder().decode(Recorded.self, from: Data(contentsOf: file))
            let step = try #require(recorded.steps.first { $0.note.hasPrefix(note) }, "\(note)")
            return try KubernetesObject(json: step.body)
        }
    }

    private static func assess(_ live: KubernetesObject, after answer: KubernetesObject?) -> HealthAssessment {
        var context = HealthContext(now: HealthExample.now, evidence: SentEvidence())
        if let answer { context.evidence?.marks[answer.reference.identity] = SentMark(answer) }
        return HealthAssessment(of: live, context: context)
    }

    @Test func aDeadlineThatPassesAfterTheWriteCounts() throws {
        let answer = try Recorded.body("an image that never becomes ready")
        let late = try Recorded.body("progress deadline exceeded")
        let assessment = Self.assess(late, after: answer)
        #expect(assessment.value == .failed)
        #expect(assessment.message.contains("ProgressDeadlineExceeded"), "\(assessment.message)")
    }

    /// The way back of one replica: the replica set of before is there and its pod runs, so that the controller has nothing to begin,
    /// and leaves the condition of the release that failed beside the generation of the one that is back.
    @Test func theDeadlineOfTheReleaseBeforeIsNoneOfTheWayBack() throws {
        let answer = try Recorded.body("back to the old image")
        var seen = answer
        seen.status?["observedGeneration"] = .integer(4)
        for pods in [1, 3] as [Int64] {
            seen.spec?["replicas"] = .integer(pods)
            for field in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
                seen.status?[field] = .integer(pods)
            }
            let assessment = Self.assess(seen, after: answer)
            #expect(assessment.value == .progressing, "\(assessment.message)")
            #expect(assessment.message.contains("as it was when it was sent"), "\(assessment.message)")
        }
        #expect(Self.assess(try Recorded.body("healthy again"), after: answer) == HealthAssessment(.healthy))
        // The same words, set again later, are about this write.
        var again = seen
        var conditions = try #require(again.status?["conditions"]?.arrayValue)
        conditions[1]["lastUpdateTime"] = "2026-11-21T09:00:00Z"
        again.status?["conditions"] = .array(conditions)
        #expect(Self.assess(again, after: answer).value == .failed)
    }

    @Test func whatAnotherProcessSentMakesAnOldConditionNoMoreThanTrouble() throws {
        let late = try Recorded.body("progress deadline exceeded")
        #expect(Self.assess(late, after: nil).value == .degraded)
        #expect(HealthAssessment(of: late, context: HealthContext(now: HealthExample.now)).value == .failed)
    }

    @Test func everyStepOfARecordedLifeIsReadAsItWas() throws {
        let expected: [(String, HealthValue)] = [
            ("create", .progressing), ("available", .healthy), ("new image", .progressing), ("rolled", .healthy),
            ("an image that never", .progressing), ("progress deadline", .failed), ("back to the old", .progressing),
            ("healthy again", .healthy), ("crash-looping image", .progressing),
            ("the deployment meanwhile", .progressing),
        ]
        for (note, value) in expected {
            let live = try Recorded.body(note)
            #expect(
                HealthAssessment(of: live, context: HealthContext(now: HealthExample.now)).value == value, "\(note)")
        }
    }

    // MARK: An autoscaler

    private static func autoscaler(_ status: String, replicas: Int = 3) throws -> KubernetesObject {
        try read(
            """
            apiVersion: autoscaling/v2
            kind: HorizontalPodAutoscaler
            metadata: {name: web, namespace: shop, uid: u}
            spec: {maxReplicas: \(replicas)}
            status: \(status)
            """)
    }

    private static let noMetrics =
        "{conditions: [{type: ScalingActive, status: \"False\", reason: FailedGetResourceMetric, lastTransitionTime: \"2026-01-01T00:00:00Z\"}]}"

    @Test func anAutoscalerReadsTheSameASecondAndAMinuteLater() throws {
        for seconds in [0.0, 1, 60, 3_600] {
            let context = HealthContext(now: KubernetesTime(seconds: HealthExample.now.seconds + seconds))
            #expect(HealthAssessment(of: try Self.autoscaler("{}"), context: context).value == .healthy)
            #expect(HealthAssessment(of: try Self.autoscaler(Self.noMetrics), context: context).value == .degraded)
        }
    }

    @Test func anAutoscalerWithoutMetricsBeforeIsNoEvidence() throws {
        let live = try Self.autoscaler(Self.noMetrics)
        var before = FormerTroubles()
        before.note(live, isUnspoken: false)
        var context = HealthContext(now: HealthExample.now, evidence: SentEvidence())
        #expect(HealthAssessment(of: live, context: context).value == .degraded)
        context.evidence?.before = before
        let assessment = HealthAssessment(of: live, context: context)
        #expect(assessment.value == .healthy)
        #expect(assessment.message.contains("not healthy before the release either"), "\(assessment.message)")
        #expect(assessment.message.contains("FailedGetResourceMetric"), "\(assessment.message)")
        #expect(
            HealthAssessment(of: try Self.autoscaler(Self.noMetrics, replicas: 9), context: context).value == .degraded,
            "one that the release changed has to earn its health")
    }

    // MARK: What was so before

    @Test func whatWasSoBeforeCountsFromWhenItWasHealthy() throws {
        let live = try Self.autoscaler(Self.noMetrics)
        let ledger = EvidenceLedger()
        var before = FormerTroubles()
        before.note(live, isUnspoken: false)
        ledger.begin("1 a", before: before)
        func assess(_ object: KubernetesObject) -> HealthValue {
            let context = HealthContext(now: HealthExample.now, evidence: ledger.evidence)
            let assessment = HealthAssessment(of: object, context: context)
            ledger.note(assessment, of: object.reference.identity)
            return assessment.value
        }
        #expect(assess(live) == .healthy, "by leave")
        #expect(assess(live) == .healthy, "which is no health of its own")
        #expect(assess(try Self.autoscaler("{}")) == .healthy)
        #expect(assess(live) == .degraded)
    }

    @Test func aWorkBeginsWithNothingSent() throws {
        let ledger = EvidenceLedger()
        let answer = try Self.deployment(generation: 2, observed: 1)
        ledger.begin("1 a", before: FormerTroubles())
        ledger.sent(answer)
        ledger.begin("1 a", before: FormerTroubles())
        #expect(ledger.evidence.marks.count == 1, "the same work tried again")
        ledger.begin("2 b", before: FormerTroubles())
        #expect(ledger.evidence.marks.isEmpty)
        ledger.found(answer)
        ledger.found(try Self.deployment(generation: 2, observed: 2, version: "99"))
        #expect(ledger.evidence.marks.values.first?.resourceVersion == "10")
        ledger.end()
        ledger.begin("3 c", before: FormerTroubles())
        ledger.end()
        ledger.found(answer)
        #expect(ledger.evidence.marks.isEmpty, "a look for drift is no work")
    }

    @Test func whatWasSoBeforeIsKeptInFewWordsAndRead() throws {
        var before = FormerTroubles()
        for index in 0..<(FormerTroubles.limit + 50) {
            var object = try Self.autoscaler(Self.noMetrics)
            object = try KubernetesObject(
                json: {
                    var json = object.json
                    json["metadata"] = ["name": .string("web-\(index)"), "namespace": "shop"]
                    return json
                }())
            before.note(object, isUnspoken: false)
        }
        let stored = try JSONEncoder().encode(before)
        #expect(stored.count < 64 * 1_024, "it shares a ConfigMap")
        #expect(try JSONDecoder().decode(FormerTroubles.self, from: stored) == before)
        #expect(!before.had(try Self.autoscaler(Self.noMetrics)))
    }

    // MARK: Silence

    private static let silent =
        "{apiVersion: t.example.com/v1, kind: Probe, metadata: {name: kafka, namespace: shop, generation: 1, creationTimestamp: \"2020-01-01T00:00:00Z\"}, spec: {size: 1}}"

    @Test func silenceIsUnknownAtEveryMomentAndNamesTheWaysOut() throws {
        let live = try Self.read(Self.silent)
        for seconds in [0.0, 31, 86_400] {
            let context = HealthContext(now: KubernetesTime(seconds: HealthExample.now.seconds + seconds))
            let assessment = HealthAssessment(of: live, context: context)
            #expect(assessment.value == .unknown)
            #expect(assessment.remark == .silent)
            for words in ["no status", "a release with a check of its own for Probe", "silentControllers: accept"] {
                #expect(assessment.message.contains(words), "\(assessment.message)")
            }
        }
        let accepted = HealthAssessment(
            of: live, context: HealthContext(now: HealthExample.now, silentControllers: .accept))
        #expect(accepted.value == .healthy)
        let summary = HealthSummary(of: [(live.reference, accepted)])
        #expect(summary.value == .healthy)
        #expect(
            summary.message.contains("Probe shop/kafka: its controller has written no status"), "\(summary.message)")
        var before = FormerTroubles()
        before.note(live, isUnspoken: true)
        var context = HealthContext(now: HealthExample.now, evidence: SentEvidence())
        context.evidence?.before = before
        #expect(HealthAssessment(of: live, context: context).value == .healthy, "it was silent before")
        var changed = live
        changed.spec?["size"] = 7
        #expect(
            HealthAssessment(of: changed, context: context).value == .unknown,
            "what the release changed has to be spoken of")
    }

    @Test func silenceStopsNoClockOfOthers() throws {
        let live = try Self.read(Self.silent)
        let silence = HealthAssessment(of: live, context: HealthContext(now: HealthExample.now))
        let busy = ObjectReference(
            type: GroupVersionKind(group: "apps", version: "v1", kind: "Deployment"), name: "web")
        let summary = HealthSummary(of: [
            (live.reference, silence), (busy, HealthAssessment(.progressing, "0 of 1 replicas are ready")),
        ])
        #expect(summary.value == .progressing)
        #expect(summary.message.contains("0 of 1 replicas"), "\(summary.message)")
        let rest = HealthSummary(of: [(live.reference, silence), (busy, HealthAssessment(.healthy))])
        #expect(rest.value == .unknown)
        #expect(rest.message.contains("Probe shop/kafka"), "\(rest.message)")
    }

    @Test func anApplicationsOwnCheckOutranksWhatAControllerLeavesBehind() throws {
        let check = CustomHealthCheck(
            type: GroupKind(group: "t.example.com", kind: "Probe"),
            cases: [.init(.healthy, when: try FieldExpression(parsing: "true"))])
        let context = HealthContext(now: HealthExample.now, checks: [check])
        for status in [
            "{}", "{observedGeneration: -1}", "{conditions: [{type: Stalled, status: \"True\"}]}",
            "{conditions: [{type: Reconciling, status: \"True\"}]}",
        ] {
            let live = try Self.read(
                "{apiVersion: t.example.com/v1, kind: Probe, metadata: {name: p, generation: 1}, spec: {}, status: \(status)}"
            )
            #expect(HealthAssessment(of: live, context: context) == HealthAssessment(.healthy), "\(status)")
        }
        let route = CustomHealthCheck(
            type: GroupKind(group: "gateway.networking.k8s.io", kind: "HTTPRoute"),
            cases: [.init(.healthy, when: try FieldExpression(parsing: "true"))])
        let live = try Self.read(
            "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: w, generation: 1}, spec: {parentRefs: [{name: g}]}}"
        )
        #expect(
            HealthAssessment(of: live, context: HealthContext(now: HealthExample.now, checks: [route])).value
                == .healthy)
    }
}
