/// The pool's decisions: events in, actions out. No connection, clock, randomness or task inside.
///
/// While opening fails, one attempt at a time is made, so that a server that comes back is not stampeded.
struct PoolStateMachine {
    typealias ConnectionID = Int
    typealias RequestID = Int
    typealias Instant = ContinuousClock.Instant

    enum Action: Equatable {
        /// Open a connection after a delay.
        case open(ConnectionID, after: Duration)
        /// Close an open connection, and say when it is done.
        case close(ConnectionID)
        /// See whether an idle connection still answers.
        case probe(ConnectionID)
        /// Give a connection to a waiter.
        case lend(ConnectionID, RequestID)
        case refuse(RequestID, Refusal)
        /// Everything is closed.
        case stop
    }

    enum Refusal: Equatable {
        case exhausted(waiting: Int)
        case shutDown
    }

    enum Phase { case idleBeforeStart, running, shuttingDown, stopped }

    private enum Slot {
        case opening
        case idle(since: Instant)
        case probing
        case lent
        case closing
    }

    private struct Connection {
        var slot: Slot
        var openedAt: Instant?
    }

    let settings: PostgresPoolSettings
    private(set) var phase = Phase.idleBeforeStart
    private var connections: [ConnectionID: Connection] = [:]
    /// Idle connections, the most recently used last: it is the one lent next, so that spare ones grow old and go.
    private var idle: [ConnectionID] = []
    private var waiting: [RequestID] = []
    private var nextConnection = 1
    /// Failures to open since the last success.
    private(set) var failures = 0

    init(settings: PostgresPoolSettings) { self.settings = settings }

    /// What the pool holds, for messages and metrics.
    var status: PostgresPoolStatus {
        var status = PostgresPoolStatus(
            idle: 0, lent: 0, opening: 0, closing: 0, waiting: waiting.count, maximum: settings.maximum)
        for connection in connections.values {
            switch connection.slot {
            case .opening: status.opening += 1
            case .idle, .probing: status.idle += 1
            case .lent: status.lent += 1
            case .closing: status.closing += 1
            }
        }
        return status
    }

    // MARK: Events

    mutating func start() -> [Action] {
        guard phase == .idleBeforeStart else { return [] }
        phase = .running
        return replenish()
    }

    /// Somebody wants a connection.
    mutating func requested(_ request: RequestID) -> [Action] {
        guard phase != .shuttingDown, phase != .stopped else { return [.refuse(request, .shutDown)] }
        if let connection = idle.popLast() {
            connections[connection]?.slot = .lent
            return [.lend(connection, request)]
        }
        guard waiting.count < settings.maximumWaiting else {
            return [.refuse(request, .exhausted(waiting: waiting.count))]
        }
        waiting.append(request)
        return replenish()
    }

    /// Somebody no longer wants a connection. Returns whether the request was still waiting.
    mutating func withdrawn(_ request: RequestID) -> Bool {
        guard let position = waiting.firstIndex(of: request) else { return false }
        waiting.remove(at: position)
        return true
    }

    mutating func opened(_ connection: ConnectionID, now: Instant) -> [Action] {
        guard case .opening? = connections[connection]?.slot else { return [] }
        failures = 0
        connections[connection]?.openedAt = now
        return becameFree(connection, now: now) + replenish()
    }

    /// - Parameter jitter: from 0 to 1; spreads the next attempts of many processes.
    mutating func openFailed(_ connection: ConnectionID, jitter: Double) -> [Action] {
        guard case .opening? = connections[connection]?.slot else { return [] }
        connections[connection] = nil
        failures += 1
        return replenish(jitter: jitter) + stopIfDone()
    }

    /// A borrower brings a connection back.
    mutating func returned(_ connection: ConnectionID, usable: Bool, now: Instant) -> [Action] {
        guard case .lent? = connections[connection]?.slot else { return [] }
        guard usable, !isTooOld(connection, now: now) else { return close(connection) + replenish() }
        return becameFree(connection, now: now)
    }

