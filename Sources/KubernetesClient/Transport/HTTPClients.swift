internal import AsyncHTTPClient
internal import NIOCore

/// The HTTP clients in use: one for requests and some for watches, and others where the server moved whose name TLS must check
/// by a mapping of the client's own.
///
/// An API server lets a connection have 100 streams (250 before v1.29), and a client has one connection over HTTP/2 alone: what
/// does not fit waits until another one has ended, which watches do after minutes. So they are spread over clients of their own.
///
/// Clients of former places are kept until the end, since answers may still be under way on them; past ``capacity`` a further
/// move is refused.
actor HTTPClients {
    private struct Place: Hashable {
        var name: String
        var host: String
    }

    private struct Lane: Hashable {
        var place: Place?
        /// 0 is for requests, all others are for watches.
        var number: Int
    }

    private static let capacity = 16
    /// How many clients that were retired are kept; past that the oldest is shut down, and what is under way on it is cut.
    private static let retiredCapacity = 64
    /// How many watches share a client, of as many as there may be at once. They come and go in any order, so that one client
    /// may get some more than its share.
    private static let watchesOfALane = 32
    private let connections: Int
    private let connectTimeout: Duration
    private let lanes: Int
    private var lastLane = 0
    private var clients: [Lane: HTTPClient] = [:]
    /// Clients that are used no more, the oldest first: what is under way on them may still end well.
    private var retired: [HTTPClient] = []
    private var isShutDown = false

    init(connections: Int, connectTimeout: Duration) {
        self.connections = connections
        self.connectTimeout = connectTimeout
        self.lanes = max(1, connections / Self.watchesOfALane)
    }

    func client(for override: (name: String, host: String)?, isWatch: Bool) throws -> HTTPClient {
        let place = override.map { Place(name: $0.name, host: $0.host) }
        if isWatch { lastLane = lastLane % lanes + 1 }
        let lane = Lane(place: place, number: isWatch ? lastLane : 0)
        if let client = clients[lane] { return client }
        let places = Set(clients.keys.map(\.place))
        guard places.contains(place) || places.count < Self.capacity, !isShutDown else {
            throw KubernetesError(
                code: .invalidConfiguration,
                message: isShutDown
                    ? "the client was shut down" : "the API server moved \(Self.capacity) times; start again")
        }
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        // A refused connection is told at once; trying again is this client's own business.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .nanoseconds(connectTimeout.nanosecondsClamped)
        // Servers bookmark their watches every minute: one that says nothing for longer may be cut without our knowing.
        configuration.timeout.read = .seconds(100)
        // The name that TLS checks goes into the URL, and the true host behind it.
        if let place { configuration.dnsOverride = [place.name: place.host] }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        clients[lane] = client
        return client
    }

    /// Uses a client no more on which the server has fallen silent: over HTTP/2 all that follows would go over the same connection,
    /// which the system takes a quarter of an hour to find dead. The next request connects again.
    func retire(_ client: HTTPClient) async {
        guard let lane = clients.first(where: { $0.value === client })?.key else { return }
        clients[lane] = nil
        retired.append(client)
        guard retired.count > Self.retiredCapacity else { return }
        try? await retired.removeFirst().shutdown()
    }

    func shutdown() async {
        isShutDown = true
        let all = Array(clients.values) + retired
        clients = [:]
        retired = []
        // A second shutdown is all that can fail, and changes nothing.
        for client in all { try? await client.shutdown() }
    }
}
