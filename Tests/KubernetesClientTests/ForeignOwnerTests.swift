internal import KubernetesObjects
internal import Synchronization
internal import Testing

@testable internal import KubernetesClient

/// What is owned by a custom resource, while its kind is going or cannot be seen.
@Suite(.timeLimit(.minutes(2))) struct ForeignOwnerTests {
    /// As a server answers whose garbage collector has not come to the children yet: the owner's kind is no longer served.
    private func api(owner: JSONValue, isAway: Bool = false) -> KubernetesAPI {
        let transport = ScriptedTransport { request, _ in
            switch request.path {
            case "/api/v1":
                return .json([
                    "kind": "APIResourceList", "groupVersion": "v1",
                    "resources": [
                        [
                            "name": "configmaps", "kind": "ConfigMap", "namespaced": true,
                            "verbs": ["get", "list", "delete"],
                        ]
                    ],
                ])
            case "/apis/example.com", "/apis/example.com/v1":
                return isAway
                    ? .failure(503, "ServiceUnavailable", "the server is currently unable to handle the request")
                    : .failure(404, "NotFound", "not found")
            case let path where path.hasSuffix("/configmaps"):
                return .json([
                    "apiVersion": "v1", "kind": "ConfigMapList", "metadata": ["resourceVersion": "1"],
                    "items": [
                        [
                            "metadata": [
                                "name": "child", "namespace": "shop", "uid": "c", "ownerReferences": [owner],
                            ]
                        ]
                    ],
                ])
            default: return ScriptedTransport.discovery(request) ?? .failure(404, "NotFound", "not found")
            }
        }
        return KubernetesAPI(transport: transport, options: .immediate(attempts: 1))
    }

    private static func owner(_ name: String, _ apiVersion: String = "example.com/v1") -> JSONValue {
        [
            "apiVersion": .string(apiVersion), "kind": "Widget", "name": .string(name), "uid": .string("u-\(name)"),
        ]
    }

    private static let definition = ObjectIdentity(
        type: GroupKind(group: "apiextensions.k8s.io", kind: "CustomResourceDefinition"), name: "widgets.example.com")

    private static func widget(_ namespace: String?) -> ObjectIdentity {
        ObjectIdentity(type: GroupKind(group: "example.com", kind: "Widget"), namespace: namespace, name: "gadget")
    }

    private func reason(
        _ pruned: Set<ObjectIdentity>, owner: JSONValue = ForeignOwnerTests.owner("gadget"), isAway: Bool = false,
        isRemoval: Bool = false
    ) async throws -> String? {
        var options = BundleOptions(
            fieldManager: "swell", inventoryNamespace: "default", inventoryName: "i",
            now: { KubernetesTime(seconds: 0) })
        options.settleTimeout = .milliseconds(50)
        options.isRemoval = isRemoval
        return try await ForeignObjects(api: api(owner: owner, isAway: isAway), options: options, pruned: pruned)
            .keepReason(ofNamespace: "shop", namespaceDefaults: [])
    }

    @Test func aChildGoesWithItsOwnerThoughTheKindIsGoneAlready() async throws {
        #expect(try await reason([Self.widget("shop")]) == nil)
        #expect(try await reason([Self.widget(nil)]) == nil, "of a kind that lives in no namespace")
    }

    @Test func aChildGoesWithTheDefinitionOfItsOwnersKind() async throws {
        #expect(try await reason([Self.definition], owner: Self.owner("made-by-a-controller")) == nil)
    }

    @Test func aChildOfWhatNobodyKnowsStays() async throws {
        #expect(try await reason([])?.contains("it still holds v1 ConfigMap shop/child") == true)
        let other = Self.owner("gadget", "elsewhere.example.com/v1")
        #expect(try await reason([Self.definition, Self.widget("shop")], owner: other)?.contains("child") == true)
    }

    @Test func ofAnOwnerThatCannotBeSeenNowARemovalWaits() async throws {
        #expect(try await reason([], isAway: true)?.contains("child") == true)
        let error = await #expect(throws: KubernetesError.self) {
            let reason = try await reason([], isAway: true, isRemoval: true)
            return reason
        }
        #expect(error?.isTransient == true, "\(error?.message ?? "")")
    }

    /// Its resources go while it terminates, and what they own after that.
    @Test func aDefinitionIsAwaitedBeforeItsNamespaceIsLookedThrough() async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier {
                $0.waitsForHealth = false
                $0.allowsEmpty = true
                $0.settleTimeout = .seconds(1)
            }
            let widget = Sample.widget.replacing("name: gadget", with: "name: gadget, finalizers: [example.com/clean]")
            #expect(
                try await applier.apply(try Sample.manifest(Sample.namespace + Sample.definition + widget)).succeeded)
            var told: [String] = []
            _ = try await applier.apply([]) {
                told.append("\($0.reference.name)\($0.isAwaitedGone ? " awaited" : "")")
            }
            let awaited = try #require(told.firstIndex(of: "widgets.example.com awaited"), "\(told)")
            let namespace = try #require(told.firstIndex(of: "shop"), "\(told)")
            #expect(awaited < namespace)
        }
    }
}
