internal import KubernetesObjects
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

@Suite struct DiscoveryTests {
    private static let aggregatedApps: JSONValue = [
        "kind": "APIGroupDiscoveryList",
        "items": [
            [
                "metadata": ["name": "apps"],
                "versions": [
                    [
                        "version": "v1",
                        "resources": [
                            [
                                "resource": "deployments", "scope": "Namespaced", "verbs": ["get", "patch"],
                                "responseKind": ["group": "apps", "version": "v1", "kind": "Deployment"],
                            ]
                        ],
                    ]
                ],
            ]
        ],
    ]

    @Test func readsAggregatedDiscoveryOnce() async throws {
        let transport = ScriptedTransport { request, _ in
            request.path == "/api"
                ? .json(["kind": "APIGroupDiscoveryList", "items": []]) : .json(DiscoveryTests.aggregatedApps)
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let type = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
        for _ in 0..<3 {
            let resource = try await api.resource(for: type)
            #expect(resource.plural == "deployments")
            #expect(resource.isNamespaced)
        }
        #expect(transport.asked.count == 2)
        #expect(transport.asked.allSatisfy { $0.accept.contains("g=apidiscovery.k8s.io;v=v2") })
    }

    @Test(.timeLimit(.minutes(1))) func aCancelledCallerWaitsForNoAnswerAndHoldsNobodyUp() async throws {
        let transport = ScriptedTransport { request, count in
            if request.path == "/api" { return .json(["kind": "APIGroupDiscoveryList", "items": []]) }
            // The first answer never ends.
            if count == 1 { return ScriptedTransport.Answer(stream: AsyncThrowingStream { _ in }) }
            return .json(DiscoveryTests.aggregatedApps)
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let type = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = try? await api.resource(for: type) }
            group.addTask { _ = try? await api.resource(for: type) }
            while !transport.asked.contains(where: { $0.path == "/apis" }) { await Task.yield() }
            group.cancelAll()
        }
        #expect(try await api.resource(for: type).plural == "deployments")
    }

