internal import DequeModule
internal import Glibc
internal import Synchronization

/// A thread that runs one connection's work and nothing else.
///
/// libpq waits for its socket by `poll`, and looks up names by calls that block. Here both block this thread alone,
/// never the cooperative pool.
final class ConnectionThread: SerialExecutor {
    private struct State {
        /// One entry a caller that is inside of the connection: bounded by the callers.
        var jobs: Deque<UnownedJob> = []
        var isStopping = false
    }

    /// Wakes the thread, whether it is idle or waits for the socket.
    let wakeup: Wakeup
    private let state = Mutex(State())

    init() throws(PostgresError) {
        wakeup = try Wakeup()
        try OneShotThread.run { [self] in work() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        wakeup.signal()
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// Ends the thread once it has nothing left to do.
    func stop() {
        state.withLock { $0.isStopping = true }
        wakeup.signal()
    }

    private enum Next {
        case job(UnownedJob)
        case wait, stop
    }

    private func work() {
        while true {
            let next: Next = state.withLock { state in
                if let job = state.jobs.popFirst() { return .job(job) }
                return state.isStopping ? .stop : .wait
            }
            switch next {
            case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
            case .wait: _ = wakeup.wait(alsoFor: nil, until: nil)
            case .stop: return
            }
        }
    }
}

/// A pipe that ends a wait from another thread.
final class Wakeup: Sendable {
    private let readEnd: CInt
    private let writeEnd: CInt

    init() throws(PostgresError) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw PostgresError(
                .systemFailure, "no pipe for a connection's thread: \(String(cString: strerror(errno)))")
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// Ends the present wait, or the next one. A full pipe is a signal already.
    func signal() {
        var byte: UInt8 = 0
        _ = write(writeEnd, &byte, 1)
    }

    /// Waits until a socket is ready, somebody signals, or the deadline has passed. Returns whether the socket is ready.
    func wait(alsoFor socket: (descriptor: CInt, events: Int16)?, until deadline: ContinuousClock.Instant?) -> Bool {
        var descriptors = [pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)]
        if let socket { descriptors.append(pollfd(fd: socket.descriptor, events: socket.events, revents: 0)) }
        var timeout: CInt = -1
        if let deadline {
            let left = ContinuousClock.now.duration(to: deadline)
            timeout = left <= .zero ? 0 : CInt(clamping: left.wholeMilliseconds)
        }
        guard poll(&descriptors, nfds_t(descriptors.count), timeout) > 0 else { return false }
        if descriptors[0].revents != 0 {
            var sink = [UInt8](repeating: 0, count: 64)
            while read(readEnd, &sink, sink.count) > 0 {}
        }
        return descriptors.count > 1 && descriptors[1].revents != 0
    }
}

/// Runs a closure on a new thread of its own.
enum OneShotThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func run(_ body: @escaping @Sendable () -> Void) throws(PostgresError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Body(run: body))
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard status == 0 else {
            box.release()
            throw PostgresError(.systemFailure, "no thread for a connection: \(String(cString: strerror(status)))")
        }
    }
}
