internal import DequeModule
internal import Logging

/// Carries the pool's decisions out: holds the connections and those who wait for one.
actor PoolShell {
    typealias ConnectionID = PoolStateMachine.ConnectionID
    typealias RequestID = PoolStateMachine.RequestID

    /// What the running service has to do. At most a few entries a connection.
    enum Work {
        case open(ConnectionID, after: Duration)
        case close(ConnectionID, PostgresConnection)
        case probe(ConnectionID, PostgresConnection)
    }

    /// A connection in somebody's hands.
    struct Lease {
        let id: ConnectionID
        let connection: PostgresConnection
    }

    enum Withdrawal {
        case timedOut(after: Duration)
        case cancelled
    }

    private enum Waiter {
        /// Asked, but not yet listening for the answer.
        case announced
        case listening(CheckedContinuation<Lease, any Error>)
        case answered(Result<Lease, PostgresError>)
    }

    private var machine: PoolStateMachine
    private let target: String
    private let logger: Logger
    private var connections: [ConnectionID: PostgresConnection] = [:]
    private var waiters: [RequestID: Waiter] = [:]
    private var nextRequest = 1
    private var work: Deque<Work> = []
    private var worker: CheckedContinuation<Work?, Never>?
    private var isStopped = false
    private var lastOpenError: PostgresError?

    init(settings: PostgresPoolSettings, target: String, logger: Logger) {
        machine = PoolStateMachine(settings: settings)
        self.target = target
        self.logger = logger
    }

    var status: PostgresPoolStatus { machine.status }

    // MARK: Borrowers

    enum Announcement {
        case lent(Lease)
        case waiting(RequestID)
    }

    /// Asks for a connection: there is one at once, or a number to wait under.
    func request() throws -> Announcement {
        let request = nextRequest
        nextRequest += 1
        waiters[request] = .announced
        carryOut(machine.requested(request))
        guard case .answered(let answer)? = waiters[request] else { return .waiting(request) }
        waiters[request] = nil
        return .lent(try answer.get())
    }

    /// Waits for the answer to a request. It comes for certain: from the pool, or by ``withdraw(_:_:)``.
    func answer(to request: RequestID) async throws -> Lease {
        try await withCheckedThrowingContinuation { continuation in
            guard case .answered(let answer)? = waiters[request] else {
                waiters[request] = .listening(continuation)
                return
            }
            waiters[request] = nil
            continuation.resume(with: answer.mapError { $0 as any Error })
        }
    }

    /// Ends a wait, unless a connection was found already.
    func withdraw(_ request: RequestID, _ reason: Withdrawal) {
        let status = machine.status
        guard machine.withdrawn(request) else { return }
        switch reason {
        case .cancelled:
            answer(
                request,
                .failure(
                    PostgresError(
                        .cancelled, "the task was cancelled while it waited for a connection",
                        cause: CancellationError())))
        case .timedOut(let limit):
            var message =
                "no connection to \(target) came free within \(limit): \(status.lent) of \(status.maximum) are in use, "
            message += "\(status.opening) are being opened, \(status.waiting) callers wait"
            if lastOpenError != nil { message += "; the last attempt to open one failed" }
            answer(request, .failure(PostgresError(.poolTimeout, message, cause: lastOpenError)))
        }
    }

    func giveBack(_ id: ConnectionID, usable: Bool) {
        carryOut(machine.returned(id, usable: usable, now: .now))
    }

    private func answer(_ request: RequestID, _ answer: Result<Lease, PostgresError>) {
        switch waiters[request] {
        case .announced?: waiters[request] = .answered(answer)
        case .listening(let continuation)?:
            waiters[request] = nil
            continuation.resume(with: answer.mapError { $0 as any Error })
        case .answered?, nil: break
        }
    }

    // MARK: The service

    func start() { carryOut(machine.start()) }

    func tick() { carryOut(machine.tick(now: .now)) }

    func shutDown() { carryOut(machine.shutDown()) }

    /// Closes what is lent too, under its borrowers.
    func closeLent() async {
        for connection in connections.values { await connection.close() }
    }

    /// The next thing to do; `nil` once everything is closed. One caller at a time.
    func nextWork() async -> Work? {
        if let next = work.popFirst() { return next }
        if isStopped { return nil }
        return await withCheckedContinuation { worker = $0 }
    }

    func opened(_ id: ConnectionID, _ connection: PostgresConnection) {
        connections[id] = connection
        lastOpenError = nil
        carryOut(machine.opened(id, now: .now))
    }

    func openFailed(_ id: ConnectionID, _ error: PostgresError, jitter: Double) {
        if error.code != .cancelled { lastOpenError = error }
        logger.debug("PostgreSQL connection could not be opened", metadata: ["error": "\(error)"])
        carryOut(machine.openFailed(id, jitter: jitter))
    }

    func probed(_ id: ConnectionID, usable: Bool) { carryOut(machine.probed(id, usable: usable, now: .now)) }

    func closed(_ id: ConnectionID) { carryOut(machine.closed(id)) }

    private func carryOut(_ actions: [PoolStateMachine.Action]) {
        for action in actions {
            switch action {
            case .open(let id, let delay): add(.open(id, after: delay))
            case .probe(let id): if let connection = connections[id] { add(.probe(id, connection)) }
            case .close(let id): if let connection = connections.removeValue(forKey: id) { add(.close(id, connection)) }
            case .lend(let id, let request):
                if let connection = connections[id] { answer(request, .success(Lease(id: id, connection: connection))) }
            case .refuse(let request, .shutDown):
                answer(
                    request,
                    .failure(PostgresError(.poolShutDown, "the pool of connections to \(target) is shutting down")))
            case .refuse(let request, .exhausted(let waiting)):
                let status = machine.status
                answer(
                    request,
                    .failure(
                        PostgresError(
                            .poolExhausted,
                            "\(waiting) callers wait for a connection to \(target) already, and \(status.lent) of "
                                + "\(status.maximum) are in use", cause: lastOpenError)))
            case .stop:
                isStopped = true
                worker?.resume(returning: nil)
                worker = nil
            }
        }
    }

    private func add(_ next: Work) {
        guard let waiting = worker else {
            work.append(next)
            return
        }
        worker = nil
        waiting.resume(returning: next)
    }
}
