internal import AsyncHTTPClient
internal import FoundationEssentials
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// Sends requests over HTTP/1.1 or HTTP/2 to wherever the server is now, with the credentials of now.
struct HTTPTransport: KubernetesTransport {
    private let clients: HTTPClients
    private let reader: ConnectionReader
    private let now: @Sendable () -> Date

    /// - Parameters:
    ///   - source: Says where the server is and who to be there.
    ///   - connections: The most HTTP/1.1 connections to the server, watches included.
    ///   - connectTimeout: How long connecting may take.
    ///   - now: The wall clock, to say what is wrong with a certificate.
    init(
        source: @escaping @Sendable () throws -> ClusterConnection, connections: Int, connectTimeout: Duration,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.now = now
        self.clients = HTTPClients(connections: connections, connectTimeout: connectTimeout)
        self.reader = ConnectionReader(source: source)
    }

    func renewCredentials() async {
        await reader.forget()
    }

    func shutdown() async {
        await clients.shutdown()
    }

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        let connection = try await reader.current()
        let server = connection.server
        let client = try await clients.client(for: connection.endpoint.hostOverride, isWatch: request.isWatch)
        var outgoing = HTTPClientRequest(url: connection.endpoint.base + request.target)
        outgoing.method = request.method
        outgoing.tlsConfiguration = connection.tls
        outgoing.headers.add(name: "accept", value: request.accept)
        outgoing.headers.add(name: "user-agent", value: "swift-kubernetes-client")
        if let authorization = connection.authorization {
            outgoing.headers.add(name: "authorization", value: authorization)
        }
        if let contentType = request.contentType { outgoing.headers.add(name: "content-type", value: contentType) }
        if let body = request.body { outgoing.body = .bytes(ByteBuffer(bytes: body)) }
        do {
            let deadline = NIODeadline.now() + .nanoseconds(request.timeout.nanosecondsClamped)
            let response = try await client.execute(outgoing, deadline: deadline)
            let clients = clients
            return KubernetesResponse(
                status: Int(response.status.code), headers: response.headers,
                body: ResponseBody(response.body) { await clients.retire(client) })
        } catch {
            if Self.isSilence(error) { await clients.retire(client) }
            if CertificateDiagnosis.isRefusal(error), let validity = await CertificateDiagnosis.validity(of: connection)
            {
                throw KubernetesError(
                    code: .noAnswer,
                    message: "\(request.summary) at \(server): "
                        + CertificateDiagnosis.words(validity, now: now()), cause: error)
            }
            throw HTTPTransport.translated(error, what: request.summary, server: server)
        }
    }

    /// Whether a server said nothing for too long, or its one connection had no room.
    static func isSilence(_ error: any Error) -> Bool {
        switch error as? HTTPClientError {
        case .deadlineExceeded?, .readTimeout?, .writeTimeout?, .getConnectionFromPoolTimeout?: true
        default: false
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
