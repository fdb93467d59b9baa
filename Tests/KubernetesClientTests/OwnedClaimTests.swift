internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// Claims that the garbage collector deletes with what is pruned: an operator's, and those of a StatefulSet that says so.
@Suite(.timeLimit(.minutes(2))) struct OwnedClaimTests {
    private static let extra = "apiVersion: v1\nkind: Namespace\nmetadata: {name: extra, labels: {a: b}}\n---\n"
    private static let base = Sample.namespace + Sample.definition + Sample.configMap("a")

    /// Makes a claim that is owned by an object, or through one that it owns.
    private func own(
        _ server: SimulatedServer, by owner: KubernetesObject, through middle: GroupVersionKind? = nil
    ) async throws {
        func reference(_ owner: KubernetesObject) -> JSONValue {
            [
                [
                    "apiVersion": .string(owner.apiVersion), "kind": .string(owner.kind), "name": .string(owner.name),
                    "uid": .string(owner.uid ?? ""),
                ]
            ]
        }
        var owner = owner
        if let middle {
            var between = KubernetesObject(type: middle, namespace: owner.namespace, name: "between")
            between.setMetadata("ownerReferences", reference(owner))
            owner = try await server.api.create(between, fieldManager: "operator")
        }
        var claim = KubernetesObject(
            type: GroupVersionKind(version: "v1", kind: "PersistentVolumeClaim"), namespace: owner.namespace,
            name: "data-1")
        claim.spec = ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]
        claim.setMetadata("ownerReferences", reference(owner))
        _ = try await server.api.create(claim, fieldManager: "operator")
    }

    private func brought(
        _ text: String, _ kind: (String, String, String), namespace: String = "shop",
        _ body: @escaping @Sendable (SimulatedServer, KubernetesObject) async throws -> Void
    ) async throws {
        try await SimulatedServer.run { server in
            let result = try await server.applier { $0.waitsForHealth = false }.apply(try Sample.manifest(text))
            #expect(result.succeeded, "\(result.objects)")
            let live = try #require(try await server.live(kind.0, kind.1, kind.2, namespace: namespace))
            try await body(server, live)
        }
    }

    private static let gadget = ("example.com/v1", "Widget", "gadget")

    /// A claim that is itself of the bundle, and is not told to go, does not go with its owner either.
    @Test func theOwnerOfAClaimOfTheBundleStays() async throws {
        let claim =
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data-1}\n"
            + "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\n"
        try await brought(Self.base + claim + Sample.widget, Self.gadget) { server, live in
            var owned = KubernetesObject(
                type: GroupVersionKind(version: "v1", kind: "PersistentVolumeClaim"), namespace: live.namespace,
                name: "data-1")
            owned.setMetadata(
                "ownerReferences",
                [
                    [
                        "apiVersion": .string(live.apiVersion), "kind": .string(live.kind), "name": .string(live.name),
                        "uid": .string(live.uid ?? ""),
                    ]
                ])
            _ = try await server.api.apply(owned, ApplyOptions(fieldManager: "operator"))
            let result = try await server.applier { $0.waitsForHealth = false }.apply(try Sample.manifest(Self.base))
            #expect(result.report("gadget")?.outcome == .kept, "\(result.objects)")
            #expect(try await server.exists("v1", "PersistentVolumeClaim", "data-1"))
        }
    }

    @Test(arguments: [false, true]) func theOwnerOfAClaimStays(isIndirect: Bool) async throws {
        try await brought(Self.base + Sample.widget, Self.gadget) { server, live in
            try await own(server, by: live, through: isIndirect ? configMapType : nil)
            let base = try Sample.manifest(Self.base)
            let applier = server.applier { $0.waitsForHealth = false }
            let told = try await applier.preview(base)
            #expect(told.report("gadget")?.outcome == .kept, "\(told.objects)")
            let result = try await applier.apply(base)
            #expect(result.report("gadget")?.outcome == .kept, "\(result.objects)")
            for words in ["PersistentVolumeClaim shop/data-1", "swell.dev/prune: allow"] {
                #expect(result.report("gadget")?.message.contains(words) == true, "\(result.objects)")
            }
            #expect(try await server.exists("v1", "PersistentVolumeClaim", "data-1"))
            // Nor does all that goes take it along.
            let removed = try await server.applier {
                $0.waitsForHealth = false
                $0.allowsEmpty = true
            }.apply([])
            for name in ["gadget", "shop", "widgets.example.com"] {
                #expect(removed.report(name)?.outcome == .kept, "\(name): \(removed.objects)")
            }
        }
    }

    @Test func aNamespaceThatTheReleaseBroughtWithIt() async throws {
        let widget = Sample.widget.replacing("name: gadget", with: "name: gadget, namespace: extra")
        try await brought(Self.base + Self.extra + widget, Self.gadget, namespace: "extra") { server, live in
            try await own(server, by: live)
            let result = try await server.applier { $0.waitsForHealth = false }.apply(try Sample.manifest(Self.base))
            #expect(result.report("gadget")?.outcome == .kept, "\(result.objects)")
            #expect(result.report("extra")?.outcome == .kept, "\(result.objects)")
            #expect(try await server.exists("v1", "PersistentVolumeClaim", "data-1", namespace: "extra"))
        }
    }

    @Test func itGoesWhereTheReleaseAllowedIt() async throws {
        let widget = Sample.widget.replacing(
            "name: gadget", with: "name: gadget, annotations: {swell.dev/prune: allow}")
        try await brought(Self.base + widget, Self.gadget) { server, live in
            try await own(server, by: live)
            let result = try await server.applier { $0.waitsForHealth = false }.apply(try Sample.manifest(Self.base))
            #expect(result.report("gadget")?.outcome == .pruned, "\(result.objects)")
        }
    }

    /// Somebody put it on the claim, whatever the release says of the owner.
    @Test func theOwnerOfAClaimThatIsToStayStaysThoughTheReleaseAllowedIt() async throws {
        let widget = Sample.widget.replacing(
            "name: gadget", with: "name: gadget, annotations: {swell.dev/prune: allow}")
        try await brought(Self.base + widget, Self.gadget) { server, live in
            try await own(server, by: live)
            let claim = try #require(try await server.live("v1", "PersistentVolumeClaim", "data-1"))
            _ = try await server.api.patch(
                claim.reference, .merge(["metadata": ["annotations": ["swell.dev/prune": "keep"]]]),
                fieldManager: "kubectl-annotate")
            let base = try Sample.manifest(Self.base)
            let applier = server.applier { $0.waitsForHealth = false }
            let result = try await applier.apply(base)
            #expect(result.report("gadget")?.outcome == .kept, "\(result.objects)")
            #expect(result.message("gadget").contains("data-1"), "\(result.objects)")
            _ = try await server.api.patch(
                claim.reference, .merge(["metadata": ["annotations": ["swell.dev/prune": nil]]]),
                fieldManager: "kubectl-annotate")
            #expect(try await applier.apply(base).report("gadget")?.outcome == .pruned)
        }
    }

    /// Whoever's word it is: a chart's templates of claims have Helm's.
    @Test(arguments: [
        ("helm.sh/resource-policy", " Keep"), ("argocd.argoproj.io/sync-options", "Delete=false"),
        ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
    ]) func theWordsOfOthersOnAClaimKeepItsOwnerToo(key: String, value: String) async throws {
        let set = Self.set("Delete").replacing("{name: db}", with: "{name: db, annotations: {swell.dev/prune: allow}}")
        try await brought(Self.base + set, ("apps/v1", "StatefulSet", "db")) { server, live in
            try await own(server, by: live)
            let claim = try #require(try await server.live("v1", "PersistentVolumeClaim", "data-1"))
            _ = try await server.api.patch(
                claim.reference, .merge(["metadata": ["annotations": [key: .string(value)]]]), fieldManager: "operator")
            let base = try Sample.manifest(Self.base)
            let applier = server.applier { $0.waitsForHealth = false }
            #expect(try await applier.preview(base).report("db")?.outcome == .kept)
            let result = try await applier.apply(base)
            #expect(result.report("db")?.outcome == .kept, "\(result.objects)")
            #expect(result.message("db").contains("annotated \(key): "), "\(result.objects)")
            _ = try await server.api.patch(
                claim.reference, .merge(["metadata": ["annotations": [key: nil]]]), fieldManager: "operator")
            #expect(try await applier.apply(base).report("db")?.outcome == .pruned)
        }
    }

    private static func set(_ policy: String) -> String {
        """
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: db}
        spec:
          serviceName: db
          replicas: 0
          persistentVolumeClaimRetentionPolicy: {whenDeleted: \(policy), whenScaled: Retain}
          selector: {matchLabels: {app: db}}
          template: {metadata: {labels: {app: db}}, spec: {containers: [{name: app, image: "app:1"}]}}
        ---

        """
    }

    @Test(arguments: ["Delete", "Retain"]) func aStatefulSetWhoseClaimsGoWithIt(policy: String) async throws {
        let set = Self.set(policy)
        try await brought(Self.base + set, ("apps/v1", "StatefulSet", "db")) { server, live in
            // As the real controller does.
            if policy == "Delete" { try await own(server, by: live) }
            let result = try await server.applier { $0.waitsForHealth = false }.apply(try Sample.manifest(Self.base))
            #expect(result.report("db")?.outcome == (policy == "Delete" ? .kept : .pruned), "\(result.objects)")
        }
    }

    @Test func aClaimThatIsAPodsOwnHoldsNothing() async throws {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: 'c:1'}]}\n---\n"
        try await brought(Self.base + Sample.widget + pod, ("v1", "Pod", "p")) { server, live in
            try await own(server, by: live)
            let result = try await server.applier { $0.waitsForHealth = false }.apply(try Sample.manifest(Self.base))
            for name in ["gadget", "p"] {
                #expect(result.report(name)?.outcome == .pruned, "\(result.objects)")
            }
        }
    }
}
