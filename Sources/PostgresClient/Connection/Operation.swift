internal import Synchronization

/// Says from any thread that an operation is no longer wanted.
final class CancellationFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }

    /// Whether it was set; from now on it is not.
    func take() -> Bool { flag.exchange(false, ordering: .acquiringAndReleasing) }
}

/// One call's limits while the connection's thread works on it.
struct Operation {
    /// What happens to a statement whose caller gives up.
    enum Interruption {
        /// The server is asked to cancel it, and the connection stays usable.
        case cancel
        /// The connection is given up: nobody would know what the statement did.
        case abandon
    }

    enum Reason { case cancelled, timedOut, unanswered, closing }

    var cancellation: CancellationFlag?
    var deadline: ContinuousClock.Instant?
    /// When the server is taken to hang: to ask it for anything more, such as to cancel, would be of no use.
    var lastResort: ContinuousClock.Instant?
    var interruption = Interruption.cancel

    /// Why the operation should end early, if it should.
    func reasonToStop(closing: CancellationFlag) -> Reason? {
        if closing.isSet { return .closing }
        if cancellation?.isSet == true { return .cancelled }
        if let lastResort, ContinuousClock.now >= lastResort { return .unanswered }
        if let deadline, ContinuousClock.now >= deadline { return .timedOut }
        return nil
    }

    /// The next moment at which there may be a reason.
    var nextMoment: ContinuousClock.Instant? { [deadline, lastResort].compactMap(\.self).min() }

    func error(for reason: Reason) -> PostgresError {
        switch reason {
        case .cancelled: PostgresError(.cancelled, "the task was cancelled", cause: CancellationError())
        case .timedOut: PostgresError(.timedOut, "the statement took longer than it may")
        case .unanswered: PostgresError(.timedOut, "the server did not answer; the connection was given up")
        case .closing: PostgresError(.connectionClosed, "the connection was closed")
        }
    }
}
