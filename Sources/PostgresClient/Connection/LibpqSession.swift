internal import CLibpq
internal import Glibc
internal import Logging

/// libpq's connection, driven without its blocking calls. It lives on one connection's thread.
final class LibpqSession {
    let configuration: PostgresConfiguration
    private let logger: Logger
    let wakeup: Wakeup
    /// Set from anywhere when the connection is to be closed, even in the middle of a statement.
    let closing: CancellationFlag
    private(set) var handle: OpaquePointer?
    var cache: PreparedStatementCache
    private let notices: NoticeSink
    private(set) var isCopying = false
    /// Whether somebody asks for notifications. Otherwise they are thrown away, since nobody would ever read them.
    var keepsNotifications = false

    init(configuration: PostgresConfiguration, logger: Logger, wakeup: Wakeup, closing: CancellationFlag) {
        self.configuration = configuration
        self.logger = logger
        self.wakeup = wakeup
        self.closing = closing
        cache = PreparedStatementCache(limit: max(0, configuration.preparedStatementLimit))
        notices = NoticeSink(logger: logger)
    }

    deinit { close() }

    /// Ends the connection. The socket does not block, so neither does this.
    func close() {
        if let handle { PQfinish(handle) }
        handle = nil
    }

    /// The open connection, or why there is none.
    func open() throws -> OpaquePointer {
        guard let handle else { throw PostgresError(.connectionClosed, "the connection is closed") }
        return handle
    }

    var backendProcess: Int32 { handle.map { PQbackendPID($0) } ?? 0 }
    var isInTransaction: Bool { handle.map { PQtransactionStatus($0) != PQTRANS_IDLE } ?? false }
    var isInFailedTransaction: Bool { handle.map { PQtransactionStatus($0) == PQTRANS_INERROR } ?? false }
    var usesTLS: Bool { handle.map { PQsslInUse($0) != 0 } ?? false }

    // MARK: Connecting

    func connect(_ operation: Operation) throws {
        let keywords = configuration.effectiveKeywords
        let names = keywords.keys.sorted()
        let handle = withCStrings(names) { names in
            withCStrings(keywords.sorted { $0.key < $1.key }.map(\.value)) { values in
                PQconnectStartParams(names, values, 0)
            }
        }
        guard let handle else { throw PostgresError(.connectionFailed, "libpq has no memory for a connection") }
        self.handle = handle
        PQsetNoticeProcessor(handle, NoticeSink.receive, Unmanaged.passUnretained(notices).toOpaque())
        do {
            try finishConnecting(handle, operation)
        } catch {
            close()
            throw error
        }
    }

    private func finishConnecting(_ handle: OpaquePointer, _ operation: Operation) throws {
        guard PQstatus(handle) != CONNECTION_BAD else { throw connectionFailure(handle) }
        // libpq's rule: wait for writing first, then for what each step asks for.
        var events = Int16(POLLOUT)
        while true {
            if let reason = operation.reasonToStop(closing: closing) {
                guard reason == .timedOut else { throw operation.error(for: reason) }
                throw PostgresError(
                    .connectionFailed, "no connection to \(configuration.target) within \(configuration.connectTimeout)"
                )
            }
            guard wakeup.wait(alsoFor: (PQsocket(handle), events), until: operation.deadline) else { continue }
            switch PQconnectPoll(handle) {
            case PGRES_POLLING_OK:
                guard PQsetnonblocking(handle, 1) == 0 else { throw connectionFailure(handle) }
                return
            case PGRES_POLLING_READING: events = Int16(POLLIN)
            case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
            default: throw connectionFailure(handle)
            }
        }
    }

    private func connectionFailure(_ handle: OpaquePointer) -> PostgresError {
        PostgresError(
            .connectionFailed, "no connection to \(configuration.target): \(ResultReading.message(of: handle))")
    }

    // MARK: Waiting

    /// The connection is of no use any more.
    func lost(_ message: String? = nil, sqlState: SQLState? = nil) -> PostgresError {
        let text = message ?? handle.map { ResultReading.message(of: $0) } ?? "closed"
        close()
        logger.debug("PostgreSQL connection lost", metadata: ["reason": "\(text)"])
        var error = PostgresError(.connectionLost, "the connection to \(configuration.target) was lost: \(text)")
        error.sqlState = sqlState
        return error
    }

    /// Refuses to start what nobody wants any more.
    func checkWanted(_ operation: Operation) throws {
        if let reason = operation.reasonToStop(closing: closing) { throw operation.error(for: reason) }
    }

