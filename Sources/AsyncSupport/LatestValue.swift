internal import Synchronization

/// Holds one value until somebody takes it; a newer one takes the place of one that was not taken.
///
/// Each value is taken by one task at most. Any number may wait: one of them gets it.
public final class LatestValue<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    /// Sent after each value. That a value is here is what counts; this only wakes who would look.
    private let changed = Signal()

    public init() {}

    /// Puts a value in the place of one that was not taken. Never waits.
    public func send(_ value: Value) {
        self.value.withLock { $0 = value }
        changed.send()
    }

    /// Takes the value out, if there is one.
    public func take() -> Value? {
        value.withLock { value in
            defer { value = nil }
            return value
        }
    }

    /// Takes the value out; waits for one. Nil once the task is cancelled.
    public func next() async -> Value? {
        while !Task.isCancelled {
            if let value = take() { return value }
            await changed.wait()
        }
        return nil
    }

    /// Takes the value out; nil when none has come within `limit`, or the task is cancelled.
    public func next(within limit: Duration) async -> Value? {
        let deadline = ContinuousClock.now + limit
        while !Task.isCancelled {
            if let value = take() { return value }
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return nil }
            await changed.wait(upTo: left)
        }
        return nil
    }
}
