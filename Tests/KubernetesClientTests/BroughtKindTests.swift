internal import FoundationEssentials
internal import KubernetesObjects
internal import KubernetesSimulator
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

/// Kinds that a bundle brings by itself, and those of servers that are away.
@Suite(.timeLimit(.minutes(2))) struct BroughtKindTests {
    private static let clusterWide = Sample.definition.replacing("scope: Namespaced", with: "scope: Cluster")

    @Test func anObjectNotedBeforeItsKindWasKnownIsNotPrunedOnceItIs() async throws {
        try await SimulatedServer.run { server in
            let widget = Sample.widget.replacing("name: gadget", with: "name: gadget, namespace: shop")
            let early = try await server.applier().apply(try Sample.manifest(Sample.namespace + widget))
            #expect(!early.succeeded, "nobody serves the kind")
            // Somebody else brings the definition, and the kind lives outside of namespaces.
            for object in try Sample.manifest(Self.clusterWide) {
                _ = try await server.api.apply(object, ApplyOptions(fieldManager: "operator"))
            }
            let type = GroupVersionKind(group: "example.com", version: "v1", kind: "Widget")
            try await server.api.poll(every: .milliseconds(20), atMost: .seconds(10), what: "the kind") {
                try await server.api.isServed(type)
            }
            let late = try await server.applier { $0.waitsForHealth = false }.apply(
                try Sample.manifest(Sample.namespace + widget))
            #expect(late.succeeded, "\(late.failures)")
            #expect(!late.objects.contains { $0.outcome == .pruned }, "\(late.objects)")
            #expect(try await server.exists("example.com/v1", "Widget", "gadget", namespace: nil))
            #expect(late.inventory.references.contains { $0.type.kind == "Widget" && $0.namespace == nil })
        }
    }

    @Test func aDefinitionWhoseObjectsCannotBeConvertedYetIsServed() async throws {
        let transport = ScriptedTransport { request, count in
            switch request.path {
            case "/api": return .json(["kind": "APIVersions", "versions": ["v1"]])
            case "/apis": return .json(["kind": "APIGroupList", "groups": []])
            case "/apis/example.com/v1":
                return .json([
                    "kind": "APIResourceList",
                    "resources": [["name": "widgets", "kind": "Widget", "namespaced": true, "verbs": ["list"]]],
                ])
            default:
                return count == 1
                    ? .failure(404, "NotFound", "the server could not find the requested resource")
                    : .failure(
                        500, "InternalError",
                        "conversion webhook for example.com/v1, Kind=Widget failed: connection refused")
            }
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let type = GroupVersionKind(group: "example.com", version: "v1", kind: "Widget")
        #expect(try await api.isServed(type) == false)
        #expect(try await api.isServed(type))
        #expect(
            transport.asked.count { $0.path == "/apis/example.com/v1/widgets" } == 2, "neither is asked again and again"
        )
    }

    @Test func oneOfSeveralServersMayNotServeAKindYet() async throws {
        let transport = ScriptedTransport { request, count in
            if let answer = ScriptedTransport.discovery(request) { return answer }
            if count < 3 { return .failure(404, "NotFound", "the server could not find the requested resource") }
            if request.method == .GET { return .failure(404, "NotFound", "configmaps \"a\" not found") }
            return .json(["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "shop"]])
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let options = BundleOptions(
            fieldManager: "swell", inventoryNamespace: "default", inventoryName: "i",
            now: { KubernetesTime(seconds: 0) })
        let report = try await ObjectApplier(api: api, options: options).apply(configMap("a"))
        #expect(report.outcome == .created, "\(report)")
    }

    @Test func oneOfSeveralServersMayNotKnowOfAKindYet() async throws {
        let transport = ScriptedTransport { request, count in
            switch (request.method, request.path) {
            // Asked for the second and third time, it is the one that is behind.
            case (.GET, "/api/v1") where count == 2 || count == 3:
                .json(["kind": "APIResourceList", "groupVersion": "v1", "resources": []])
            case (.GET, "/api/v1/namespaces/shop/configmaps/a"):
                count == 1
                    ? .failure(404, "NotFound", "the server could not find the requested resource")
                    : .failure(404, "NotFound", "configmaps \"a\" not found")
            case (.PATCH, _):
                .json(["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "shop"]])
            default: ScriptedTransport.discovery(request) ?? .failure(404, "NotFound", "not found")
            }
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let options = BundleOptions(
            fieldManager: "swell", inventoryNamespace: "default", inventoryName: "i",
            now: { KubernetesTime(seconds: 0) })
        let report = try await ObjectApplier(api: api, options: options).apply(configMap("a"))
        #expect(report.outcome == .created, "\(report)")
    }

    private static let extensionServer = """
        apiVersion: apiregistration.k8s.io/v1
        kind: APIService
        metadata: {name: v1beta1.extra.example.com}
        spec:
          group: extra.example.com
          version: v1beta1
          groupPriorityMinimum: 100
          versionPriority: 100
          service: {name: extra, namespace: shop}
        ---
        apiVersion: extra.example.com/v1beta1
        kind: Extra
        metadata: {name: one}
        ---

        """

    @Test func aKindOfAnExtensionServerInTheBundleHoldsNothingElseUp() async throws {
        try await SimulatedServer.run { server in
            let text = Sample.namespace + Sample.deployment("extra") + Self.extensionServer
            for _ in 0..<2 {
                let result = try await server.applier { $0.healthTimeout = .seconds(5) }.apply(
                    try Sample.manifest(text))
                let failure = try #require(result.objects.first { $0.reference.name == "one" })
                #expect(failure.outcome == .failed && failure.isTransient, "\(result.objects)")
                #expect(failure.message.contains("APIService"), "\(failure.message)")
            }
            #expect(try await server.exists("apps/v1", "Deployment", "extra"))
            #expect(
                try await server.exists(
                    "apiregistration.k8s.io/v1", "APIService", "v1beta1.extra.example.com", namespace: nil))
        }
    }

    @Test func aWebhookIsConfiguredOnceItsPodsAnswer() async throws {
        try await SimulatedServer.run { server in
            let text =
                Sample.namespace + Sample.deployment("hook")
                    + """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: hook}
                    spec: {selector: {app: hook}, ports: [{port: 443}]}
                    ---
                    apiVersion: admissionregistration.k8s.io/v1
                    kind: MutatingWebhookConfiguration
                    metadata: {name: hook}
                    webhooks:
                    - name: pods.example.com
                      clientConfig: {service: {name: hook, namespace: shop}}
                      sideEffects: None
                      admissionReviewVersions: [v1]
                      rules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods]}]
                    ---

                    """
            var ready: Int64?
            let result = try await server.applier().apply(try Sample.manifest(text)) { report in
                guard report.reference.type.kind == "MutatingWebhookConfiguration" else { return }
                ready = try? await server.live("apps/v1", "Deployment", "hook")?.status?["readyReplicas"]?.intValue
            }
            #expect(result.succeeded, "\(result.failures)")
            #expect(ready == 2)
        }
    }
}
