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
