internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// What an object waits for that was deleted and is still there, in words.
@Suite struct TerminationTests {
    private static func object(_ yaml: String) throws -> KubernetesObject {
        try KubernetesObject(json: YAMLReader.document(in: yaml, file: "live").root.json)
    }

    /// As a v1.36 namespace controller writes it.
    private static let namespace = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop, uid: n-1, deletionTimestamp: "2026-11-30T09:00:00Z"}
        spec: {finalizers: [kubernetes]}
        status:
          phase: Terminating
          conditions:
          - {type: NamespaceDeletionDiscoveryFailure, status: "False", reason: ResourcesDiscovered, message: All resources successfully discovered}
          - {type: NamespaceDeletionContentFailure, status: "False", reason: ContentDeleted, message: "All content successfully deleted, may be waiting on finalization"}
          - {type: NamespaceContentRemaining, status: "True", reason: SomeResourcesRemain, message: "Some resources are remaining: widgets.example.com has 1 resource instances"}
          - {type: NamespaceFinalizersRemaining, status: "True", reason: SomeFinalizersRemain, message: "Some content in the namespace has finalizers remaining: example.com/clean in 1 resource instances"}
        """

    private static let words =
        "terminating: Some content in the namespace has finalizers remaining: example.com/clean in 1 resource instances. "
        + "Some resources are remaining: widgets.example.com has 1 resource instances."

    @Test func aNamespaceSaysWhatIsInTheWay() throws {
        #expect(Termination.words(on: try Self.object(Self.namespace)) == Self.words)
    }

    @Test(arguments: [
        ("kind: ConfigMap\nmetadata: {name: a, finalizers: [a.io/b, c.io/d]}", "terminating, waits for a.io/b, c.io/d"),
        ("kind: Pod\nmetadata: {name: a, deletionGracePeriodSeconds: 30}", "terminating"),
        (
            "kind: Service\nmetadata: {name: a, finalizers: [foregroundDeletion]}",
            "terminating, waits for what it owns (foregroundDeletion)"
        ),
        (
            "kind: Namespace\nmetadata: {name: a}\nspec: {finalizers: [kubernetes, x.io/y]}",
            "terminating, waits for x.io/y"
        ),
    ])
    func finalizersAreNamed(yaml: String, words: String) throws {
        #expect(Termination.words(on: try Self.object("apiVersion: v1\n" + yaml)) == words)
    }

    /// A server that has one object for ever, and one pod that uses a claim.
    private func api(holding object: KubernetesObject) -> KubernetesAPI {
        let pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "db-0", "namespace": "shop"],
            "spec": ["volumes": [["name": "d", "persistentVolumeClaim": ["claimName": "data"]]]],
        ]
        let transport = ScriptedTransport { request, _ in
            if request.path == "/api/v1" {
                func kind(_ plural: String, _ kind: String, _ isNamespaced: Bool) -> JSONValue {
                    [
                        "name": .string(plural), "kind": .string(kind), "namespaced": .bool(isNamespaced),
                        "verbs": ["get", "list"],
                    ]
                }
                return .json([
                    "kind": "APIResourceList", "groupVersion": "v1",
                    "resources": [
                        kind("namespaces", "Namespace", false), kind("pods", "Pod", true),
                        kind("persistentvolumeclaims", "PersistentVolumeClaim", true),
                        kind("configmaps", "ConfigMap", true),
                    ],
                ])
            }
            if let answer = ScriptedTransport.discovery(request) { return answer }
            if request.path.hasSuffix("/pods") {
                return .json([
                    "apiVersion": "v1", "kind": "PodList", "metadata": ["resourceVersion": "1"], "items": [pod],
                ])
            }
            if request.path.hasSuffix("/configmaps/new") {
                return .failure(
                    403, "Forbidden",
                    "configmaps \"new\" is forbidden: unable to create new content in namespace shop because it is being terminated",
                    causes: [
                        [
                            "reason": "NamespaceTerminating", "message": "namespace shop is being terminated",
                            "field": "metadata.namespace",
                        ]
                    ])
            }
            return .json(object.json)
        }
        return KubernetesAPI(transport: transport, options: .immediate(attempts: 1))
    }

    private var options: BundleOptions {
        var options = BundleOptions(
            fieldManager: "swell", inventoryNamespace: "default", inventoryName: "i",
            now: { KubernetesTime(seconds: 0) })
        options.settleTimeout = .milliseconds(50)
        return options
    }

    @Test func aClaimNamesThePodThatUsesIt() async throws {
        let claim = try Self.object(
            """
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: data, namespace: shop, uid: c-1, finalizers: [kubernetes.io/pvc-protection]}
            """)
        let words = try await Termination(api: api(holding: claim)).words(on: claim)
        #expect(words == "terminating, waits for what uses it (kubernetes.io/pvc-protection): pod db-0")
    }

    /// A namespace may have thousands of pods: they are not listed for each claim in it.
    @Test func podsAreListedOncePerNamespace() async throws {
        let claims = try (0..<4).map { number in
            try Self.object(
                """
                apiVersion: v1
                kind: PersistentVolumeClaim
                metadata: {name: data-\(number), namespace: shop, uid: c-\(number), finalizers: [kubernetes.io/pvc-protection]}
                """)
        }
        let transport = ScriptedTransport { request, _ in
            if request.path == "/api/v1" {
                let kinds = [("pods", "Pod"), ("persistentvolumeclaims", "PersistentVolumeClaim")]
                return .json([
                    "kind": "APIResourceList", "groupVersion": "v1",
                    "resources": .array(
                        kinds.map {
                            [
                                "name": .string($0.0), "kind": .string($0.1), "namespaced": true,
                                "verbs": ["get", "list"],
                            ]
                        }),
                ])
            }
            if let answer = ScriptedTransport.discovery(request) { return answer }
            if request.path.hasSuffix("/pods") {
                let pods = (0..<4).map { number -> JSONValue in
                    [
                        "metadata": ["name": .string("db-\(number)"), "namespace": "shop"],
                        "spec": [
                            "volumes": [["persistentVolumeClaim": ["claimName": .string("data-\(number)")]]]
                        ],
                    ]
                }
                return .json([
                    "apiVersion": "v1", "kind": "PodList", "metadata": ["resourceVersion": "1"],
                    "items": .array(pods),
                ])
            }
            let claim = claims.first { request.path.hasSuffix("/\($0.name)") }
            return claim.map { .json($0.json) } ?? .failure(404, "NotFound", "not found")
        }
        let api = KubernetesAPI(transport: transport, options: .immediate(attempts: 1))
        let remaining = try await Pruner(api: api, options: options).remaining(claims)
        #expect(
            remaining.map { $0.message.suffix(10) } == [": pod db-0", ": pod db-1", ": pod db-2", ": pod db-3"],
            "\(remaining)")
        // Once for what it waits for, and once for what it waited for in vain.
        #expect(transport.asked.count { $0.path.hasSuffix("/pods") } <= 2)
    }

    @Test func whatStaysIsAFailureOfTheRemoval() async throws {
        let namespace = try Self.object(Self.namespace)
        let remaining = try await Pruner(api: api(holding: namespace), options: options).remaining([namespace])
        #expect(remaining.map(\.message) == [Self.words])
        #expect(remaining.map(\.reason) == ["Terminating"] && remaining.allSatisfy(\.isTransient))
    }

    @Test func anApplyThatANamespaceHoldsUpSaysWhy() async throws {
        let namespace = try Self.object(Self.namespace)
        let applier = ObjectApplier(api: api(holding: namespace), options: options)
        let brought = KubernetesObject(type: namespace.type, name: "shop")
        #expect(
            try await applier.apply(brought).message
                == "waited 0 s for v1 Namespace shop to be gone: it is \(Self.words)")
        let within = KubernetesObject(type: configMapType, namespace: "shop", name: "new")
        let report = try await applier.apply(within, seen: .absent)
        #expect(report.message.hasSuffix("; the namespace is \(Self.words)"), "\(report.message)")
        #expect(report.isTransient)
    }
}
