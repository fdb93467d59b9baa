internal import KubernetesObjects
internal import NIOHTTP1
internal import Synchronization
internal import Testing

@testable internal import KubernetesClient

/// A client that is kept to some writes makes no others, in whatever way it is asked.
@Suite struct WriteGuardTests {
    /// Answers discovery, takes anything, and remembers what was not a read.
    private final class Server: KubernetesTransport {
        let writes = Mutex<[String]>([])

        func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
            if request.method != .GET { writes.withLock { $0.append(request.summary) } }
            let json: JSONValue =
                switch request.path {
                case "/api/v1":
                    [
                        "kind": "APIResourceList", "groupVersion": "v1",
                        "resources": [
                            [
                                "name": "configmaps", "singularName": "", "namespaced": true, "kind": "ConfigMap",
                                "verbs": ["get", "list", "patch", "create", "delete"],
                            ],
                            [
                                "name": "namespaces", "singularName": "", "namespaced": false, "kind": "Namespace",
                                "verbs": ["get", "list", "patch", "create", "delete"],
                            ],
                        ],
                    ]
                default: ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "shop"]]
                }
            return KubernetesResponse(
                status: 200, headers: ["content-type": "application/json"],
                body: ResponseBody(json.serializedBytes()))
        }

        func renewCredentials() async {}
        func shutdown() async {}
    }

    private final class Recording: WriteGuard {
        let seen = Mutex<[IntendedWrite]>([])
        let refuses: Bool

        init(refuses: Bool) { self.refuses = refuses }

        func check(_ write: IntendedWrite) async throws {
            seen.withLock { $0.append(write) }
            if refuses { throw KubernetesError(code: .notAllowed, message: "\(write.reference) is not for you") }
        }
    }

    private static let reference = ObjectReference(type: configMapType, namespace: "shop", name: "a")
    private static let object = KubernetesObject(type: configMapType, namespace: "shop", name: "a")

    private static let ways: [(name: String, write: @Sendable (KubernetesAPI) async throws -> Void)] = [
        ("create", { _ = try await $0.create(object) }), ("replace", { _ = try await $0.replace(object) }),
        ("apply", { _ = try await $0.apply(object, ApplyOptions(fieldManager: "m")) }),
        ("rehearsal", { _ = try await $0.apply(object, ApplyOptions(fieldManager: "m", dryRun: true)) }),
        ("merge", { _ = try await $0.patch(reference, .merge([:])) }),
        ("scale", { _ = try await $0.patch(reference, .merge([:]), subresource: "scale") }),
        ("delete", { _ = try await $0.delete(reference) }),
    ]

    @Test(arguments: 0..<7) func nothingIsSentThatAGuardRefuses(way: Int) async throws {
        let (name, write) = Self.ways[way]
        for refuses in [true, false] {
            let server = Server()
            let guardian = Recording(refuses: refuses)
            let api = KubernetesAPI(transport: server).guarded(by: guardian)
            var error: KubernetesError?
            do { try await write(api) } catch let caught as KubernetesError { error = caught }
            #expect((error?.code == .notAllowed) == refuses, "\(name): \(String(describing: error))")
            #expect(server.writes.withLock { $0.count } == (refuses ? 0 : 1), "\(name)")
            #expect(guardian.seen.withLock { $0.map(\.reference) } == [Self.reference], "\(name)")
            #expect(error?.isTransient != true)
        }
    }

    @Test func guardsAddUpAndSeeObjectsAsTheServerPlacesThem() async throws {
        let (server, first, second) = (Server(), Recording(refuses: false), Recording(refuses: true))
        let api = KubernetesAPI(transport: server).guarded(by: first).guarded(by: second)
        let space = KubernetesObject(
            type: GroupVersionKind(version: "v1", kind: "Namespace"), namespace: "meant-nothing", name: "shop")
        await #expect(throws: KubernetesError.self) {
            try await api.apply(space, ApplyOptions(fieldManager: "m"))
        }
        #expect(first.seen.withLock { $0.first?.reference.namespace } == nil)
        #expect(second.seen.withLock { $0.count } == 1 && server.writes.withLock { $0.isEmpty })
    }

    @Test func aRequestThatChangesSomethingIsNotSentWithoutLeave() async throws {
        let server = Server()
        let api = KubernetesAPI(transport: server)
        for method in [HTTPMethod.POST, .PUT, .PATCH, .DELETE] {
            await #expect(throws: KubernetesError.self) {
                try await api.exchange.once(KubernetesRequest(method, "/api/v1/namespaces/shop/configmaps/a"))
            }
        }
        #expect(server.writes.withLock { $0.isEmpty })
    }
}
