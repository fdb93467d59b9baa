internal import Glibc
package import NIOCore
internal import NIOPosix
internal import Synchronization

/// A stretch of network between two of the processes under test, that tests can spoil: a TCP proxy on the loopback interface.
///
/// A black hole holds bytes back instead of losing them, and tells neither side that the other hung up: what TCP makes of
/// packets that get lost and are sent again. Only a handshake is answered that a real hole would swallow.
package final class NetworkLink: Sendable {
    /// Which way bytes go, as seen from who dials.
    package enum Direction: Sendable, Hashable { case outward, inward }

    /// What the link does to connections, open ones and new ones.
    package enum Weather: Sendable, Hashable {
        case clear
        /// Every piece arrives later.
        case delayed(by: TimeAmount)
        /// Nothing arrives, one way or both, and nobody is told.
        case blackHole(Set<Direction>)
        /// Connections end in good order; new ones are closed at once.
        case cut
        /// Connections are reset; new ones too.
        case reset

        func holds(_ direction: Direction) -> Bool {
            if case .blackHole(let directions) = self { directions.contains(direction) } else { false }
        }

        var delay: TimeAmount? { if case .delayed(let amount) = self { amount } else { nil } }
    }

    private struct State {
        var weather = Weather.clear
        var destinations: [Int]
        var next = 0
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    private let state: Mutex<State>
    private let listener: Mutex<(any Channel)?> = Mutex(nil)
    package let port: Int

    /// Listens on a free port and leads to the first of `destinations`, ports of the loopback interface, that answers; each
    /// connection begins with another one, as a load balancer does.
    package init(to destinations: [Int]) async throws {
        state = Mutex(State(destinations: destinations))
        port = try FreePort.find()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { [self] channel in accept(channel) }
            .bind(host: "127.0.0.1", port: port).get()
        listener.withLock { $0 = channel }
    }

    /// Changes the weather for all connections.
    package func set(_ weather: Weather) {
        let channels = state.withLock { state in
            state.weather = weather
            return Array(state.channels.values)
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(weather) }
    }

    /// Leads new connections elsewhere.
    package func lead(to destinations: [Int]) { state.withLock { $0.destinations = destinations } }

    /// Ends it with all of its connections.
    package func close() async {
        set(.reset)
        let channel = listener.withLock { $0 }
        try? await channel?.close().get()
    }

    // MARK: Connections

    private func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        let weather = enter(channel)
        return channel.eventLoop.makeCompletedFuture {
            let end = LinkEnd(direction: .outward, weather: weather)
            try channel.pipeline.syncOperations.addHandler(end)
            end.dial = { [self] end, context in dial(for: end, context) }
        }
    }

    private func enter(_ channel: any Channel) -> Weather {
        let id = ObjectIdentifier(channel)
        channel.closeFuture.whenComplete { [self] _ in state.withLock { $0.channels[id] = nil } }
        return state.withLock { state in
            state.channels[id] = channel
            return state.weather
        }
    }

    /// The destinations in the order in which to try them.
    private func route() -> [Int] {
        state.withLock { state in
            state.next += 1
            let count = state.destinations.count
            return (0..<count).map { state.destinations[(state.next + $0) % count] }
        }
    }

    private func dial(for near: LinkEnd, _ context: ChannelHandlerContext) {
        dial(route()[...], for: near, context)
    }

    private func dial(_ route: ArraySlice<Int>, for near: LinkEnd, _ context: ChannelHandlerContext) {
        guard let port = route.first else { return near.close(context) }
        let loop = context.eventLoop
        let attempt = ClientBootstrap(group: loop).channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: port)
        attempt.assumeIsolated().whenComplete { [self] result in
            switch result {
            case .failure: dial(route.dropFirst(), for: near, context)
            case .success(let channel):
                let far = LinkEnd(direction: .inward, weather: enter(channel))
                do {
                    try channel.pipeline.syncOperations.addHandler(far)
                } catch {
                    return near.close(context)
                }
                LinkEnd.join(near, far)
            }
        }
    }
}

/// One end of a connection that goes through a link. Both ends live on one event loop, so neither needs a lock.
private final class LinkEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Which way the bytes go that are read here.
    private let direction: NetworkLink.Direction
    private var weather: NetworkLink.Weather
    private var context: ChannelHandlerContext?
    private var partner: LinkEnd?
    /// Read and not handed on yet.
    private var pending: ByteBuffer?
    private var isOnTheWay = false
    private var isClosed = false
    /// Dials the other side once the weather lets it; for the end that was accepted.
    var dial: ((LinkEnd, ChannelHandlerContext) -> Void)? {
        didSet { begin() }
    }

    init(direction: NetworkLink.Direction, weather: NetworkLink.Weather) {
        self.direction = direction
        self.weather = weather
    }

    static func join(_ near: LinkEnd, _ far: LinkEnd) {
        near.partner = far
        far.partner = near
        for end in [near, far] {
            end.apply()
            end.goOn()
        }
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // The end that is left still has to learn of this one's, once the weather lets it.
        guard let partner, partner.context == nil else { return }
        partner.partner = nil
        self.partner = nil
    }

    func channelActive(context: ChannelHandlerContext) { begin() }

    /// Once: when there is a connection, someone to dial for it, and no hole in between.
    private func begin() {
        guard let context, context.channel.isActive, let dial else { return }
        apply()
        guard !isClosed, partner == nil, !weather.holds(.outward) else { return }
        self.dial = nil
        dial(self, context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let weather = event as? NetworkLink.Weather else { return }
        self.weather = weather
        apply()
        begin()
        goOn()
        if let partner, partner.context == nil {
            partner.weather = weather
            partner.goOn()
        }
    }

    /// Ends the connection where the weather says so.
    private func apply() {
        guard let context else { return }
        switch weather {
        case .cut: close(context)
        case .reset:
            if let socket = context.channel as? any SocketOptionProvider {
                socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).assumeIsolated()
                    .whenComplete { [self] _ in close(context) }
            } else {
                close(context)
            }
        case .clear, .delayed, .blackHole: break
        }
    }

    func close(_ context: ChannelHandlerContext) {
        isClosed = true
        context.close(promise: nil)
    }

    // MARK: Bytes

    /// Reads on, hands on, or hands on the end: whatever is due.
    private func goOn() {
        guard !isOnTheWay, !weather.holds(direction), let partner else { return }
        if let bytes = pending {
            pending = nil
            isOnTheWay = true
            guard let delay = weather.delay, let context else { return send(bytes, to: partner) }
            context.eventLoop.assumeIsolated().scheduleTask(in: delay) { [self] in send(bytes, to: partner) }
        } else if isClosed {
            partner.context.map { partner.close($0) }
        } else {
            context?.read()
        }
    }

    private func send(_ bytes: ByteBuffer, to partner: LinkEnd) {
        guard let other = partner.context else {
            isOnTheWay = false
            return goOn()
        }
        let promise = other.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [self] _ in
            isOnTheWay = false
            goOn()
        }
        other.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        pending?.writeBuffer(&bytes)
        if pending == nil { pending = bytes }
    }

    func channelReadComplete(context: ChannelHandlerContext) { goOn() }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        goOn()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close(context) }
}
