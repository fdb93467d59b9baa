internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// What ends and goes by itself beside Jobs: it is not run again to put others' changes right, and not missed.
@Suite(.timeLimit(.minutes(2))) struct EndedWorkTests {
    private static let definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: workflows.argoproj.io}
        spec:
          group: argoproj.io
          scope: Namespaced
          names: {plural: workflows, singular: workflow, kind: Workflow, listKind: WorkflowList}
          versions:
          - name: v1alpha1
            served: true
            storage: true
            schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        ---

        """

    private static let workflow = """
        apiVersion: argoproj.io/v1alpha1
        kind: Workflow
        metadata: {name: migrate}
        spec: {entrypoint: main}
        ---

        """

    private static func pod(_ policy: String = "Never") -> String {
        "apiVersion: v1\nkind: Pod\nmetadata: {name: seed}\nspec: {restartPolicy: \(policy), containers: [{name: c, image: 'c:1'}]}\n---\n"
    }

    private func applier(
        _ server: SimulatedServer, _ ledger: EvidenceLedger, _ change: (inout BundleOptions) -> Void = { _ in }
    ) -> BundleApplier {
        server.applier {
            $0.waitsForHealth = false
            $0.evidence = ledger
            change(&$0)
        }
    }

    @Test func aWorkflowThatHasGoneIsNotRunAgain() async throws {
        try await SimulatedServer.run { server in
            let ledger = EvidenceLedger()
            let objects = try Sample.manifest(Sample.namespace + Self.definition + Self.workflow)
            let brought = try await applier(server, ledger).apply(objects)
            #expect(brought.succeeded, "\(brought.objects)")
            let live = try #require(try await server.live("argoproj.io/v1alpha1", "Workflow", "migrate"))
            _ = try await server.api.patch(live.reference, .merge(["status": ["phase": "Succeeded"]]))
            _ = try await server.api.delete(live.reference)
            let looked = try await applier(server, ledger).differences(from: objects)
            #expect(looked.report("migrate")?.outcome == .unchanged, "\(looked.objects)")
            let put = try await applier(server, ledger) { $0.repeatsFinishedJobs = false }.apply(objects)
            #expect(put.report("migrate")?.outcome == .unchanged, "\(put.objects)")
            // A release that wants it runs it.
            let again = try await applier(server, ledger).apply(objects)
            #expect(again.report("migrate")?.outcome == .created, "\(again.objects)")
        }
    }

    @Test(arguments: [true, false]) func aPodIsMissedUnlessItHasDoneItsWork(hasEnded: Bool) async throws {
        try await SimulatedServer.run { server in
            let ledger = EvidenceLedger()
            let objects = try Sample.manifest(Sample.namespace + Self.pod(hasEnded ? "Never" : "Always"))
            #expect(try await applier(server, ledger).apply(objects).succeeded)
            let reference = try #require(try await server.live("v1", "Pod", "seed")).reference
            if hasEnded {
                _ = try await server.api.patch(
                    reference, .merge(["status": ["phase": "Succeeded"]]), fieldManager: "kubelet",
                    subresource: "status")
            }
            let seen = try await applier(server, ledger).differences(from: objects)
            #expect(seen.report("seed")?.outcome == .unchanged, "\(seen.objects)")
            _ = try await server.api.delete(reference)
            try await server.api.poll(every: .milliseconds(50), atMost: .seconds(40), what: "the pod to be gone") {
                try await server.api.get(reference) == nil
            }
            let looked = try await applier(server, ledger).differences(from: objects)
            #expect(looked.report("seed")?.outcome == (hasEnded ? .unchanged : .created), "\(looked.objects)")
        }
    }

    // MARK: What watches tell

    private static func read(_ yaml: String) throws -> KubernetesObject {
        try KubernetesObject(json: YAMLReader.document(in: yaml, file: "x").root.json)
    }

    private func afterwards(_ last: String) throws -> HealthAssessment {
        let object = try Self.read(last)
        var watched = WatchedObjects()
        let selection = ObjectSelection(type: object.type, namespace: "shop")
        watched.take(.listed([object]), of: selection)
        watched.take(.changed(.removed(object)), of: selection)
        return watched.assess(object, context: HealthContext(now: HealthExample.now))
    }

    @Test(arguments: [
        ("v1 Pod", "phase: Succeeded", HealthValue.healthy), ("v1 Pod", "phase: Running", .progressing),
        ("v1 Pod", "phase: Failed", .progressing),
        ("argoproj.io/v1alpha1 Workflow", "phase: Succeeded", .healthy),
        ("argoproj.io/v1alpha1 Workflow", "phase: Failed", .failed),
        ("argoproj.io/v1alpha1 Workflow", "phase: Running", .progressing),
        ("tekton.dev/v1 PipelineRun", "conditions: [{type: Succeeded, status: \"True\"}]", .healthy),
        ("tekton.dev/v1 PipelineRun", "conditions: [{type: Succeeded, status: \"False\"}]", .failed),
        ("example.com/v1 Widget", "phase: Succeeded", .progressing),
    ])
    func whatHasEndedAndGoneIsAsItEnded(type: String, status: String, value: HealthValue) throws {
        let parts = type.split(separator: " ")
        let assessment = try afterwards(
            "apiVersion: \(parts[0])\nkind: \(parts[1])\nmetadata: {name: a, namespace: shop}\nspec: {}\nstatus: {\(status)}"
        )
        #expect(assessment.value == value, "\(assessment)")
    }

    @Test func aPodThatAnotherMadeIsNoWorkOfTheRelease() throws {
        let pod =
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: j, uid: u}]}\nstatus: {phase: Succeeded}"
        #expect(try afterwards(pod).value == .progressing)
    }
}
