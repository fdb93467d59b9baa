internal import KubernetesObjects
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

@Suite struct RetryTests {
    private func version(
        attempts: Int = 5, _ answers: @escaping @Sendable (Int) -> ScriptedTransport.Answer
    ) async -> (error: KubernetesError?, transport: ScriptedTransport) {
        let transport = ScriptedTransport { _, count in answers(count) }
        let api = KubernetesAPI(transport: transport, options: .immediate(attempts: attempts))
        do {
            _ = try await api.version()
            return (nil, transport)
        } catch {
            return (error as? KubernetesError, transport)
        }
    }

    private static let good = ScriptedTransport.Answer.json(["gitVersion": "v1.36.0"])

    @Test(arguments: [
        (429, "TooManyRequests"), (500, "InternalError"), (503, "ServiceUnavailable"), (504, "Timeout"),
        (408, "Timeout"),
        (500, "ServerTimeout"),
    ])
    func repeatsWhatMayPass(status: Int, reason: String) async {
        let result = await version { $0 < 3 ? .failure(status, reason, "busy") : RetryTests.good }
        #expect(result.error == nil)
        #expect(result.transport.asked.count == 3)
    }

    @Test(arguments: [(400, "BadRequest"), (403, "Forbidden"), (404, "NotFound"), (422, "Invalid")])
    func doesNotRepeatWhatCannotPass(status: Int, reason: String) async {
        let result = await version { _ in .failure(status, reason, "no") }
        #expect(result.error?.status == status)
        #expect(result.error?.reason == reason)
        #expect(result.error?.isTransient == false)
        #expect(result.transport.asked.count == 1)
    }

    @Test func mistypedFieldUnderApplyIsPermanent() async {
        let message =
            "failed to create typed patch object (err/web; apps/v1, Kind=Deployment): .spec.replicaz: field not declared"
        let result = await version { _ in .failure(500, "", message) }
        #expect(result.error?.isTransient == false)
        #expect(result.transport.asked.count == 1)
    }

    @Test func givesUpAfterTheLastAttempt() async {
        let result = await version(attempts: 3) { _ in .failure(503, "ServiceUnavailable", "down") }
        #expect(result.error?.message == "GET /version: down")
        #expect(result.transport.asked.count == 3)
    }

    @Test func readsTheTokenAnewOnceWhenRefused() async {
        let result = await version { $0 == 1 ? .failure(401, "Unauthorized", "Unauthorized") : RetryTests.good }
        #expect(result.error == nil)
        #expect(result.transport.renewalCount == 1)
        let refused = await version { _ in .failure(401, "Unauthorized", "Unauthorized") }
        #expect(refused.error?.status == 401)
        #expect(refused.transport.asked.count == 2)
    }

    /// The server's store passes its errors on without a reason.
    @Test(arguments: [
        ("etcdserver: leader changed", true), ("etcdserver: request timed out", true),
        ("rpc error: code = Unavailable desc = transport is closing", true), ("context deadline exceeded", true),
        ("failed to prune fields: failed add back owned items", false),
        ("failed to create typed patch object (a/b; v1, Kind=X): etcdserver: .spec: not declared", false),
    ])
    func anErrorOfTheStoreMayPass(message: String, isTransient: Bool) async {
        let result = await version { $0 == 1 ? .failure(500, "", message) : RetryTests.good }
        #expect((result.error == nil) == isTransient)
        #expect(result.transport.asked.count == (isTransient ? 2 : 1))
    }