    @Test func aGroupWhoseServiceIsAwayMayBeServedLater() async throws {
        let transport = ScriptedTransport { request, _ in
            guard request.path == "/apis" else { return .json(["kind": "APIGroupDiscoveryList", "items": []]) }
            return .json([
                "kind": "APIGroupDiscoveryList",
                "items": [
                    [
                        "metadata": ["name": "metrics.k8s.io"],
                        "versions": [["version": "v1beta1", "freshness": "Stale", "resources": []]],
                    ]
                ],
            ])
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        func error(_ group: String) async -> KubernetesError? {
            let type = GroupVersionKind(group: group, version: "v1beta1", kind: "NodeMetrics")
            return await #expect(throws: KubernetesError.self) { try await api.resource(for: type) }
        }
        let away = await error("metrics.k8s.io")
        #expect(away?.isTransient == true && away?.message.contains("APIService of metrics.k8s.io/v1beta1") == true)
        #expect(await error("other.k8s.io")?.code == .unknownKind)
    }

    /// Seen at a v1.20 server: right after a definition was deleted, its group was listed still but answered 404 itself.
    @Test func theCatalogOfAnOldServerPassesOverGroupsThatHaveGoneAndNamesThoseThatAreAway() async throws {
        let transport = ScriptedTransport { request, _ in
            switch request.path {
            case "/api": .json(["kind": "APIVersions", "versions": ["v1"]])
            case "/apis":
                .json([
                    "kind": "APIGroupList",
                    "groups": .array(
                        ["gone.example.com", "away.example.com", "apps"].map {
                            [
                                "name": .string($0), "preferredVersion": ["version": "v1"],
                                "versions": [["version": "v1"], ["version": "v1beta1"]],
                            ]
                        }),
                ])
            case "/api/v1", "/apis/apps/v1":
                .json([
                    "kind": "APIResourceList",
                    "resources": [["name": "things", "kind": "Thing", "namespaced": true, "verbs": ["list"]]],
                ])
            case "/apis/apps/v1beta1":
                .json([
                    "kind": "APIResourceList",
                    "resources": [["name": "olds", "kind": "Old", "namespaced": true, "verbs": ["list"]]],
                ])
            case "/apis/away.example.com/v1": .json(["kind": "Status"], status: 503)
            default: .json(["kind": "Status", "reason": "NotFound"], status: 404)
            }
        }
        let catalog = try await KubernetesAPI(transport: transport, options: .immediate()).discovery.catalog()
        #expect(catalog.resources.map(\.type.description) == ["v1 Thing", "apps/v1 Thing", "apps/v1beta1 Old"])
        #expect(catalog.unavailable == ["away.example.com/v1"])
    }

    @Test func asksAgainForAnUnknownKindAndNamesOtherVersions() async throws {
        let transport = ScriptedTransport { request, _ in
            request.path == "/api"
                ? .json(["kind": "APIGroupDiscoveryList", "items": []]) : .json(DiscoveryTests.aggregatedApps)
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let error = await #expect(throws: KubernetesError.self) {
            try await api.resource(for: GroupVersionKind(group: "apps", version: "v2", kind: "Deployment"))
        }
        #expect(error?.code == .unknownKind)
        #expect(error?.message == "the API server serves no apps/v2 Deployment; it serves apps/v1")
    }

    private static let gone = ScriptedTransport.Answer.failure(
        404, "NotFound", "the server could not find the requested resource")

    /// A server of which the definition of widgets served v1 at first, and v2 since; in the old or the new form of discovery.
    private static func changing(isAggregated: Bool) -> ScriptedTransport {
        ScriptedTransport { request, count in
            let path = request.path
            let isChanged = count > 1
            func resources(_ version: String) -> JSONValue {
                [
                    "kind": "APIResourceList", "groupVersion": .string("example.com/\(version)"),
                    "resources": [["name": "widgets", "kind": "Widget", "namespaced": true, "verbs": ["get"]]],
                ]
            }
            if path == "/apis/example.com/v2/namespaces/shop/widgets/a" {
                if request.method == .DELETE { return .json(["kind": "Status", "status": "Success"]) }
                return .json([
                    "apiVersion": "example.com/v2", "kind": "Widget", "metadata": ["name": "a", "namespace": "shop"],
                ])
            }
            switch path {
            case "/api" where isAggregated: return .json(["kind": "APIGroupDiscoveryList", "items": []])
            case "/apis" where isAggregated:
                let version = isChanged ? "v2" : "v1"
                return .json([
                    "kind": "APIGroupDiscoveryList",
                    "items": [
                        [
                            "metadata": ["name": "example.com"],
                            "versions": [
                                [
                                    "version": .string(version),
                                    "resources": [
                                        [
                                            "resource": "widgets", "scope": "Namespaced", "verbs": ["get"],
                                            "responseKind": [
                                                "group": "example.com", "version": .string(version), "kind": "Widget",
                                            ],
                                        ]
                                    ],
                                ]
                            ],
                        ]
                    ],
                ])
            case "/apis/example.com":
                return .json(["kind": "APIGroup", "name": "example.com", "versions": [["version": "v2"]]])
            case "/apis/example.com/v1": return isChanged ? gone : .json(resources("v1"))
            case "/apis/example.com/v2": return .json(resources("v2"))
            default: return ScriptedTransport.discovery(request) ?? gone
            }
        }
    }

    @Test(arguments: [false, true])
    func whatIsOutOfDateIsNoProofThatAnObjectIsGone(isAggregated: Bool) async throws {
        let transport = Self.changing(isAggregated: isAggregated)
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let old = ObjectReference(
            type: GroupVersionKind(group: "example.com", version: "v1", kind: "Widget"), namespace: "shop", name: "a")
        #expect(try await api.resource(for: old.type).plural == "widgets")
        let first = await #expect(throws: KubernetesError.self) { try await api.get(old) }
        #expect(first?.isPathUnserved == true)
        let second = await #expect(throws: KubernetesError.self) { try await api.get(old) }
        #expect(second?.code == .unknownKind)
    }

    @Test(arguments: [false, true])
    func prunesInTheVersionThatIsServedNow(isAggregated: Bool) async throws {
        let transport = Self.changing(isAggregated: isAggregated)
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let old = ObjectReference(
            type: GroupVersionKind(group: "example.com", version: "v1", kind: "Widget"), namespace: "shop", name: "a")
        _ = try await api.resource(for: old.type)
        let options = BundleOptions(
            fieldManager: "swell", inventoryNamespace: "default", inventoryName: "i",
            now: { KubernetesTime(seconds: 0) })
        let outcome = try await Pruner(api: api, options: options).prune(old, pruned: [])
        #expect(outcome.progress.outcome == .pruned && outcome.progress.message.isEmpty, "\(outcome.progress)")
        #expect(transport.asked.contains { $0.method == .DELETE && $0.path.contains("/v2/") })
    }

    @Test func fallsBackToOneVersionAtATime() async throws {
        let transport = ScriptedTransport { request, _ in
            ScriptedTransport.discovery(request) ?? .text("404 page not found\n", status: 404)
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        #expect(try await api.resource(for: GroupVersionKind(version: "v1", kind: "Namespace")).isNamespaced == false)
        let error = await #expect(throws: KubernetesError.self) {
            try await api.resource(for: GroupVersionKind(group: "example.com", version: "v1", kind: "Widget"))
        }
        #expect(error?.code == .unknownKind)
    }
}
