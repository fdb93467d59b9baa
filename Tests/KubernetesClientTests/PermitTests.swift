internal import KubernetesObjects
internal import KubernetesSimulator
internal import Testing

@testable internal import KubernetesClient

private func reference(_ kind: String, _ name: String) -> ObjectReference {
    ObjectReference(type: GroupVersionKind(version: "v1", kind: kind), namespace: "shop", name: name)
}

/// What lets the agent do more comes from releases alone: whoever may edit one object on a cluster widens nothing. What holds it
/// back counts whoever says it.
@Suite(.timeLimit(.minutes(2))) struct PermitTests {
    private func claim(_ annotations: String = "{}") -> String {
        """
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: data, annotations: \(annotations)}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
        ---

        """
    }

    private func space(_ annotations: String = "{}") -> String {
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: extra, annotations: \(annotations)}\n---\n"
    }

    private let base = Sample.namespace + Sample.configMap("a")
    private static let allow = "{swell.dev/prune: allow}"

    /// Applies manifests one after another, lets somebody annotate an object on the cluster before the last, and gives its result.
    private func applying(
        _ steps: [String], byHand: (reference: ObjectReference, annotations: [String: JSONValue])? = nil,
        _ check: @escaping @Sendable (SimulatedServer, BundleResult) async throws -> Void
    ) async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier { $0.waitsForHealth = false }
            var last: BundleResult?
            for (index, step) in steps.enumerated() {
                if index == steps.count - 1, let byHand {
                    _ = try await server.api.patch(
                        byHand.reference, .merge(["metadata": ["annotations": .object(byHand.annotations)]]),
                        fieldManager: "kubectl-annotate")
                }
                let result = try await applier.apply(try Sample.manifest(step))
                #expect(result.succeeded, "\(result.failures)")
                last = result
            }
            try await check(server, try #require(last))
        }
    }

    private let data = reference("PersistentVolumeClaim", "data")

    @Test func aHandOnTheClusterAllowsNoDeletionOfData() async throws {
        try await applying([base + claim(), base], byHand: (data, ["swell.dev/prune": "allow"])) { server, result in
            #expect(result.report("data")?.outcome == .kept, "\(result.objects)")
            let exists = try await server.exists("v1", "PersistentVolumeClaim", "data")
            #expect(exists)
        }
    }

    @Test func aReleaseAllowsItUntilAnotherDoesNot() async throws {
        try await applying([base + claim(Self.allow), base]) { server, result in
            #expect(result.report("data")?.outcome == .pruned, "\(result.objects)")
        }
        let steps = [base + claim(Self.allow), base + claim(), base]
        try await applying(steps, byHand: (data, ["swell.dev/prune": "allow"])) { server, result in
            #expect(result.report("data")?.outcome == .kept, "\(result.objects)")
        }
        // What a release took out of itself without allowing it, a later one may allow.
        try await applying([base + claim(), base, base + claim(Self.allow), base]) { server, result in
            #expect(result.report("data")?.outcome == .pruned, "\(result.objects)")
        }
    }

    @Test func aHandOnTheClusterNamesNothingThatGoesWithANamespace() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(base + space()))
            var theirs = KubernetesObject(type: configMapType, namespace: "extra", name: "theirs")
            theirs["data"] = ["a": "b"]
            _ = try await server.api.create(theirs, fieldManager: "ada")
            _ = try await server.api.patch(
                ObjectReference(
                    type: GroupVersionKind(version: "v1", kind: "Namespace"), namespace: nil, name: "extra"),
                .merge(["metadata": ["annotations": ["swell.dev/namespace-defaults": "ConfigMap/theirs"]]]),
                fieldManager: "kubectl-annotate")
            let result = try await server.applier { $0.settleTimeout = .seconds(2) }.apply(try Sample.manifest(base))
            #expect(result.report("extra")?.outcome == .kept, "\(result.objects)")
        }
    }

    @Test func whatReleasesAllowIsKeptWithTheInventory() async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier { $0.waitsForHealth = false }
            let store = InventoryStore(api: server.api, options: applier.options)
            let named = "{swell.dev/namespace-defaults: 'ConfigMap/b, ConfigMap/a'}"
            _ = try await applier.apply(try Sample.manifest(base + space(named) + claim(Self.allow)))
            let permits = try await store.read().permits
            #expect(permits.withData.references.map(\.name) == ["data"])
            #expect(permits.namespaceDefaults.map(\.value) == [["ConfigMap/a", "ConfigMap/b"]])
            // What could not be applied allows nothing new, and what a release no longer says ends before it is applied.
            let broken = Sample.configMap("broken").replacing("\ndata:", with: "\ndat:")
            _ = try await applier.apply(try Sample.manifest(base + space() + claim() + broken))
            let ended = try await store.read().permits
            #expect(ended == Permits())
        }
    }

    /// An inventory of an earlier version does not say what was allowed: nothing is, until it is said again.
    @Test func anInventoryWithoutNotesAllowsNothing() async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier { $0.waitsForHealth = false }
            let (with, without) = (try Sample.manifest(base + claim(Self.allow)), try Sample.manifest(base))
            let inventory = InventoryStore(api: server.api, options: applier.options).reference
            for isSaidAgain in [false, true] {
                _ = try await applier.apply(with)
                _ = try await server.api.patch(
                    inventory, .merge(["data": ["deletable": nil, "namespaceDefaults": nil]]))
                if isSaidAgain { _ = try await applier.apply(with) }
                let result = try await applier.apply(without)
                #expect(result.report("data")?.outcome == (isSaidAgain ? .pruned : .kept), "\(result.objects)")
            }
        }
    }

    @Test(arguments: [
        ("swell.dev/prune", "keep"), ("helm.sh/resource-policy", "keep"),
        ("kustomize.toolkit.fluxcd.io/prune", "Disabled"), ("client.lifecycle.config.k8s.io/deletion", "detach"),
        ("argocd.argoproj.io/sync-options", "Validate=false,Prune=false"),
        ("argocd.argoproj.io/sync-options", "Delete=confirm"),
    ])
    func whatHoldsBackCountsWhoeverSaysIt(key: String, value: String) async throws {
        let kept = Sample.configMap("kept")
        try await applying([base + kept, base], byHand: (reference("ConfigMap", "kept"), [key: .string(value)])) {
            server, result in
            #expect(result.report("kept")?.outcome == .kept, "\(result.objects)")
            #expect(result.report("kept")?.message.contains(key) == true)
        }
    }
}
