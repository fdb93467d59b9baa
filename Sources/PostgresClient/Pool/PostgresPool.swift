public import Logging
public import ServiceLifecycle

/// A bounded pool of connections. It works while ``run()`` does: put it into a `ServiceGroup`, before those who use it.
///
/// While the server is away, callers wait up to ``PostgresPoolSettings/waitTimeout`` and then get an error that says
/// why; connections are tried again with growing delays.
public final class PostgresPool: Service, PostgresQueryable {
    private let configuration: PostgresConfiguration
    private let settings: PostgresPoolSettings
    private let logger: Logger
    private let shell: PoolShell

    public init(
        configuration: PostgresConfiguration, settings: PostgresPoolSettings = PostgresPoolSettings(),
        logger: Logger = Logger(label: "PostgresClient")
    ) throws {
        try settings.validate()
        self.configuration = configuration
        self.settings = settings
        self.logger = logger
        shell = PoolShell(settings: settings, target: configuration.target, logger: logger)
    }

    /// What the pool holds now.
    public var status: PostgresPoolStatus { get async { await shell.status } }

    // MARK: Use

    /// Borrows a connection for as long as the closure runs.
    ///
    /// - Parameter timeout: how long to wait for one; by default ``PostgresPoolSettings/waitTimeout``.
    /// - Throws: what the closure throws; ``PostgresError/Code/poolTimeout`` and ``PostgresError/Code/poolExhausted``
    ///   when no connection comes free.
    @discardableResult
    public func withConnection<Result>(
        timeout: Duration? = nil, _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        let lease = try await borrow(timeout ?? settings.waitTimeout)
        do {
            let result = try await body(lease.connection)
            await giveBack(lease)
            return result
        } catch {
            await giveBack(lease)
            throw error
        }
    }

    public func pipeline(_ statements: [PostgresStatement], timeout: Duration?) async throws -> [PostgresResult] {
        try await withConnection { try await $0.pipeline(statements, timeout: timeout) }
    }

    /// Runs a transaction: commits when the body returns, rolls back when it throws.
    ///
    /// A serialisation failure, a deadlock, or a connection lost before COMMIT was sent runs the body again, on
    /// another connection if need be: it must have no effect elsewhere.
    /// - Parameter retries: how many times at most.
    /// - Throws: what the body throws; ``PostgresError/Code/commitOutcomeUnknown`` if the connection broke in COMMIT.
    @discardableResult
    public func withTransaction<Result>(
        isolation: PostgresIsolation = .readCommitted, readOnly: Bool = false, retries: Int = 5,
        _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        let begin = PostgresConnection.beginStatement(isolation, readOnly: readOnly)
        var retry = TransactionRetry(limit: retries)
        while true {
            let outcome = try await withConnection { await $0.attempt(begin, body) }
            switch outcome {
            case .committed(let result): return result
            case .failed(let error, let decisive):
                guard let decisive, decisive.isRetryable || decisive.isConnectionFailure,
                    let delay = retry.nextDelay(jitter: .random(in: 0...1))
                else { throw error }
                try await Task.sleep(for: delay)
            }
        }
    }

    private func borrow(_ timeout: Duration) async throws -> PoolShell.Lease {
        let deadline = ContinuousClock.now.advanced(by: timeout)
        while true {
            let lease = try await borrowAny(max(.zero, ContinuousClock.now.duration(to: deadline)), asked: timeout)
            // An idle connection may have died unnoticed; this costs no round trip.
            if await lease.connection.isUsable { return lease }
            await shell.giveBack(lease.id, usable: false)
        }
    }

    private func borrowAny(_ timeout: Duration, asked: Duration) async throws -> PoolShell.Lease {
        let request: PoolShell.RequestID
        switch try await shell.request() {
        case .lent(let lease): return lease
        case .waiting(let number): request = number
        }
        let shell = shell
        return try await withThrowingTaskGroup(of: PoolShell.Lease?.self) { group in
            group.addTask {
                do {
                    try await Task.sleep(for: timeout)
                    await shell.withdraw(request, .timedOut(after: asked))
                } catch {
                    // Nothing to withdraw if the connection has come; else the caller was cancelled.
                    await shell.withdraw(request, .cancelled)
                }
                return nil
            }
            group.addTask { try await shell.answer(to: request) }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let lease = next { return lease }
            }
            throw PostgresError(.cancelled, "the task was cancelled while it waited for a connection")
        }
    }

    private func giveBack(_ lease: PoolShell.Lease) async {
        await shell.giveBack(lease.id, usable: await lease.connection.isUsable)
    }

    // MARK: The service

    /// Opens and looks after the connections until shutdown. A graceful shutdown waits for what is lent; a cancelled
    /// task closes it.
    public func run() async throws {
        await shell.start()
        let shell = shell
        let interval = settings.tickInterval
        await withDiscardingTaskGroup { group in
            group.addTask {
                while (try? await Task.sleep(for: interval)) != nil { await shell.tick() }
            }
            group.addTask {
                let isGraceful = (try? await gracefulShutdown()) != nil
                await shell.shutDown()
                // Borrowers have all the time they want, until everything is closed or the task is cancelled.
                if isGraceful { try? await Task.sleep(for: .seconds(86_400)) }
                await shell.closeLent()
            }
            while let work = await shell.nextWork() {
                group.addTask { await self.perform(work) }
            }
            group.cancelAll()
        }
    }

    private func perform(_ work: PoolShell.Work) async {
        switch work {
        case .open(let id, let delay): await open(id, after: delay)
        case .close(let id, let connection):
            await connection.close()
            await shell.closed(id)
        case .probe(let id, let connection):
            let answered = try? await connection.query("SELECT 1", timeout: .seconds(5))
            await shell.probed(id, usable: answered != nil)
        }
    }

    private func open(_ id: PoolShell.ConnectionID, after delay: Duration) async {
        do {
            let connection = try await cancelWhenGracefulShutdown { [configuration, logger] in
                if delay > .zero { try await Task.sleep(for: delay) }
                return try await PostgresConnection.connect(to: configuration, logger: logger)
            }
            await shell.opened(id, connection)
        } catch {
            let failure =
                error as? PostgresError
                ?? PostgresError(.cancelled, "the attempt to connect was cancelled", cause: error)
            await shell.openFailed(id, failure, jitter: .random(in: 0...1))
        }
    }
}
