internal import AcceptedConnections
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
internal import KubernetesObjects
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import ServiceLifecycle

/// The HTTPS side of one simulated cluster: one listener on the loopback interface.
struct ClusterListener: Sendable {
    let cluster: SimulatedCluster
    let token: String
    let tls: TLSConfiguration
    let clock: @Sendable () -> Double
    let logger: Logger

    /// Serves until nothing shall listen any more or the task is cancelled; tells the port once it listens.
    ///
    /// The listener is ended by graceful shutdown and not by cancellation, so that answers under way have a moment to end.
    func serve(port: Int, onListening: @escaping @Sendable (Int) async -> Void) async throws {
        let responder = CallbackResponder<ConnectionContext> { request, context in
            try await respond(to: request, context: context)
        }
        let application = Application(
            responder: responder,
            server: HTTPServerBuilder { responder in
                FinishingChannel(try TLSChannel(HTTP1Channel(responder: responder), tlsConfiguration: tls))
            },
            configuration: .init(address: .hostname("127.0.0.1", port: port), serverName: nil, backlog: 512),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
            logger: logger)
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: application, successTerminationBehavior: .gracefullyShutdownGroup)],
            logger: logger)
        configuration.maximumGracefulShutdownDuration = .milliseconds(150)
        let group = ServiceGroup(configuration: configuration)
        let serving = Task { try await group.run() }
        await withTaskGroup(of: Void.self) { race in
            race.addTask { _ = await serving.result }
            race.addTask { await cluster.waitUntilRefusing(true) }
            await race.next()
            await group.triggerGracefulShutdown()
            race.cancelAll()
        }
        try await serving.value
    }

    private func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let plan = await cluster.faults
        switch plan.outage {
        case .hang:
            try await waitUntilBack()
        case .reset, .refuse:
            context.channel.close(mode: .all, promise: nil)
            throw CancellationError()
        case nil: break
        }
        if plan.latency > 0 { try await Task.sleep(for: .seconds(plan.latency)) }
        if let errors = plan.errors, await cluster.chance() < errors.rate {
            return Self.response(APIResponse(Self.failure(errors.status)))
        }
        guard let caller = await authenticate(request) else {
            return Self.response(
                APIResponse(APIStatus(code: 401, reason: "Unauthorized", message: "Unauthorized")))
        }
        var request = request
        let wantsWatch = request.uri.queryParameters["watch"].map { $0 == "true" || $0 == "1" } ?? false
        var body: [UInt8] = []
        if !wantsWatch {
            let buffer = try await request.collectBody(upTo: 3 << 20)
            body = Array(buffer.readableBytesView)
        }
        var asked = Self.apiRequest(request, body: body)
        asked.caller = caller
        if let ordered = await cluster.takeOrderedAnswer(to: asked) {
            return Self.response(ordered, isHead: request.method == .head)
        }
        let answer = await cluster.handle(asked)
        if case .watch(let watch) = answer.body {
            return WatchStream(cluster: cluster, request: watch, clock: clock).response(to: request)
        }
        return Self.response(answer, isHead: request.method == .head)
    }

    /// Holds a request for as long as the server hangs; a client that gives up ends it.
    private func waitUntilBack() async throws {
        while await cluster.isHanging { try await Task.sleep(for: .milliseconds(100)) }
    }

    // MARK: Who asks

    /// Who asks; nil for a token that nobody knows.
    private func authenticate(_ request: Request) async -> Caller? {
        guard let header = request.headers[.authorization] else { return .anonymous }
        if header == "Bearer \(token)" { return .administrator }
        guard header.hasPrefix("Bearer ") else { return nil }
        return await cluster.caller(ofToken: String(header.dropFirst("Bearer ".count)), now: clock())
    }

    private static func failure(_ status: Int) -> APIStatus {
        switch status {
        case 429:
            APIStatus(
                code: 429, reason: "TooManyRequests",
                message: "Too many requests, please try again later.", retryAfter: 1)
        case 503:
            APIStatus(
                code: 503, reason: "ServiceUnavailable",
                message: "the server is currently unable to handle the request", retryAfter: 1)
        case 504:
            APIStatus(
                code: 504, reason: "Timeout", message: "request did not complete within the allotted timeout")
        default:
            APIStatus(code: 500, reason: "InternalError", message: "Internal error occurred: simulated fault")
        }
    }

    // MARK: HTTP to and fro

    private static func apiRequest(_ request: Request, body: [UInt8]) -> APIRequest {
        var query: [String: String] = [:]
        for pair in (request.uri.query ?? "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // Clients write a space as a plus, as forms do; a plus itself comes percent-encoded.
            let texts = sides.map { percentDecoded($0.replacing("+", with: " ")[...]) }
            if query[texts[0]] == nil { query[texts[0]] = texts.count > 1 ? texts[1] : "" }
        }
        let path = request.uri.path.split(separator: "/").map { percentDecoded($0) }
        return APIRequest(
            method: request.method.rawValue, path: path, query: query,
            contentType: request.headers[.contentType] ?? "", accept: request.headers[.accept] ?? "",
            userAgent: request.headers[.userAgent] ?? "", body: body)
    }

    private static func percentDecoded(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func response(_ answer: APIResponse, isHead: Bool = false) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = answer.contentType
        for (name, value) in answer.headers {
            if let field = HTTPField.Name(name) { headers.append(HTTPField(name: field, value: value)) }
        }
        var bytes: [UInt8] = []
        switch answer.body {
        case .json(let value): bytes = value.serializedBytes() + [UInt8(ascii: "\n")]
        case .text(let text): bytes = Array(text.utf8)
        case .watch: break
        }
        let body = isHead ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        return Response(status: .init(code: answer.status), headers: headers, body: body)
    }
}

/// A request's context: the connection it came on, so that a fault can cut it.
struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}
