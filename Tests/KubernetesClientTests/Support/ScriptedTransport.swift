internal import KubernetesClient
internal import KubernetesObjects
internal import NIOHTTP1
internal import Synchronization

/// A server made of a closure, which also remembers what it was asked.
final class ScriptedTransport: KubernetesTransport {
    struct Answer: Sendable {
        var status = 200
        var headers: [String: String] = ["content-type": "application/json"]
        var body: [UInt8] = []
        var error: KubernetesError?
        var stream: AsyncThrowingStream<[UInt8], any Error>?

        static func json(_ value: JSONValue, status: Int = 200) -> Answer {
            Answer(status: status, body: value.serializedBytes())
        }

        static func text(_ text: String, status: Int = 200) -> Answer {
            Answer(status: status, headers: ["content-type": "text/plain"], body: Array(text.utf8))
        }

        static func failure(_ status: Int, _ reason: String, _ message: String, causes: [JSONValue] = []) -> Answer {
            .json(
                [
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": .string(reason),
                    "message": .string(message), "code": .integer(Int64(status)), "details": ["causes": .array(causes)],
                ], status: status)
        }
    }

    private let requests = Mutex<[KubernetesRequest]>([])
    private let renewals = Mutex(0)
    private let answer: @Sendable (KubernetesRequest, Int) -> Answer

    /// - Parameter answer: Answers a request; the number counts requests of the same method and path from 1.
    init(_ answer: @escaping @Sendable (KubernetesRequest, Int) -> Answer) {
        self.answer = answer
    }

    var asked: [KubernetesRequest] { requests.withLock { $0 } }
    var renewalCount: Int { renewals.withLock { $0 } }

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        let count = requests.withLock { requests in
            requests.append(request)
            return requests.count { $0.path == request.path && $0.method == request.method }
        }
        let answer = answer(request, count)
        if let error = answer.error { throw error }
        let headers = HTTPHeaders(answer.headers.map { ($0.key, $0.value) })
        if let stream = answer.stream {
            return KubernetesResponse(status: answer.status, headers: headers, body: ResponseBody(stream))
        }
        return KubernetesResponse(status: answer.status, headers: headers, body: ResponseBody(answer.body))
    }

    func renewCredentials() async { renewals.withLock { $0 += 1 } }

    func shutdown() async {}

    /// Answers discovery in the old form for a few types; nil for other paths.
    static func discovery(_ request: KubernetesRequest) -> Answer? {
        func list(_ version: String, _ resources: [(String, String, Bool)]) -> Answer {
            let entries = resources.map { plural, kind, namespaced -> JSONValue in
                ["name": .string(plural), "kind": .string(kind), "namespaced": .bool(namespaced), "verbs": ["get"]]
            }
            return .json(["kind": "APIResourceList", "groupVersion": .string(version), "resources": .array(entries)])
        }
        switch request.path {
        case "/api": return .json(["kind": "APIVersions", "versions": ["v1"]])
        case "/apis": return .json(["kind": "APIGroupList", "groups": []])
        case "/api/v1":
            return list(
                "v1", [("configmaps", "ConfigMap", true), ("namespaces", "Namespace", false), ("pods", "Pod", true)])
        case "/apis/apps/v1": return list("apps/v1", [("deployments", "Deployment", true)])
        default: return nil
        }
    }
}

extension KubernetesAPI.Options {
    /// Options for tests: delays pass at once, and chance is fixed.
    static func immediate(attempts: Int = 5) -> KubernetesAPI.Options {
        var options = KubernetesAPI.Options()
        options.retry = RetryPolicy(maximumAttempts: attempts)
        options.clock = ImmediateClock()
        options.chance = { 0.5 }
        return options
    }
}

/// A clock on which every sleep is over at once.
struct ImmediateClock: Clock {
    typealias Instant = ContinuousClock.Instant

    var now: ContinuousClock.Instant { ContinuousClock.now }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        await Task.yield()
    }
}

/// A clock on which every sleep is over at once, and which remembers how long each was to be.
final class RecordingClock: Clock {
    typealias Instant = ContinuousClock.Instant

    private let lengths = Mutex<[Duration]>([])

    var slept: [Duration] { lengths.withLock { $0 } }
    var now: ContinuousClock.Instant { ContinuousClock.now }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        lengths.withLock { $0.append(now.duration(to: deadline)) }
        await Task.yield()
    }
}

let configMapType = GroupVersionKind(version: "v1", kind: "ConfigMap")

func configMap(_ name: String, _ data: [String: String] = [:], version: String = "1") -> KubernetesObject {
    var object = KubernetesObject(type: configMapType, namespace: "shop", name: name)
    object["data"] = .object(data.mapValues { .string($0) })
    object.setMetadata("resourceVersion", .string(version))
    return object
}
