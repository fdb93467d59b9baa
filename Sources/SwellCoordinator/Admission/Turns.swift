internal import Synchronization

/// Lets a few at a time do something costly, the rest wait in order, and turns away who would wait behind too many.
final class Turns: Sendable {
    /// There are too many waiting already.
    struct Overloaded: Error {}

    private struct State {
        var running = 0
        var nextTicket: UInt64 = 0
        var waiting: [(ticket: UInt64, turn: CheckedContinuation<Bool, Never>)] = []
    }

    private let limit: Int
    private let waitingLimit: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: how many at a time.
    ///   - waitingLimit: how many may wait; those beyond get ``Overloaded``.
    init(_ limit: Int, waitingLimit: Int) {
        self.limit = limit
        self.waitingLimit = waitingLimit
    }

    /// Does `body` when its turn has come.
    func run<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try await take()
        defer { give() }
        return try await body()
    }

    private func take() async throws {
        enum Entry {
            case turn, overloaded
            case wait(UInt64)
        }
        let entry = state.withLock { state -> Entry in
            if state.running < limit {
                state.running += 1
                return .turn
            }
            guard state.waiting.count < waitingLimit else { return .overloaded }
            state.nextTicket += 1
            return .wait(state.nextTicket)
        }
        switch entry {
        case .turn: return
        case .overloaded: throw Overloaded()
        case .wait(let ticket):
            guard await wait(ticket) else { throw CancellationError() }
        }
    }

    /// Whether the turn came before the task was cancelled.
    private func wait(_ ticket: UInt64) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (turn: CheckedContinuation<Bool, Never>) in
                let answer = state.withLock { state -> Bool? in
                    if Task.isCancelled { return false }
                    if state.running < limit {
                        state.running += 1
                        return true
                    }
                    state.waiting.append((ticket, turn))
                    return nil
                }
                if let answer { turn.resume(returning: answer) }
            }
        } onCancel: {
            let turn = state.withLock { state -> CheckedContinuation<Bool, Never>? in
                guard let index = state.waiting.firstIndex(where: { $0.ticket == ticket }) else { return nil }
                return state.waiting.remove(at: index).turn
            }
            turn?.resume(returning: false)
        }
    }

    private func give() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard !state.waiting.isEmpty else {
                state.running -= 1
                return nil
            }
            return state.waiting.removeFirst().turn
        }
        next?.resume(returning: true)
    }
}
