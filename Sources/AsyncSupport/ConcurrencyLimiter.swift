/// Lets a few at a time do something costly; the rest wait in order, and who would wait behind too many is turned away.
public final class ConcurrencyLimiter: Sendable {
    /// As many wait already as may: the caller does without, or tries again later.
    public struct Overloaded: Error, Hashable, CustomStringConvertible {
        /// How many wait.
        public let waiting: Int
        public var description: String { "\(waiting) are waiting already, as many as may: try again later" }
    }

    private let room: WaitingRoom<LimiterState>

    /// - Parameters:
    ///   - running: How many at a time, at least 1.
    ///   - waiting: How many may wait; those beyond get ``Overloaded``.
    public init(running: Int, waiting: Int) { room = WaitingRoom(LimiterState(running: running, waiting: waiting)) }

    /// How many are at it now, and how many wait.
    public var load: (running: Int, waiting: Int) { room.ask { ($0.running, $0.waiting) } }

    /// Does `body` when its turn has come.
    ///
    /// - Throws: ``Overloaded``; `CancellationError` where the task is cancelled before its turn; what `body` throws.
    public func run<Result>(_ body: () async throws -> Result) async throws -> Result {
        try Task.checkCancellation()
        switch room.ask({ $0.enter() }) {
        case .runs: break
        case .overloaded: throw Overloaded(waiting: room.ask { $0.waiting })
        case .waits(let id): guard await room.wait(id) else { throw CancellationError() }
        }
        defer { room.ask { $0.leave() } }
        return try await body()
    }
}
