/// How a wait for a ``Signal`` ended.
public enum Wake: Sendable, Hashable {
    /// Something was sent.
    case sent
    /// The limit of the wait has passed.
    case timedOut
    /// The task was cancelled.
    case cancelled
}

/// What a ``Signal`` decides, as a value.
struct SignalState: WaitState {
    enum Beginning: Sendable, Hashable {
        /// There was a send that nobody had waited for.
        case sent
        case waits(WaiterID)
    }

    /// Whether there was a send that nobody has waited for.
    private(set) var isSent = false
    var waiters = WaiterTable<Wake>()

    /// Wakes everybody who waits; where nobody does, the next who would wait goes on at once.
    mutating func send() {
        let waiting = waiters.undecided
        if waiting.isEmpty { isSent = true }
        for id in waiting { waiters.decide(id, .sent) }
    }

    mutating func begin() -> Beginning {
        if isSent {
            isSent = false
            return .sent
        }
        return .waits(waiters.begin())
    }

    mutating func timedOut(_ id: WaiterID) { waiters.decide(id, .timedOut) }

    mutating func cancelled(_ id: WaiterID) { waiters.decide(id, .cancelled) }
}
