internal import AsyncHTTPClient
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// Sends requests over HTTP/1.1 or HTTP/2 with the credentials of a connection.
struct HTTPTransport: KubernetesTransport {
    private let client: HTTPClient
    private let base: String
    private let server: String
    private let credentials: CredentialReader

    /// - Parameters:
    ///   - connection: The server and the credentials.
    ///   - connections: The most HTTP/1.1 connections to the server, watches included.
    ///   - connectTimeout: How long connecting may take.
    init(connection: ClusterConnection, connections: Int, connectTimeout: Duration) throws {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        // A refused connection is told at once; trying again is this client's own business.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .nanoseconds(connectTimeout.nanosecondsClamped)
        let endpoint = try connection.endpoint()
        // The name that TLS checks goes into the URL, and the true host behind it.
        if let override = endpoint.hostOverride { configuration.dnsOverride = [override.name: override.host] }
        self.client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.base = endpoint.base
        self.server = connection.server
        self.credentials = CredentialReader(connection: connection)
    }

    func renewCredentials() async {
        await credentials.forget()
    }

    func shutdown() async {
        // A second shutdown is all that can fail, and changes nothing.
        try? await client.shutdown()
    }

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        let credentials = try await credentials.current()
        var outgoing = HTTPClientRequest(url: base + request.target)
        outgoing.method = request.method
        outgoing.tlsConfiguration = credentials.tls
        outgoing.headers.add(name: "accept", value: request.accept)
        outgoing.headers.add(name: "user-agent", value: "swift-kubernetes-client")
        if let authorization = credentials.authorization {
            outgoing.headers.add(name: "authorization", value: authorization)
        }
        if let contentType = request.contentType { outgoing.headers.add(name: "content-type", value: contentType) }
        if let body = request.body { outgoing.body = .bytes(ByteBuffer(bytes: body)) }
        do {
            let deadline = NIODeadline.now() + .nanoseconds(request.timeout.nanosecondsClamped)
            let response = try await client.execute(outgoing, deadline: deadline)
            return KubernetesResponse(
                status: Int(response.status.code), headers: response.headers, body: ResponseBody(response.body))
        } catch {
            throw HTTPTransport.translated(error, what: request.summary, server: server)
        }
    }

    /// The error of a lower layer as one of ours.
    static func translated(_ error: any Error, what: String, server: String) -> any Error {
        if error is CancellationError || error is KubernetesError { return error }
        if let failure = error as? HTTPClientError {
            switch failure {
            case .cancelled:
                return Task.isCancelled
                    ? CancellationError()
                    : KubernetesError(
                        code: .noAnswer, message: "\(what) at \(server): the exchange was cut", cause: error)
            case .deadlineExceeded, .readTimeout, .writeTimeout, .getConnectionFromPoolTimeout:
                return KubernetesError(code: .timeout, message: "\(what) at \(server): no answer in time", cause: error)
            case .connectTimeout, .tlsHandshakeTimeout:
                return KubernetesError(
                    code: .timeout, message: "\(what) at \(server): no connection in time", cause: error)
            case .remoteConnectionClosed, .uncleanShutdown:
                return KubernetesError(
                    code: .noAnswer, message: "\(what) at \(server): the server closed the connection", cause: error)
            default: break
            }
        }
        return KubernetesError(code: .noAnswer, message: "\(what) at \(server): \(error)", cause: error)
    }
}

extension Duration {
    /// This duration in nanoseconds, at most what 64 bits hold.
    var nanosecondsClamped: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product + attoseconds / 1_000_000_000
    }

    /// This duration in seconds.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