    @Test func whatTheServerAsksOfOneRequestHoldsAllOthersUp() async throws {
        let transport = ScriptedTransport { request, _ in
            guard request.path == "/version" else {
                return ScriptedTransport.discovery(request)
                    ?? (request.query.contains { $0.name == "watch" } ? .text("") : .failure(404, "NotFound", "none"))
            }
            var answer = ScriptedTransport.Answer.failure(429, "TooManyRequests", "too many requests")
            answer.headers["retry-after"] = "170"
            return answer
        }
        let clock = RecordingClock()
        var options = KubernetesAPI.Options.immediate(attempts: 1)
        options.clock = clock
        options.chance = { 0 }
        let api = KubernetesAPI(transport: transport, options: options)
        _ = try? await api.version()
        #expect(clock.slept.isEmpty, "the one that was refused is not tried again")
        #expect(try await api.get(configMap("a").reference) == nil)
        #expect(clock.slept.count == transport.asked.count - 1)
        #expect(clock.slept.allSatisfy { (.seconds(60) ... .seconds(170)).contains($0) }, "\(clock.slept)")
        let before = clock.slept.count
        try await api.watch(ObjectSelection(type: configMapType), from: "1") { _ in }
        #expect(clock.slept.count == before + 1, "a watch waits too")
    }

    @Test func onlyA429ThatNamesItsPausePausesTheOthers() async throws {
        let transport = ScriptedTransport { request, count in
            if request.path == "/version" {
                var answer = ScriptedTransport.Answer.failure(
                    count == 1 ? 503 : 429, count == 1 ? "ServiceUnavailable" : "TooManyRequests", "busy")
                if count == 1 { answer.headers["retry-after"] = "7" }
                return answer
            }
            return ScriptedTransport.discovery(request) ?? .failure(404, "NotFound", "none")
        }
        let clock = RecordingClock()
        var options = KubernetesAPI.Options.immediate(attempts: 1)
        options.clock = clock
        let api = KubernetesAPI(transport: transport, options: options)
        for _ in 0..<2 { _ = try? await api.version() }
        _ = try await api.get(configMap("a").reference)
        #expect(clock.slept.isEmpty)
    }