    /// Sends what is buffered and reads what comes, until `step` says that it has all it needs.
    ///
    /// A caller who gives up meanwhile makes the server cancel the statement; what the server says about that is still
    /// read, so that the connection stays usable. Returns why the caller gave up, if it did.
    @discardableResult
    func drive(_ operation: Operation, until step: () throws -> Bool) throws -> Operation.Reason? {
        let handle = try open()
        var interruption: (reason: Operation.Reason, attempt: CancelAttempt, giveUp: ContinuousClock.Instant)?
        while true {
            let flushed = PQflush(handle)
            if flushed < 0 { throw lostWhileSending(handle) }
            if try step() { break }
            var deadline = operation.nextMoment
            if let current = interruption {
                let now = ContinuousClock.now
                guard now < current.giveUp, !closing.isSet else {
                    throw lost("it did not answer within \(configuration.cancelGrace) of a cancel")
                }
                // A cancel that finds the server between two statements is lost: ask again.
                if current.attempt.isFinished, current.attempt.started.advanced(by: .seconds(1)) <= now {
                    interruption?.attempt = try CancelAttempt(handle, wakeup)
                }
                deadline = min(current.giveUp, now.advanced(by: .seconds(1)))
            } else if let reason = operation.reasonToStop(closing: closing) {
                if reason == .unanswered {
                    close()
                    throw operation.error(for: reason)
                }
                guard reason != .closing, operation.interruption == .cancel else {
                    throw lost("\(operation.error(for: reason).message) in the middle of a statement")
                }
                interruption = (reason, try CancelAttempt(handle, wakeup), .now.advanced(by: configuration.cancelGrace))
                continue
            }
            let events = Int16(POLLIN) | (flushed == 1 ? Int16(POLLOUT) : 0)
            if wakeup.wait(alsoFor: (PQsocket(handle), events), until: deadline), PQconsumeInput(handle) == 0 {
                // What the server said last, such as that it shuts down, is in the buffer still.
                if try step() { break }
                throw lost()
            }
        }
        guard let interruption else { return nil }
        // A cancel still under way would hit the next statement.
        while !interruption.attempt.isFinished {
            guard ContinuousClock.now < interruption.giveUp else { throw lost("a cancel did not end in time") }
            _ = wakeup.wait(alsoFor: nil, until: interruption.giveUp)
        }
        return interruption.reason
    }

    private func lostWhileSending(_ handle: OpaquePointer) -> PostgresError {
        let message = ResultReading.message(of: handle)
        // The server may have said goodbye before it hung up.
        if PQconsumeInput(handle) != 0, PQisBusy(handle) == 0, let result = PQgetResult(handle) {
            defer { PQclear(result) }
            if let error = ResultReading.error(result) { return lost(error.message, sqlState: error.sqlState) }
        }
        return lost(message)
    }

    // MARK: COPY

    func setCopying(_ copying: Bool) { isCopying = copying }

    // MARK: Notifications

    /// Takes what has arrived on channels that the connection listens to.
    func takeNotifications() -> [PostgresNotification] {
        guard let handle else { return [] }
        var notifications: [PostgresNotification] = []
        while let notify = PQnotifies(handle) {
            notifications.append(
                PostgresNotification(
                    channel: String(cString: notify.pointee.relname), payload: String(cString: notify.pointee.extra),
                    backendProcess: notify.pointee.be_pid))
            PQfreemem(notify)
        }
        return notifications
    }

    func dropNotifications() { if !keepsNotifications { _ = takeNotifications() } }

    /// Reads what has come without waiting; fails if the server has hung up.
    func readPending() throws {
        let handle = try open()
        if closing.isSet { throw PostgresError(.connectionClosed, "the connection is closed") }
        // A server that shuts down says so first and hangs up then: the first reading finds the one, the second the other.
        guard PQconsumeInput(handle) != 0, PQconsumeInput(handle) != 0, PQstatus(handle) == CONNECTION_OK else {
            throw lost()
        }
        _ = PQisBusy(handle)
    }

    /// Waits for input until a deadline or a wake-up.
    func waitForInput(until deadline: ContinuousClock.Instant) throws {
        let handle = try open()
        _ = wakeup.wait(alsoFor: (PQsocket(handle), Int16(POLLIN)), until: deadline)
        try readPending()
    }
}

/// Where the server's notices go: to the log, at debug level, instead of libpq's standard error.
private final class NoticeSink: Sendable {
    let logger: Logger

    init(logger: Logger) { self.logger = logger }

    static let receive: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?) -> Void = {
        argument, message in
        guard let argument, let message else { return }
        let sink = Unmanaged<NoticeSink>.fromOpaque(argument).takeUnretainedValue()
        sink.logger.debug(
            "PostgreSQL notice", metadata: ["notice": "\(ResultReading.trimmed(String(cString: message)))"])
    }
}

/// One cancel request on its way, on a thread of its own since libpq's call blocks.
final class CancelAttempt {
    private let done = CancellationFlag()
    let started = ContinuousClock.now

    var isFinished: Bool { done.isSet }

    init(_ handle: OpaquePointer, _ wakeup: Wakeup) throws {
        guard let cancel = PQgetCancel(handle) else {
            throw PostgresError(.connectionLost, "there is nothing to cancel: the connection is gone")
        }
        // A pointer does not cross threads by itself; only the new thread touches it from here on.
        let address = UInt(bitPattern: cancel)
        do {
            try OneShotThread.run { [done] in
                if let cancel = OpaquePointer(bitPattern: address) {
                    var problem = [CChar](repeating: 0, count: 256)
                    _ = PQcancel(cancel, &problem, Int32(problem.count))
                    PQfreeCancel(cancel)
                }
                done.set()
                wakeup.signal()
            }
        } catch {
            PQfreeCancel(cancel)
            throw error
        }
    }
}

/// Gives C an array of strings that ends in a null pointer.
func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) throws -> Result
) rethrows -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    let pointers = copies.map { UnsafePointer($0) } + [nil]
    return try pointers.withUnsafeBufferPointer { buffer in
        // The array holds at least the null at its end.
        try body(buffer.baseAddress.unsafelyUnwrapped)
    }
}
