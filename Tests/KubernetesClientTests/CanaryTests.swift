internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// Flagger's canaries. What its controller writes, and when, is as its v1.4x does it: the phase with a hash of the target's pod
/// template (`lastAppliedSpec`) once it has looked, every so often; nothing at all where the target is again what it promoted last.
@Suite struct CanaryTests {
    private static func read(_ yaml: String) throws -> KubernetesObject {
        try KubernetesObject(json: YAMLReader.document(in: yaml, file: "test").root.json)
    }

    private static let definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: canaries.flagger.app}
        spec:
          group: flagger.app
          scope: Namespaced
          names: {kind: Canary, listKind: CanaryList, plural: canaries, singular: canary}
          versions:
          - name: v1beta1
            served: true
            storage: true
            subresources: {status: {}}
            schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        ---

        """

    private static func canary(_ phase: String, applied: String, target: String = "web") throws -> KubernetesObject {
        try read(
            """
            apiVersion: flagger.app/v1beta1
            kind: Canary
            metadata: {name: web, namespace: shop, uid: c, generation: 1}
            spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: \(target)}}
            status: {phase: \(phase), canaryWeight: 0, lastAppliedSpec: "\(applied)", lastPromotedSpec: "1", conditions: [{type: Promoted, status: "True", reason: \(phase), message: said}]}
            """)
    }

    private static func deployment(_ image: String, _ generation: Int = 1, replicas: Int = 0) throws -> KubernetesObject
    {
        try read(
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web, namespace: shop, uid: w, generation: \(generation)}
            spec: {replicas: \(replicas), progressDeadlineSeconds: 600, template: {spec: {containers: [{name: app, image: "\(image)"}]}}}
            status:
              observedGeneration: \(generation)
              conditions: [{type: Available, status: "True"}, {type: Progressing, status: "True", reason: NewReplicaSetAvailable}]
            """)
    }

    /// The evidence after a release that found a canary and sent its target.
    private static func evidence(
        found phase: String, isReturn: Bool = false, isResumed: Bool = false, from: String = "a:1", to: String = "a:2"
    ) throws -> SentEvidence {
        let ledger = EvidenceLedger()
        ledger.begin("2 b", before: FormerTroubles(), isResumed: isResumed, isReturn: isReturn)
        let canary = try canary(phase, applied: "1")
        ledger.heard(canary)
        ledger.sent(try deployment(to, from == to ? 1 : 2), over: try deployment(from))
        ledger.found(canary)
        return ledger.evidence
    }

    private static func assess(_ object: KubernetesObject, _ evidence: SentEvidence) -> HealthAssessment {
        HealthAssessment(of: object, context: HealthContext(now: HealthExample.now, evidence: evidence))
    }

    @Test(arguments: ["Succeeded", "Initialized", "Failed"])
    func whatACanarySaysOfAFormerRevisionDoesNotCount(phase: String) throws {
        let evidence = try Self.evidence(found: phase)
        let stale = Self.assess(try Self.canary(phase, applied: "1"), evidence)
        #expect(stale.value == .progressing, "\(stale)")
        #expect(stale.message.contains("has not looked at the present revision of web yet"), "\(stale)")
        #expect(Self.assess(try Self.canary("Progressing", applied: "2"), evidence).value == .progressing)
        #expect(Self.assess(try Self.canary("Succeeded", applied: "2"), evidence) == HealthAssessment(.healthy))
        #expect(Self.assess(try Self.canary("Failed", applied: "2"), evidence).value == .degraded)
    }

    @Test func aTargetWhosePodsAreTheSameIsNotLookedAtAgain() throws {
        let same = try Self.evidence(found: "Succeeded", to: "a:1")
        #expect(Self.assess(try Self.canary("Succeeded", applied: "1"), same).value == .healthy)
        let other = try Self.evidence(found: "Succeeded")
        #expect(Self.assess(try Self.canary("Succeeded", applied: "1", target: "api"), other).value == .healthy)
        // Of what another process sent nobody knows which revision was spoken of before.
        let resumed = try Self.evidence(found: "Succeeded", isResumed: true)
        let unheard = Self.assess(try Self.canary("Succeeded", applied: "1"), resumed)
        #expect(unheard.value == .unknown && unheard.message.contains("is not known"), "\(unheard)")
    }

    /// Flagger analyses no target that is again what it promoted last: its canary says for good how the one between fared.
    @Test(arguments: ["Succeeded", "Initialized", "Failed"])
    func goingBackToWhatWasPromotedIsNotWaitedFor(phase: String) throws {
        let evidence = try Self.evidence(found: phase, isReturn: true)
        let back = Self.assess(try Self.canary(phase, applied: "1"), evidence)
        #expect(back.value == .healthy && back.remark == .accepted, "\(back)")
        #expect(back.message.contains("web is again what was promoted last"), "\(back)")
    }

    /// While a gate is asked, Flagger writes the phase alone (`SetStatusPhase`): the hash beside it is the former one until it opens.
    @Test(arguments: ["Waiting", "WaitingPromotion"]) func aGateThatIsAskedWaitsForPeople(phase: String) throws {
        let evidence = try Self.evidence(found: "Succeeded")
        #expect(Self.assess(try Self.canary(phase, applied: "1"), evidence).value == .suspended)
        #expect(Self.assess(try Self.canary(phase, applied: "2"), evidence).value == .suspended)
    }

    /// Whatever Flagger makes of a target that comes back, what serves meanwhile is the primary that it promoted.
    @Test(
        arguments: ["Waiting", "WaitingPromotion", "Progressing", "Promoting", "Finalising", "Failed"], ["1", "2"])
    func theWayBackIsHeldUpByNoPhase(phase: String, applied: String) throws {
        let evidence = try Self.evidence(found: "Waiting", isReturn: true, from: "a:2", to: "a:1")
        let back = Self.assess(try Self.canary(phase, applied: applied), evidence)
        #expect(back.value == .healthy && back.remark == .accepted, "\(back)")
        #expect(back.message.contains("what was promoted last"), "\(back)")
    }

    @Test func whereNothingWasPromotedYetNothingServesOnTheWayBack() throws {
        let evidence = try Self.evidence(found: "Initializing", isReturn: true)
        var canary = try Self.canary("Initializing", applied: "1")
        #expect(Self.assess(canary, evidence).value == .progressing)
        canary = try Self.canary("Progressing", applied: "2")
        try canary.set("", at: FieldPath(parsing: "status.lastPromotedSpec"))
        #expect(Self.assess(canary, evidence).value == .progressing)
    }

    /// Flagger tracks what the target's pods read: it looks again though their template, and so the revision that it names, is the same.
    @Test(arguments: ["changed", "same", "new"]) func whatThePodsReadIsLookedAtToo(what: String) async throws {
        try await SimulatedServer.run { server in
            @Sendable func bundle(_ value: String) throws -> [KubernetesObject] {
                let web = Sample.deployment("web").replacing(
                    "image: \"app:1\"", with: "image: \"app:1\", envFrom: [{configMapRef: {name: settings}}]")
                return try Sample.manifest(
                    Sample.namespace + Self.definition + Sample.configMap("settings", value) + web
                        + "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: web}\n"
                        + "spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n")
            }
            @Sendable func applier(_ ledger: EvidenceLedger) -> BundleApplier {
                server.applier {
                    $0.waitsForHealth = false
                    $0.evidence = ledger
                }
            }
            let reference = ObjectReference(
                type: GroupVersionKind(apiVersion: "flagger.app/v1beta1", kind: "Canary"), namespace: "shop",
                name: "web")
            @Sendable func says(_ phase: String, at time: String, revision: String = "1") async throws {
                _ = try await server.api.patch(
                    reference,
                    .merge([
                        "status": [
                            "phase": .string(phase), "lastAppliedSpec": .string(revision), "lastPromotedSpec": "1",
                            "lastTransitionTime": .string(time),
                        ]
                    ]), subresource: "status")
            }
            @Sendable func assessment(_ ledger: EvidenceLedger) async throws -> HealthValue? {
                try await server.api.get(reference).map { Self.assess($0, ledger.evidence).value }
            }
            let first = EvidenceLedger()
            first.begin("1 a", before: FormerTroubles())
            #expect(try await applier(first).apply(try bundle("1")).succeeded)
            try await says("Succeeded", at: "2026-01-01T00:00:00Z")
            if what == "new" {
                let web = try #require(try await server.live("apps/v1", "Deployment", "web"))
                _ = try await server.api.delete(web.reference)
                while try await server.api.get(web.reference) != nil { await Task.yield() }
            }
            let second = EvidenceLedger()
            second.begin("2 b", before: FormerTroubles())
            #expect(try await applier(second).apply(try bundle(what == "changed" ? "2" : "1")).succeeded)
            #expect(try await assessment(second) == (what == "same" ? .healthy : .progressing))
            try await says("Progressing", at: "2026-01-01T00:01:00Z")
            #expect(try await assessment(second) == .progressing)
            try await says("Succeeded", at: "2026-01-01T00:05:00Z")
            #expect(try await assessment(second) == .healthy)
        }
    }

    @Test func aTargetThatFlaggerScaledToNoneIsWellAndNoProof() throws {
        let assessment = Self.assess(try Self.deployment("a:2", 2), try Self.evidence(found: "Succeeded"))
        #expect(assessment.value == .healthy && assessment.remark == .inert, "\(assessment)")
    }

    // MARK: Who scales what

    @Test(
        arguments: [
            (
                "{apiVersion: flagger.app/v1beta1, kind: Canary, metadata: {name: c, namespace: shop}, spec: {targetRef: {kind: Deployment, name: web}}}",
                "web"
            ),
            (
                "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: c, namespace: shop}, spec: {workloadRef: {kind: Deployment, name: web, scaleDown: onsuccess}}}",
                "web"
            ),
            (
                "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: c, namespace: shop}, spec: {workloadRef: {kind: Deployment, name: web, scaleDown: never}}}",
                nil
            ),
            (
                "{apiVersion: other.example.com/v1, kind: Canary, metadata: {name: c, namespace: shop}, spec: {targetRef: {kind: Deployment, name: web}}}",
                nil
            ),
        ] as [(String, String?)])
    func whoRunsAnotherInItsPlaceScalesIt(yaml: String, target: String?) throws {
        #expect(try Self.read(yaml).scaleTarget?.name == target)
    }

    /// Played on a cluster: the target is created as the manifest says, and scaled by Flagger from then on.
    @Test func replicasOfATargetAreFlaggers() async throws {
        try await SimulatedServer.run { server in
            @Sendable func bundle(_ image: String) throws -> [KubernetesObject] {
                try Sample.manifest(
                    Sample.namespace + Self.definition + Sample.deployment("web", image: image)
                        + "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: web}\n"
                        + "spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n")
            }
            let applier = server.applier { $0.waitsForHealth = false }
            #expect(try await applier.apply(try bundle("app:1")).succeeded)
            let web = try #require(try await server.live("apps/v1", "Deployment", "web"))
            #expect(web.spec?["replicas"] != 0)
            _ = try await server.api.patch(web.reference, .merge(["spec": ["replicas": 0]]), fieldManager: "flagger")
            let looked = try await applier.differences(from: try bundle("app:1"))
            #expect(looked.objects.allSatisfy { $0.outcome == .unchanged }, "\(looked.objects)")
            #expect(try await applier.apply(try bundle("app:2")).succeeded)
            #expect(try await server.live("apps/v1", "Deployment", "web")?.spec?["replicas"] == 0)
        }
    }
}
