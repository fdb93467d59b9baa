/// One wait, from when it begins until its outcome is handed over. Never used again.
struct WaiterID: Sendable, Hashable, Comparable {
    fileprivate let number: UInt64

    static func < (one: Self, other: Self) -> Bool { one.number < other.number }
}

/// Who waits and what each wait comes to, as a value: no lock, task or clock.
///
/// A wait begins before its task is suspended, and may be decided in between: then the task is never suspended. So a send,
/// a timeout and a cancellation may come at any moment, and the first of them alone is the outcome. Holds an entry for each
/// wait under way and no other.
struct WaiterTable<Outcome: Sendable>: Sendable {
    private enum Phase {
        /// Begun; its task is not suspended yet.
        case begun
        case suspended
        /// Decided before its task was suspended.
        case decided(Outcome)
    }

    private var phases: [WaiterID: Phase] = [:]
    private var resumable: [(id: WaiterID, outcome: Outcome)] = []
    private var nextNumber: UInt64 = 0

    /// Begins a wait.
    mutating func begin() -> WaiterID {
        let id = WaiterID(number: nextNumber)
        nextNumber += 1
        phases[id] = .begun
        return id
    }

    /// The task of a wait is about to be suspended. Returns the outcome where there is one already: then it goes on instead.
    mutating func suspend(_ id: WaiterID) -> Outcome? {
        switch phases[id] {
        case .begun:
            phases[id] = .suspended
            return nil
        case .decided(let outcome):
            phases[id] = nil
            return outcome
        case .suspended, nil: preconditionFailure("a wait is suspended once, after it began")
        }
    }

    /// Decides a wait. One that was decided before, or is over, stays as it is: a timeout or a cancellation may come too late.
    mutating func decide(_ id: WaiterID, _ outcome: Outcome) {
        switch phases[id] {
        case .begun: phases[id] = .decided(outcome)
        case .suspended:
            phases[id] = nil
            resumable.append((id, outcome))
        case .decided, nil: break
        }
    }

    /// The waits that nothing has decided yet, in the order in which they began.
    var undecided: [WaiterID] {
        phases.compactMap { id, phase in
            if case .decided = phase { nil } else { id }
        }
        .sorted()
    }

    /// Takes out whose tasks are to be resumed, and with what.
    mutating func takeResumable() -> [(id: WaiterID, outcome: Outcome)] {
        defer { resumable = [] }
        return resumable
    }
}
