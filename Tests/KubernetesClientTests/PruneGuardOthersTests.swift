internal import KubernetesObjects
internal import KubernetesSimulator
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

/// What is others' by now, or not to be looked at.
extension PruneGuardTests {
    @Test func neverANamespaceOfOthersThatWasOnlyMeantToBeApplied() async throws {
        let theirs = "apiVersion: v1\nkind: Namespace\nmetadata: {name: theirs, labels: {team: %}}\n---\n"
        try await SimulatedServer.run { server in
            for object in try Sample.manifest(theirs.replacing("%", with: "a")) {
                _ = try await server.api.create(object, fieldManager: "terraform")
            }
            #expect(try await server.applier().apply(try Sample.manifest(Sample.namespace)).succeeded)
            let refused = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + theirs.replacing("%", with: "b")))
            #expect(refused.report("theirs")?.outcome == .failed, "\(refused.objects)")
            let back = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            #expect(back.report("theirs")?.outcome == .kept, "\(back.objects)")
            let live = try await server.live("v1", "Namespace", "theirs", namespace: nil)
            #expect(live != nil && live?.deletionTimestamp == nil)
        }
    }

    @Test func neverADefinitionThatIsNotShownAnyMore() async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier {
                $0.waitsForHealth = false
                $0.allowsEmpty = true
                $0.settleTimeout = .seconds(2)
            }
            #expect(try await applier.apply(try Sample.manifest(Sample.namespace + Sample.definition)).succeeded)
            let definition = try await server.live(
                "apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.example.com", namespace: nil)
            let live = try #require(definition)
            let hidden = JSONPatch([.replace(path: "/spec/versions/0/served", value: false)])
            _ = try await server.api.patch(live.reference, .json(hidden))
            let result = try await applier.apply([])
            #expect(result.report("widgets.example.com")?.outcome == .kept, "\(result.objects)")
        }
    }

    @Test func neverAnythingWhenTheNewSetIsEmptyUnlessToldSo() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace + Sample.configMap("a")))
            for isPreview in [false, true] {
                let error = await #expect(throws: KubernetesError.self) {
                    if isPreview { return try await server.applier().preview([]) }
                    return try await server.applier().apply([])
                }
                #expect(error?.message.hasPrefix("the new set is empty; 2 objects are kept") == true)
            }
            #expect(try await server.exists("v1", "ConfigMap", "a"))
            #expect(try await stored(server) == ["shop", "a"])
            let told = try await server.applier { $0.allowsEmpty = true }.apply([])
            #expect(told.objects.allSatisfy { $0.outcome == .pruned }, "\(told.objects)")
        }
    }

    @Test func neverAnObjectThatHasBecomeSomebodyElses() async throws {
        try await pruning(Sample.namespace + Sample.configMap("a"), to: Sample.namespace) { server in
            var object = try #require(try Sample.manifest(Sample.configMap("a", "theirs")).first)
            object.namespace = "shop"
            _ = try await server.api.apply(object, ApplyOptions(fieldManager: "helm", force: true))
        } then: { (server, result) async throws in
            #expect(result.report("a")?.outcome == .kept)
            #expect(result.report("a")?.message == "swell no longer manages any field of it")
            #expect(try await server.exists("v1", "ConfigMap", "a"))
        }
    }

    @Test func neverANamespaceOfKubernetesOwn() async throws {
        try await pruning(
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-public, labels: {a: b}}\n---\n" + Sample.namespace,
            to: Sample.namespace
        ) { (server, result) async throws in
            #expect(result.report("kube-public")?.outcome == .kept)
            let live = try await server.live("v1", "Namespace", "kube-public", namespace: nil)
            #expect(live?.deletionTimestamp == nil)
        }
    }

    @Test func aCustomResourceIsGoneBeforeWhatHandlesItsFinalizer() async throws {
        let widget = Sample.widget.replacing("name: gadget", with: "name: gadget, finalizers: [example.com/clean]")
        try await SimulatedServer.run { server in
            let applier = server.applier {
                $0.waitsForHealth = false
                $0.allowsEmpty = true
                $0.settleTimeout = .seconds(20)
            }
            let text = Sample.namespace + Sample.definition + widget + Sample.deployment("controller")
            #expect(try await applier.apply(try Sample.manifest(text)).succeeded)
            // The controller: it ends what is marked while its Deployment is there.
            let controller = Task {
                while !Task.isCancelled {
                    if let live = try await server.live("example.com/v1", "Widget", "gadget"),
                        live.deletionTimestamp != nil,
                        try await server.exists("apps/v1", "Deployment", "controller")
                    {
                        _ = try await server.api.patch(live.reference, .merge(["metadata": ["finalizers": []]]))
                        return
                    }
                    try await Task.sleep(for: .milliseconds(300))
                }
            }
            let result = try await applier.apply([])
            controller.cancel()
            #expect(result.objects.allSatisfy { $0.outcome == .pruned }, "\(result.objects)")
            try await server.api.poll(every: .milliseconds(50), atMost: .seconds(10), what: "all to be gone") {
                try await server.exists("v1", "Namespace", "shop", namespace: nil) == false
            }
        }
    }

    @Test func whatIsStillTerminatingIsToldWithItsFinalizer() async throws {
        let widget = Sample.widget.replacing("name: gadget", with: "name: gadget, finalizers: [example.com/clean]")
        try await SimulatedServer.run { server in
            let applier = server.applier {
                $0.waitsForHealth = false
                $0.allowsEmpty = true
                $0.settleTimeout = .milliseconds(300)
            }
            let text = Sample.namespace + Sample.definition + widget
            #expect(try await applier.apply(try Sample.manifest(text)).succeeded)
            var awaited: [BundleProgress] = []
            _ = try await applier.apply([]) { if $0.isAwaitedGone { awaited.append($0) } }
            // Its definition waits for it.
            #expect(awaited.map(\.reference.name) == ["gadget", "widgets.example.com"])
            #expect(awaited.first?.message == "terminating, waits for example.com/clean")
        }
    }
}