    mutating func probed(_ connection: ConnectionID, usable: Bool, now: Instant) -> [Action] {
        guard case .probing? = connections[connection]?.slot else { return [] }
        guard usable else { return close(connection) + replenish() }
        return becameFree(connection, now: now)
    }

    mutating func closed(_ connection: ConnectionID) -> [Action] {
        guard case .closing? = connections[connection]?.slot else { return [] }
        connections[connection] = nil
        return replenish() + stopIfDone()
    }

    /// Time has passed: spare and old idle connections go, the others are probed.
    mutating func tick(now: Instant) -> [Action] {
        guard phase == .running else { return [] }
        var actions: [Action] = []
        var total = connections.count
        for connection in idle {
            guard case .idle(let since)? = connections[connection]?.slot else { continue }
            let age = since.duration(to: now)
            if isTooOld(connection, now: now) || (age >= settings.idleTimeout && total > settings.minimum) {
                total -= 1
                actions += close(connection)
            } else if age >= settings.probeAfter {
                connections[connection]?.slot = .probing
                actions.append(.probe(connection))
            }
        }
        idle.removeAll { connection in
            if case .idle? = connections[connection]?.slot { return false }
            return true
        }
        return actions + replenish()
    }

    /// No more lending; what is lent is closed when it comes back.
    mutating func shutDown() -> [Action] {
        guard phase == .running || phase == .idleBeforeStart else { return [] }
        phase = .shuttingDown
        var actions: [Action] = waiting.map { .refuse($0, .shutDown) }
        waiting.removeAll()
        for connection in idle { actions += close(connection) }
        idle.removeAll()
        return actions + stopIfDone()
    }

    // MARK: Decisions

    private mutating func becameFree(_ connection: ConnectionID, now: Instant) -> [Action] {
        guard phase == .running else { return close(connection) }
        guard let request = waiting.first else {
            connections[connection]?.slot = .idle(since: now)
            idle.append(connection)
            return []
        }
        waiting.removeFirst()
        connections[connection]?.slot = .lent
        return [.lend(connection, request)]
    }

    private mutating func close(_ connection: ConnectionID) -> [Action] {
        connections[connection]?.slot = .closing
        return [.close(connection)]
    }

    private func isTooOld(_ connection: ConnectionID, now: Instant) -> Bool {
        guard let openedAt = connections[connection]?.openedAt else { return false }
        return openedAt.duration(to: now) >= settings.maximumLifetime
    }

    /// Opens as many connections as the minimum and the waiters need.
    private mutating func replenish(jitter: Double = 0) -> [Action] {
        guard phase == .running else { return [] }
        let now = status
        let alive = now.idle + now.lent + now.opening
        let forWaiters = waiting.count - now.opening
        var wanted = max(forWaiters, settings.minimum - alive)
        wanted = min(wanted, settings.maximum - alive - now.closing)
        if failures > 0 { wanted = min(wanted, now.opening > 0 ? 0 : 1) }
        guard wanted > 0 else { return [] }
        return (0..<wanted).map { _ in
            let connection = nextConnection
            nextConnection += 1
            connections[connection] = Connection(slot: .opening, openedAt: nil)
            return .open(connection, after: backoff(jitter: jitter))
        }
    }

    /// Doubles with each failure up to the ceiling; between half and all of it.
    private func backoff(jitter: Double) -> Duration {
        guard failures > 0 else { return .zero }
        let base = settings.reconnectDelay * Double(1 << min(failures - 1, 16))
        let ceiling = min(base, settings.maximumReconnectDelay)
        return ceiling * (0.5 + 0.5 * min(max(jitter, 0), 1))
    }

    private mutating func stopIfDone() -> [Action] {
        guard phase == .shuttingDown, connections.isEmpty else { return [] }
        phase = .stopped
        return [.stop]
    }
}
