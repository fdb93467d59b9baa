internal import AsyncHTTPClient
internal import KubernetesObjects
internal import NIOCore
public import NIOHTTP1

/// One request to an API server.
public struct KubernetesRequest: Sendable {
    /// The HTTP method.
    public var method: HTTPMethod
    /// The path, percent-encoded, with a leading slash.
    public var path: String
    /// Query parameters, not yet encoded.
    public var query: [(name: String, value: String)]
    /// The media types accepted.
    public var accept: String
    /// The media type of the body.
    public var contentType: String?
    /// The body.
    public var body: [UInt8]?
    /// How long the whole exchange may take; for a watch, how long it may last.
    public var timeout: Duration
    /// Leave to change something; nil for what only reads.
    private(set) var permit: WritePermit?

    /// Creates a request that changes something.
    init(
        _ method: HTTPMethod, _ path: String, permit: WritePermit, query: [(name: String, value: String)] = [],
        contentType: String, body: [UInt8], timeout: Duration
    ) {
        self.init(method, path, query: query, contentType: contentType, body: body, timeout: timeout)
        self.permit = permit
    }

    /// Creates a request.
    public init(
        _ method: HTTPMethod, _ path: String, query: [(name: String, value: String)] = [],
        accept: String = "application/json", contentType: String? = nil, body: [UInt8]? = nil,
        timeout: Duration = .seconds(30)
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.accept = accept
        self.contentType = contentType
        self.body = body
        self.timeout = timeout
    }

    /// Path and query as the request line has them.
    public var target: String {
        if query.isEmpty { return path }
        let pairs = query.map { pair in
            "\(KubernetesRequest.encoded(pair.name))=\(KubernetesRequest.encoded(pair.value))"
        }
        return path + "?" + pairs.joined(separator: "&")
    }

    /// Whether it may be sent: what changes something takes leave.
    var isPermitted: Bool { method == .GET || permit != nil }

    /// Whether its answer goes on until somebody ends it.
    var isWatch: Bool { query.contains { $0.name == "watch" } }

    /// What the request is called in errors: method and path, without the query.
    var summary: String { "\(method.rawValue) \(path)" }

    /// Percent-encodes all but RFC 3986's unreserved characters.
    static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                result += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return result
    }
}

/// An answer whose body is still to be read.
public struct KubernetesResponse: Sendable {
    /// The HTTP status.
    public var status: Int
    /// The headers.
    public var headers: HTTPHeaders
    /// The body, read once.
    public var body: ResponseBody

    /// Creates an answer.
    public init(status: Int, headers: HTTPHeaders = [:], body: ResponseBody) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// The bytes of an answer as they arrive; read only as fast as they are asked for.
public struct ResponseBody: AsyncSequence, Sendable {
    public typealias Element = [UInt8]
    public typealias Failure = any Error

    private enum Source: Sendable {
        case http(HTTPClientResponse.Body, onSilence: @Sendable () async -> Void)
        case stream(AsyncThrowingStream<[UInt8], any Error>)
    }

    private let source: Source

    /// - Parameter onSilence: Told when the server has said nothing for too long.
    init(_ body: HTTPClientResponse.Body, onSilence: @escaping @Sendable () async -> Void) {
        self.source = .http(body, onSilence: onSilence)
    }

    /// A body from a stream of chunks.
    public init(_ stream: AsyncThrowingStream<[UInt8], any Error>) {
        self.source = .stream(stream)
    }

    /// A body that is already there.
    public init(_ bytes: [UInt8]) {
        let (stream, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream(
            bufferingPolicy: .bufferingOldest(1))
        if !bytes.isEmpty { continuation.yield(bytes) }
        continuation.finish()
        self.source = .stream(stream)
    }

    public func makeAsyncIterator() -> Iterator {
        switch source {
        case .http(let body, let onSilence):
            Iterator(base: .http(body.makeAsyncIterator(), onSilence: onSilence))
        case .stream(let stream): Iterator(base: .stream(stream.makeAsyncIterator()))
        }
    }

    /// Reads the chunks of a body.
    public struct Iterator: AsyncIteratorProtocol {
        enum Base {
            case http(HTTPClientResponse.Body.AsyncIterator, onSilence: @Sendable () async -> Void)
            case stream(AsyncThrowingStream<[UInt8], any Error>.Iterator)
        }

        var base: Base

        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws -> [UInt8]? {
            switch base {
            case .http(var iterator, let onSilence):
                do {
                    let chunk = try await iterator.next(isolation: actor)
                    base = .http(iterator, onSilence: onSilence)
                    return chunk.map { Array($0.readableBytesView) }
                } catch {
                    if HTTPTransport.isSilence(error) { await onSilence() }
                    throw error
                }
            case .stream(var iterator):
                let chunk = try await iterator.next(isolation: actor)
                base = .stream(iterator)
                return chunk
            }
        }
    }
}

/// What carries requests to an API server; HTTP in production, a script in tests.
public protocol KubernetesTransport: Sendable {
    /// Sends a request and returns once the answer's head is there.
    ///
    /// - Throws: ``KubernetesError`` when no answer comes, `CancellationError` when the task is cancelled.
    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse

    /// Forgets cached credentials, so that the next request reads them again: the server did not accept them.
    func renewCredentials() async

    /// Closes connections. Nothing can be sent after.
    func shutdown() async
}
