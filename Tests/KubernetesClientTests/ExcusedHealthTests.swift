internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// What was not healthy before either speaks neither against a set nor for it.
@Suite struct ExcusedHealthTests {
    private static func read(_ yaml: String) throws -> KubernetesObject {
        try KubernetesObject(json: YAMLReader.document(in: yaml, file: "test").root.json)
    }

    private static func deployment(_ name: String, ready: Int, of wanted: Int = 2) throws -> KubernetesObject {
        try read(
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: \(name), namespace: shop, generation: 1}
            spec: {replicas: \(wanted)}
            status:
              observedGeneration: 1
              replicas: \(wanted)
              updatedReplicas: \(wanted)
              readyReplicas: \(ready)
              availableReplicas: \(ready)
              conditions: [{type: Available, status: "\(ready == wanted ? "True" : "False")"}]
            """)
    }

    /// What is healthy by being there, or ended long ago.
    private static let inert = [
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: b}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: a}, status: {phase: Active}}",
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: ClusterIP}, status: {loadBalancer: {}}}",
        "{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {}, status: {conditions: [{type: Complete, status: \"True\"}]}}",
        "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: a, generation: 1}, spec: {}}",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: z, generation: 1}, spec: {replicas: 0}, status: {observedGeneration: 1, conditions: [{type: Available, status: \"True\"}]}}",
    ]

    private static func sum(_ objects: [KubernetesObject], before: FormerTroubles) -> HealthSummary {
        var context = HealthContext(now: HealthExample.now, evidence: SentEvidence())
        context.evidence?.before = before
        return HealthSummary(of: objects.map { ($0.reference, HealthAssessment(of: $0, context: context)) })
    }

    @Test func aSetOfWhichAllThatRunsIsExcusedIsUnknown() throws {
        let down = [try Self.deployment("web", ready: 0), try Self.deployment("api", ready: 0)]
        var before = FormerTroubles()
        for object in down { before.note(object, isUnspoken: false) }
        let inert = try Self.inert.map(Self.read)
        let summary = Self.sum(down + inert, before: before)
        #expect(summary.value == .unknown)
        #expect(summary.doubt == .unproven)
        for words in ["Deployment shop/web: not healthy before", "0 of 2", "(and 1 more)", "has to become healthy"] {
            #expect(summary.message.contains(words), "\(summary.message)")
        }
        let proven = Self.sum(down + inert + [try Self.deployment("db", ready: 2)], before: before)
        #expect(proven.value == .healthy && proven.doubt == nil)
        #expect(proven.message.contains("Deployment shop/web: not healthy before"), "\(proven.message)")
        let late = Self.sum(down + [try Self.deployment("db", ready: 1)], before: before)
        #expect(late.value == .progressing && late.doubt == nil, "whose deadline runs")
    }

    @Test func aSetOfWhichNothingRunsAndNothingIsExcusedIsHealthy() throws {
        let summary = Self.sum(try Self.inert.map(Self.read), before: FormerTroubles())
        #expect(summary.value == .healthy && summary.doubt == nil)
        #expect(summary.message.isEmpty, "\(summary.message)")
        // Of one that never speaks, and is to be as it was, no word is to be had.
        let silent = try Self.read(
            "{apiVersion: t.example.com/v1, kind: Probe, metadata: {name: kafka, namespace: shop, generation: 1}, spec: {}}"
        )
        var before = FormerTroubles()
        before.note(silent, isUnspoken: true)
        #expect(Self.sum([silent], before: before).value == .healthy)
    }
}
