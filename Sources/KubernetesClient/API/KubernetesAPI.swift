public import KubernetesObjects
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// An API server, ready to be asked.
///
/// Requests are bounded in number, time and size, and tried again as their failures deserve. Cancelling the task that
/// waits for an answer cancels the request.
public struct KubernetesAPI: Sendable {
    /// How requests are made.
    public struct Options: Sendable {
        /// The most requests under way at once; watches do not count.
        public var maximumRequests: Int = 16
        /// The most requests that wait for their turn; beyond, they are refused.
        public var maximumWaiting: Int = 4096
        /// The most watches at once.
        public var maximumWatches: Int = 128
        /// How long one attempt may take.
        public var requestTimeout: Duration = .seconds(30)
        /// How long connecting may take.
        public var connectTimeout: Duration = .seconds(10)
        /// The largest answer accepted, in bytes.
        public var maximumAnswerBytes: Int = 64 << 20
        /// How often a failed request is tried again.
        public var retry: RetryPolicy = RetryPolicy()
        /// The clock that delays are measured on.
        public var clock: any Clock<Duration> = ContinuousClock()
        /// Gives random numbers in 0 ..< 1, for jitter.
        public var chance: @Sendable () -> Double = { Double.random(in: 0..<1) }

        /// Creates the default options.
        public init() {}
    }

    /// What requests go over.
    package let transport: any KubernetesTransport
    let options: Options
    let logger: Logger
    private let limiter: RequestLimiter
    private let watchLimiter: RequestLimiter
    let discovery: Discovery
    let reach = ReachMonitor()
    let pause = ServerPause()
    let settled = SettledObjects()

    /// Prepares to talk to a server; nothing is sent yet. Call ``shutdown()`` when done.
    ///
    /// - Throws: ``KubernetesError`` when the connection's settings cannot be used.
    public init(connection: ClusterConnection, options: Options = Options()) throws {
        try self.init(options: options) { connection }
    }

    /// Prepares to talk to a server that may move; nothing is sent yet. Call ``shutdown()`` when done.
    ///
    /// - Parameters:
    ///   - options: How requests are made.
    ///   - source: Says where the server is and who to be there, such as by reading a kubeconfig. Asked now, then every
    ///     minute, and whenever the server does not answer or does not accept who asks.
    /// - Throws: ``KubernetesError`` when the connection's settings cannot be used; what `source` throws.
    public init(
        options: Options = Options(), source: @escaping @Sendable () throws -> ClusterConnection
    ) throws {
        // Reading now makes a wrong file an error at the start, not at the first request.
        _ = try ConnectionReader.read(source())
        let transport = HTTPTransport(
            source: source, connections: options.maximumRequests + options.maximumWatches,
            connectTimeout: options.connectTimeout)
        self.init(transport: transport, options: options)
    }

    /// Talks to a server over another transport.
    public init(transport: any KubernetesTransport, options: Options = Options()) {
        self.transport = transport
        self.options = options
        self.logger = Logger(label: "kubernetes.client")
        let limiter = RequestLimiter(
            maximumRunning: options.maximumRequests, maximumWaiting: options.maximumWaiting)
        self.limiter = limiter
        self.watchLimiter = RequestLimiter(
            maximumRunning: options.maximumWatches, maximumWaiting: options.maximumWaiting)
        let exchange = Exchange(
            transport: transport, options: options, limiter: limiter, reach: reach, pause: pause, logger: logger)
        self.exchange = exchange
        self.discovery = Discovery { path, accept in
            try await exchange.json(KubernetesRequest(.GET, path, accept: accept, timeout: options.requestTimeout))
        }
    }

    private(set) var exchange: Exchange
    /// Who is asked before each write.
    var guards: [any WriteGuard] = []

    /// The same client, which tells of requests that were answered with what may pass and will be sent again.
    ///
    /// - Parameter onRetry: Takes a request's method and path with the error, before each pause but a first short one; and
    ///   with nil once the request is answered for good, or given up.
    public func reportingRetries(
        _ onRetry: @escaping @Sendable (_ request: String, _ error: KubernetesError?) async -> Void
    ) -> KubernetesAPI {
        var copy = self
        copy.exchange.onRetry = onRetry
        return copy
    }

    /// Closes connections. Nothing can be asked after.
    public func shutdown() async {
        await transport.shutdown()
    }

    /// Runs an operation among the bounded number of watches.
    func watching<Result: Sendable>(_ operation: () async throws -> Result) async throws -> Result {
        try await watchLimiter.run(operation)
    }

    /// What the server says of itself.
    public func version() async throws -> ServerVersion {
        let json = try await exchange.json(KubernetesRequest(.GET, "/version", timeout: options.requestTimeout))
        guard let gitVersion = json["gitVersion"]?.stringValue else {
            throw KubernetesError(code: .invalidAnswer, message: "GET /version: the answer has no gitVersion")
        }
        return ServerVersion(
            gitVersion: gitVersion, major: json["major"]?.stringValue ?? "", minor: json["minor"]?.stringValue ?? "",
            platform: json["platform"]?.stringValue ?? "")
    }

    /// Where and how the server serves a type; asked for once and remembered.
    ///
    /// - Throws: ``KubernetesError/Code/unknownKind`` when it serves none such.
    public func resource(for type: GroupVersionKind) async throws -> APIResource {
        try await discovery.resource(for: type)
    }

    /// Does something with a type where the server serves it. Where the path turns out not to be served, what was remembered
    /// may be out of date: it is asked again, and what differs is tried once more.
    ///
    /// - Throws: That the path is not served, where the server says the same of it as before or knows nothing of the type: of
    ///   several servers behind one address, one may be behind the others. Whoever tries again hears which it was.
    func at<Result>(
        _ type: GroupVersionKind, _ body: (APIResource) async throws -> Result
    ) async throws -> Result {
        let resource = try await resource(for: type)
        do {
            return try await body(resource)
        } catch let error as KubernetesError where error.isPathUnserved {
            await discovery.forget(resource)
            let current: APIResource
            do {
                current = try await self.resource(for: type)
            } catch let unknown as KubernetesError where unknown.code == .unknownKind {
                throw error
            }
            guard current != resource else { throw error }
            return try await body(current)
        }
    }
}

/// What a server says of itself.
public struct ServerVersion: Sendable, Hashable {
    /// The full version: `v1.36.0`.
    public var gitVersion: String
    /// The major version.
    public var major: String
    /// The minor version; some distributions append a `+`.
    public var minor: String
    /// System and architecture: `linux/amd64`.
    public var platform: String
}
