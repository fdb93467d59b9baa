internal import Synchronization

/// What a room full of waiting tasks needs of the value that decides for it.
protocol WaitState: Sendable {
    associatedtype Outcome: Sendable
    var waiters: WaiterTable<Outcome> { get set }
    /// The task of a wait was cancelled.
    mutating func cancelled(_ id: WaiterID)
}

/// The shell round a ``WaitState``: locks, asks the value, unlocks, and only then resumes tasks. It decides nothing.
final class WaitingRoom<State: WaitState>: Sendable {
    private struct Guarded {
        var state: State
        var suspended: [WaiterID: CheckedContinuation<State.Outcome, Never>] = [:]
    }

    private let guarded: Mutex<Guarded>

    init(_ state: State) { guarded = Mutex(Guarded(state: state)) }

    /// Asks or changes the state, and resumes whom that has decided.
    @discardableResult
    func ask<Answer: Sendable>(_ body: (inout State) -> Answer) -> Answer {
        let (answer, resumed) = guarded.withLock { guarded in
            let answer = body(&guarded.state)
            let resumed = guarded.state.waiters.takeResumable().map { id, outcome in
                (guarded.suspended.removeValue(forKey: id), outcome)
            }
            return (answer, resumed)
        }
        for (task, outcome) in resumed { task?.resume(returning: outcome) }
        return answer
    }

    /// Suspends the task of a wait that has begun until the wait is decided.
    func wait(_ id: WaiterID) async -> State.Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { task in
                let outcome = guarded.withLock { guarded in
                    let outcome = guarded.state.waiters.suspend(id)
                    if outcome == nil { guarded.suspended[id] = task }
                    return outcome
                }
                if let outcome { task.resume(returning: outcome) }
            }
        } onCancel: {
            ask { $0.cancelled(id) }
        }
    }
}