    @Test func createIsNotRepeatedWithoutAnAnswer() async throws {
        let transport = ScriptedTransport { request, _ in
            if let answer = ScriptedTransport.discovery(request) { return answer }
            return ScriptedTransport.Answer(error: KubernetesError(code: .noAnswer, message: "reset"))
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        await #expect(throws: KubernetesError.self) { try await api.create(configMap("a")) }
        let posts = transport.asked.count { $0.method == HTTPMethod.POST }
        #expect(posts == 1)
    }

    @Test func delaysDoubleAndObeyTheServer() {
        let policy = RetryPolicy()
        #expect(policy.delay(afterAttempt: 1, retryAfter: nil, chance: 0) == .seconds(2.5))
        #expect(policy.delay(afterAttempt: 2, retryAfter: nil, chance: 1) == .seconds(10))
        #expect(policy.delay(afterAttempt: 40, retryAfter: nil, chance: 1) == .seconds(180))
        #expect(policy.delay(afterAttempt: 1, retryAfter: .seconds(60), chance: 0) == .seconds(60))
        #expect(policy.delay(afterAttempt: 1, retryAfter: .seconds(3600), chance: 0) == .seconds(180))
    }
}

@Suite struct ObjectRequestTests {
    @Test func appliesWithManagerAndWithoutServerFields() async throws {
        let transport = ScriptedTransport { request, _ in
            ScriptedTransport.discovery(request)
                ?? .json(["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"]])
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        var object = configMap("a", ["k": "v"])
        object.setMetadata("managedFields", [])
        object.status = ["x": 1]
        _ = try await api.apply(object, ApplyOptions(fieldManager: "swell", force: true, dryRun: true))
        let request = try #require(transport.asked.last)
        #expect(request.target == "/api/v1/namespaces/shop/configmaps/a?fieldManager=swell&force=true&dryRun=All")
        #expect(request.contentType == "application/apply-patch+yaml")
        #expect(
            try JSONValue(parsing: request.body ?? []) == [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "shop"],
                "data": ["k": "v"],
            ])
    }

    @Test func deletesWithPreconditions() async throws {
        let transport = ScriptedTransport { request, _ in
            ScriptedTransport.discovery(request) ?? .json(["kind": "Status", "status": "Success"])
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let outcome = try await api.delete(configMap("a").reference, DeleteOptions(uid: "u1"))
        #expect(outcome == .deleted)
        let body = try JSONValue(parsing: transport.asked.last?.body ?? [])
        #expect(body["preconditions"]?["uid"] == "u1")
        #expect(body["propagationPolicy"] == "Background")
    }

    @Test func absenceIsAnAnswer() async throws {
        let transport = ScriptedTransport { request, _ in
            ScriptedTransport.discovery(request) ?? .failure(404, "NotFound", "configmaps \"a\" not found")
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        #expect(try await api.get(configMap("a").reference) == nil)
        #expect(try await api.delete(configMap("a").reference) == .absent)
    }

    @Test func namespacedKindNeedsANamespace() async throws {
        let transport = ScriptedTransport { request, _ in ScriptedTransport.discovery(request) ?? .json([:]) }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let error = await #expect(throws: KubernetesError.self) {
            try await api.get(ObjectReference(type: configMapType, name: "a"))
        }
        #expect(error?.message == "v1 ConfigMap a lives in a namespace, and metadata.namespace is not set")
    }

    @Test func listsInPagesAndStartsOverWhenAPageExpires() async throws {
        let transport = ScriptedTransport { request, count in
            if let answer = ScriptedTransport.discovery(request) { return answer }
            let token = request.query.first { $0.name == "continue" }?.value
            if token == nil {
                return .json([
                    "kind": "ConfigMapList", "metadata": ["resourceVersion": "7", "continue": "t"],
                    "items": [["metadata": ["name": "a", "namespace": "shop"]]],
                ])
            }
            if count == 2 { return .failure(410, "Expired", "too old") }
            return .json([
                "metadata": ["resourceVersion": "7"], "items": [["metadata": ["name": "b", "namespace": "shop"]]],
            ])
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let list = try await api.list(ObjectSelection(type: configMapType, namespace: "shop"), pageSize: 1)
        #expect(list.objects.map(\.name) == ["a", "b"])
        #expect(list.objects.allSatisfy { $0.kind == "ConfigMap" && $0.apiVersion == "v1" })
        #expect(list.resourceVersion == "7")
    }
}

@Suite struct HTTPClientsTests {
    /// An API server lets a connection have 100 streams, and a client has one connection: with 20 streams, and one client for all, a
    /// real server of v1.20 answered a list after 80 s, when 60 objects were watched.
    @Test func watchesLeaveRoomForRequestsAndForEachOther() async throws {
        let clients = HTTPClients(connections: 1_024 + 16, connectTimeout: .seconds(1))
        let requests = ObjectIdentifier(try await clients.client(for: nil, isWatch: false))
        var watches: [ObjectIdentifier: Int] = [:]
        for _ in 0..<1_024 {
            watches[ObjectIdentifier(try await clients.client(for: nil, isWatch: true)), default: 0] += 1
        }
        #expect(watches[requests] == nil)
        #expect(watches.values.allSatisfy { $0 <= 50 }, "\(watches.values.sorted())")
        #expect(ObjectIdentifier(try await clients.client(for: nil, isWatch: false)) == requests)
        await clients.shutdown()
    }

    @Test func aClientOnWhichTheServerIsSilentIsUsedNoMore() async throws {
        let clients = HTTPClients(connections: 32, connectTimeout: .seconds(1))
        let first = try await clients.client(for: nil, isWatch: false)
        await clients.retire(first)
        let second = try await clients.client(for: nil, isWatch: false)
        #expect(second !== first)
        // One that is out of use already changes nothing.
        await clients.retire(first)
        #expect(try await clients.client(for: nil, isWatch: false) === second)
        // More than are kept, while those that are let go are shut down.
        for _ in 0..<80 { await clients.retire(try await clients.client(for: nil, isWatch: true)) }
        #expect(try await clients.client(for: nil, isWatch: false) === second)
        await clients.shutdown()
    }

    @Test func onlyAWatchIsOne() {
        #expect(KubernetesRequest(.GET, "/api/v1/pods", query: [("watch", "true"), ("limit", "1")]).isWatch)
        #expect(!KubernetesRequest(.GET, "/api/v1/pods", query: [("limit", "1")]).isWatch)
    }
}

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
