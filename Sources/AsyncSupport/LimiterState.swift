/// What a ``ConcurrencyLimiter`` decides, as a value.
struct LimiterState: WaitState {
    enum Entry: Sendable, Hashable {
        case runs
        case waits(WaiterID)
        /// As many wait already as may.
        case overloaded
    }

    let runningLimit: Int
    let waitingLimit: Int
    private(set) var running = 0
    /// Whether its turn came; false where it was cancelled before.
    var waiters = WaiterTable<Bool>()
    /// Who waits, the first first.
    private var queue: [WaiterID] = []

    init(running: Int, waiting: Int) {
        runningLimit = max(1, running)
        waitingLimit = max(0, waiting)
    }

    var waiting: Int { queue.count }

    mutating func enter() -> Entry {
        if running < runningLimit {
            running += 1
            return .runs
        }
        guard queue.count < waitingLimit else { return .overloaded }
        let id = waiters.begin()
        queue.append(id)
        return .waits(id)
    }

    /// One has ended: the first who waits takes its place.
    mutating func leave() {
        precondition(running > 0, "nothing ends that did not run")
        if queue.isEmpty {
            running -= 1
        } else {
            waiters.decide(queue.removeFirst(), true)
        }
    }

    /// One whose turn has come keeps it, cancelled or not: it gives it back as it leaves.
    mutating func cancelled(_ id: WaiterID) {
        guard let place = queue.firstIndex(of: id) else { return }
        queue.remove(at: place)
        waiters.decide(id, false)
    }
}
