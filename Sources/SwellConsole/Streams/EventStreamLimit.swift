private import Synchronization

/// Counts the event streams that are open. Overflow: further ones are refused, those open stay.
final class EventStreamLimit: Sendable {
    private let open = Mutex(0)
    private let maximum: Int

    init(maximum: Int) {
        self.maximum = maximum
    }

    /// Takes a place; false where all are taken.
    func enter() -> Bool {
        open.withLock { count in
            guard count < maximum else { return false }
            count += 1
            return true
        }
    }

    func leave() { open.withLock { $0 -= 1 } }

    /// Takes a place that is given back when nobody holds it any more; nil where all are taken.
    func place() -> Place? { enter() ? Place(self) : nil }

    /// A place that was taken.
    final class Place: Sendable {
        private let limit: EventStreamLimit

        fileprivate init(_ limit: EventStreamLimit) { self.limit = limit }

        deinit { limit.leave() }
    }
}
