internal import AsyncHTTPClient
internal import KubernetesObjects
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import ServiceLifecycle
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Synchronization
internal import Testing

@testable internal import SwellConsole

let operatorToken = "operator-token-of-32-characters-or-more"

/// The operator API over a store in memory, on a port of its own, in plain HTTP.
struct ConsoleHarness: Sendable {
    let store: MemoryStore
    let client: HTTPClient
    let port: Int
    let clock: ManualClock

    /// Serves, runs the body, and shuts down gracefully.
    ///
    /// - Parameters:
    ///   - decides: Whether every nudge is followed by a decision, as a reconcile loop does.
    ///   - onPreviews: What the agents' sessions do when previews were asked for.
    static func run(
        decides: Bool = false, configure: (inout ConsoleConfiguration) -> Void = { _ in },
        onPreviews: @escaping @Sendable (MemoryStore) async throws -> Void = { _ in },
        installation: (@Sendable () async throws -> InstallationView)? = nil,
        unready: @escaping @Sendable () -> String? = { nil }, _ body: (ConsoleHarness) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let store = MemoryStore(clock: { clock.now })
        var configuration = ConsoleConfiguration(
            host: "127.0.0.1", port: 0,
            operators: try OperatorDirectory(tokens: [("alice", operatorToken), ("bob", operatorToken + "-of-bob")]))
        configuration.verdictTimeout = .milliseconds(50)
        configuration.pollInterval = .milliseconds(5)
        configure(&configuration)
        let (ports, running) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
        let hooks = ConsoleHooks(
            rolloutsChanged: { names in
                guard decides else { return }
                for name in names.sorted() { await decide(name, in: store) }
            },
            previewsAsked: {
                do {
                    try await onPreviews(store)
                } catch {
                    Issue.record(error)
                }
            },
            makeJoinToken: { ("swell-join.\($0).secret", "hash-of-\($0)") }, installation: installation,
            metrics: { "swell_up 1\n" }, unready: unready,
            onRunning: { running.yield($0) })
        let service = ConsoleService(
            store: store, configuration: configuration, tls: nil, hooks: hooks,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let group = ServiceGroup(
            configuration: .init(services: [service], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let client = HTTPClient(eventLoopGroupProvider: .singleton)
            do {
                try await body(ConsoleHarness(store: store, client: client, port: port, clock: clock))
                try await client.shutdown()
            } catch {
                try await client.shutdown()
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    /// One decision, as the reconcile loop takes it.
    static func decide(_ name: RolloutName, in store: MemoryStore) async {
        do {
            let lease = try await store.acquireLease("rollout/\(name)", holder: "test", lifetime: .seconds(10))
            if let lease { _ = try await store.decide(name, under: lease, DecisionMaker.decide) }
        } catch {
            Issue.record(error)
        }
    }

    func request(
        _ method: Verb, _ path: String, _ body: JSONValue? = nil, token: String? = operatorToken
    ) async throws -> Answer {
        try await raw(method, path, body.map { $0.serializedBytes() }, token: token)
    }

    func raw(
        _ method: Verb, _ path: String, _ body: [UInt8]?, token: String? = operatorToken
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = HTTPMethod(rawValue: method.rawValue)
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await client.execute(request, timeout: .seconds(20))
        let buffer = try await response.body.collect(upTo: 32 << 20)
        let text = String(buffer: buffer)
        return Answer(
            status: Int(response.status.code), type: response.headers.first(name: "content-type") ?? "", text: text,
            json: (try? JSONValue(parsing: text)) ?? .null)
    }

    /// Opens a stream and gives its events, as they come, until `body` has seen enough.
    func stream(
        _ path: String, headers: [(String, String)] = [],
        until isEnough: ([(event: String, id: String, data: JSONValue)]) async throws -> Bool
    ) async throws {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.headers.add(name: "Authorization", value: "Bearer \(operatorToken)")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await client.execute(request, timeout: .seconds(20))
        guard response.status == .ok else { throw StreamRefused() }
        var text = ""
        var events: [(event: String, id: String, data: JSONValue)] = []
        for try await chunk in response.body {
            text += String(buffer: chunk)
            while let end = text.firstRange(of: "\n\n") {
                let block = text[..<end.lowerBound]
                let rest = String(text[end.upperBound...])
                var fields: [String: String] = [:]
                for line in block.split(separator: "\n") {
                    guard let colon = line.firstIndex(of: ":") else { continue }
                    fields[String(line[..<colon])] = String(line[line.index(after: colon)...].drop { $0 == " " })
                }
                text = rest
                guard let event = fields["event"], let data = fields["data"] else { continue }
                events.append((event, fields["id"] ?? "", try JSONValue(parsing: data)))
            }
            if try await isEnough(events) { return }
        }
    }

    /// A fleet of two regions, the application `shop`, the policy `waves` and release 1.0.0.
    func applyFleet(removing: Bool = false) async throws {
        let documents = fleetDocuments.split(separator: "spec: {namespace: shop}").map(String.init)
            .joined(
                separator: removing
                    ? "spec: {namespace: shop, strategy: {whenNeverHealthy: remove}}" : "spec: {namespace: shop}")
        let files: JSONValue = [["name": "fleet.yaml", "content": .string(documents)]]
        let applied = try await request(.post, "/v1/apply", ["files": files])
        try #require(applied.status == 200, "\(applied.text)")
        let manifests: JSONValue = [["name": "web.yaml", "content": .string(webManifest)]]
        let created = try await request(
            .post, "/v1/applications/shop/releases", ["version": "1.0.0", "files": manifests])
        try #require(created.status == 201, "\(created.text)")
    }
}

/// The server did not open the stream.
struct StreamRefused: Error {}

enum Verb: String, Sendable {
    case get = "GET"
    case post = "POST"
    case delete = "DELETE"
}

struct Answer: Sendable {
    var status: Int
    var type: String
    var text: String
    var json: JSONValue
}

/// The store's clock, moved by hand.
final class ManualClock: Sendable {
    private let value = Mutex(Timestamp(milliseconds: 1_800_000_000_000))
    var now: Timestamp { value.withLock { $0 } }
    func advance(by interval: Interval) { value.withLock { $0 = $0 + interval } }
}

let webManifest = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {replicas: 1}
    """

let fleetDocuments = """
    apiVersion: swell.dev/v1
    kind: Cluster
    metadata: {name: use1-a}
    spec: {region: us-east-1, environment: production}
    ---
    apiVersion: swell.dev/v1
    kind: Cluster
    metadata: {name: usw1-a}
    spec: {region: us-west-1, environment: production}
    ---
    apiVersion: swell.dev/v1
    kind: Application
    metadata: {name: shop}
    spec: {namespace: shop}
    ---
    apiVersion: swell.dev/v1
    kind: RolloutPolicy
    metadata: {name: waves}
    spec:
      stages:
        - {name: canary, select: {regions: [us-east-1]}, soak: 5s}
        - {name: rest, select: {regions: [us-west-1]}, approval: {before: true}}
    """
