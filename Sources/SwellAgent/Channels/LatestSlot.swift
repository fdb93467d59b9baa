internal import Synchronization

/// Holds the latest value for one receiver; a value that was not ingested time is replaced by the next.
final class LatestSlot<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var receiver: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Puts a value in the place of one that was not taken.
    func put(_ value: Value) {
        let receiver = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.value = value
            defer { state.receiver = nil }
            return state.receiver
        }
        receiver?.resume()
    }

    /// Takes the value out; waits for one. Nil once the task is cancelled.
    func next() async -> Value? {
        while !Task.isCancelled {
            let value = state.withLock { state -> Value? in
                defer { state.value = nil }
                return state.value
            }
            if let value { return value }
            await withTaskCancellationHandler {
                await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                    let isDone = state.withLock { state -> Bool in
                        if Task.isCancelled || state.value != nil { return true }
                        precondition(state.receiver == nil, "a slot has one receiver")
                        state.receiver = continuation
                        return false
                    }
                    if isDone { continuation.resume() }
                }
            } onCancel: {
                let receiver = state.withLock { state -> CheckedContinuation<Void, Never>? in
                    defer { state.receiver = nil }
                    return state.receiver
                }
                receiver?.resume()
            }
        }
        return nil
    }

    /// The next value, or nil when `duration` has passed or the task is cancelled.
    func next(within duration: Duration) async -> Value? {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await self.next() }
            group.addTask {
                try? await Task.sleep(for: duration)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            // A value may have been ingested the moment in which time ran out.
            var taken = first
            while let other = await group.next() { taken = taken ?? other }
            return taken
        }
    }
}
