internal import AsyncHTTPClient
private import FoundationEssentials
internal import KubernetesObjects
internal import NIOCore
internal import NIOHTTP1
private import NIOSSL
internal import ShownText
internal import SwellModel

/// Talks to the operator API.
struct OperatorClient: Sendable {
    let connection: Connection
    private let http: HTTPClient

    /// Runs the body with a client, which is closed afterwards.
    static func run<Result>(
        _ connection: Connection, _ body: (OperatorClient) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout = HTTPClient.Configuration.Timeout(connect: .seconds(5), read: .seconds(45))
        // The server's own least, too: whoever stands in between cannot talk both into an older one.
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        if let file = connection.caFile {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
            } catch {
                throw CommandError(
                    code: .connection, message: "the certificates in '\(file)' cannot be read", cause: error)
            }
        }
        configuration.tlsConfiguration = tls
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let result = try await body(OperatorClient(connection: connection, http: http))
            try await http.shutdown()
            return result
        } catch {
            try? await http.shutdown()
            throw error
        }
    }

    func get(_ path: String) async throws -> JSONValue { try await send(.GET, path, nil) }
    func get<Value: Decodable>(_ path: String, as type: Value.Type) async throws -> Value {
        try await get(path).decoded(as: type)
    }
    func delete(_ path: String) async throws { _ = try await send(.DELETE, path, nil) }

    /// Posts a value and gives the answer; `.null` where there is none.
    @discardableResult
    func post(_ path: String, _ body: some Encodable) async throws -> JSONValue {
        try await send(.POST, path, Array(JSONEncoder().encode(body)))
    }

    private func send(_ method: HTTPMethod, _ path: String, _ body: [UInt8]?) async throws -> JSONValue {
        try Self.check(path)
        var request = makeRequest(method, path)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let (status, bytes) = try await reaching { () async throws -> (HTTPResponseStatus, [UInt8]) in
            let response = try await http.execute(request, timeout: .seconds(120))
            return (response.status, Array(try await response.body.collect(upTo: 256 << 20).readableBytesView))
        }
        let value = bytes.isEmpty ? JSONValue.null : (try? JSONValue(parsing: bytes, duplicateKeys: .keepLast)) ?? .null
        guard (200..<300).contains(status.code) else {
            if let error = speaksTLS(status, bytes) { throw error }
            throw Self.error(status, value)
        }
        return value
    }

    /// Opens a stream and hands over its events until it ends, or `onEvent` says that it has seen enough.
    ///
    /// - Returns: Whether `onEvent` had seen enough.
    func stream(
        _ path: String, lastEventID: String?, onEvent: (ServerSentEvent) async throws -> Bool
    ) async throws -> Bool {
        try Self.check(path)
        var request = makeRequest(.GET, path)
        request.headers.add(name: "Accept", value: "text/event-stream")
        if let lastEventID { request.headers.add(name: "Last-Event-ID", value: lastEventID) }
        let response = try await reaching { try await http.execute(request, deadline: .distantFuture) }
        guard response.status == .ok else {
            let body = try? await response.body.collect(upTo: 1 << 20)
            throw Self.error(response.status, body.flatMap { try? JSONValue(parsing: $0.readableBytesView) } ?? .null)
        }
        return try await reaching {
            var parser = ServerSentEventParser()
            for try await chunk in response.body {
                for event in try parser.append(chunk.readableBytesView) where try await onEvent(event) { return true }
            }
            return false
        }
    }

    /// A name or an id that is empty leaves a hole in the path, and nothing is found there or something else.
    static func check(_ path: String) throws {
        let place = path.prefix { $0 != "?" }
        guard !place.dropFirst().split(separator: "/", omittingEmptySubsequences: false).contains("") else {
            throw CommandError(code: .usage, message: "a name or an id is empty; write the one that is meant")
        }
    }

    private func makeRequest(_ method: HTTPMethod, _ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: connection.server.description + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(connection.token)")
        request.headers.add(name: "User-Agent", value: "swell/\(SwellVersion.text)")
        return request
    }

    /// Whatever fails below HTTP means that the server was not reached.
    private func reaching<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as CommandError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw CommandError(
                code: .connection,
                message:
                    "\(connection.server) cannot be reached: \(await certificateProblem(error) ?? explanation(error))",
                cause: error)
        }
    }

    /// What a server that expects TLS answers to plain HTTP, where it answers.
    private func speaksTLS(_ status: HTTPResponseStatus, _ body: [UInt8]) -> CommandError? {
        let text = String(decoding: body.prefix(1_024), as: UTF8.self)
        guard !connection.server.isTLS, status == .badRequest, text.contains("TLS") || text.contains("HTTPS") else {
            return nil
        }
        return CommandError(code: .connection, message: "\(connection.server) speaks TLS: \(adviceToUseTLS)")
    }

    private var adviceToUseTLS: String {
        "use \(connection.server.withScheme(tls: true)), with the authority's certificates by --ca-file or SWELL_CA_FILE"
    }

    private static func isDistrust(_ text: String) -> Bool {
        ["CERTIFICATE_VERIFY_FAILED", "unableToValidateCertificate"].contains { text.contains($0) }
    }

    /// What is wrong with the times of a certificate that was not trusted; nil where they are right, or something else is wrong.
    private func certificateProblem(_ error: any Error) async -> String? {
        guard Self.isDistrust("\(error)") else { return nil }
        return await ShownCertificate(of: connection.server)?.problem(at: .onThisMachine)
    }

    private func explanation(_ error: any Error) -> String {
        let text = "\(error)"
        func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if Self.isDistrust(text) {
            return "its certificate is not trusted; give the authority's with --ca-file or SWELL_CA_FILE"
        }
        if says("failedToValidateHostname") {
            return
                "its certificate does not name \(connection.server.host): dial a name that is in it, or have the coordinator "
                + "started with --server-name and this one beside the others"
        }
        if says("connectTimeout") { return "it does not answer" }
        if says("Connection refused", "errno: 111") { return "nothing listens there" }
        if says("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_RECORD", "UNKNOWN_PROTOCOL") {
            let advice =
                connection.server.isLoopback
                ? "if that is meant, use \(connection.server.withScheme(tls: false))"
                : "look for its https port: a token is not sent to another machine without TLS"
            return "it does not speak TLS; \(advice)"
        }
        if says("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL") {
            return "it does not speak TLS 1.3; is that the operator API of this version?"
        }
        if says("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE_ON_CLIENT_HELLO", "NO_APPLICATION_PROTOCOL") {
            return "it wants another kind of client; is that the agents' port? The operator API's is 7080 by default"
        }
        if says("remoteConnectionClosed", "uncleanShutdown", "Connection reset", "errno: 104") {
            return connection.server.isTLS
                ? "it closed the connection without an answer; is that the operator API's port (7080 by default)?"
                : "it closed the connection without an answer; if it speaks TLS, \(adviceToUseTLS)"
        }
        if says("handshakeFailed", "HandshakeError", "NIOSSLError") {
            return "TLS was not agreed on; is that the operator API's port (7080 by default)? (\(text.prefix(200)))"
        }
        return text
    }

    private static func error(_ status: HTTPResponseStatus, _ body: JSONValue) -> CommandError {
        if status == .unauthorized {
            return CommandError(
                code: .connection,
                message: "the server does not know the token; give an operator's with --token-file PATH, or set "
                    + "SWELL_TOKEN_FILE or SWELL_TOKEN")
        }
        if status == .unsupportedMediaType {
            return CommandError(
                code: .connection,
                message:
                    "no operator API answers there; is that one of the agents' ports? The operator API's port is 7080 "
                    + "by default")
        }
        if let problem = try? body.decoded(as: Problem.self) { return CommandError(problem) }
        return CommandError(
            Problem(code: "http", title: "", status: Int(status.code), detail: "the server answered \(status)"))
    }
}

extension JSONValue {
    /// The value as a type of ours, to be shown: whatever a terminal would act upon is spelled out in its texts.
    func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(shown.serializedBytes()))
        } catch {
            throw CommandError(
                code: .refused, message: "the server's answer is not understood; is it of another version?",
                cause: error)
        }
    }
}

extension JSONValue {
    /// The value with every text as a terminal may have it. Line ends stay as they are: what shows a text deals with them.
    private var shown: JSONValue {
        switch self {
        case .string(let text):
            .string(
                text.utf8.contains(0x0D)
                    ? text.unicodeScalars.split(separator: "\r", omittingEmptySubsequences: false)
                        .map { PlainText.shown(String($0)) }.joined(separator: "\r")
                    : PlainText.shown(text))
        case .array(let elements): .array(elements.map(\.shown))
        case .object(let members): .object(members.mapValues(\.shown))
        default: self
        }
    }
}

/// A segment of a path with everything but plain characters escaped.
func segment(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        let isPlain =
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x7E
        if isPlain {
            result.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            let digits = String(byte, radix: 16, uppercase: true)
            result += "%" + (digits.utf8.count == 1 ? "0" : "") + digits
        }
    }
    return result
}
