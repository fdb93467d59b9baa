internal import Synchronization

/// The notifications of one channel, for one reader. It ends when the listener stops.
///
/// The first event is `mayHaveMissed(.started)`, as soon as the server listens.
public struct PostgresSubscription: AsyncSequence, Sendable {
    public typealias Element = PostgresListenerEvent
    public typealias Failure = Never

    let mailbox: NotificationMailbox

    public func makeAsyncIterator() -> Iterator { Iterator(mailbox: mailbox) }

    public struct Iterator: AsyncIteratorProtocol {
        let mailbox: NotificationMailbox

        /// The next event; `nil` once the listener stopped or the task is cancelled.
        public mutating func next() async -> PostgresListenerEvent? { await mailbox.next() }

        public mutating func next(isolation actor: isolated (any Actor)?) async -> PostgresListenerEvent? {
            await mailbox.next()
        }
    }
}

/// Hands events from the listener to one reader.
final class NotificationMailbox: Sendable {
    private struct State {
        var buffer: NotificationBuffer
        var reader: CheckedContinuation<PostgresListenerEvent?, Never>?
        var isFinished = false
    }

    let channel: String
    private let state: Mutex<State>

    init(channel: String, limit: Int) {
        self.channel = channel
        state = Mutex(State(buffer: NotificationBuffer(limit: limit)))
    }

    func deliver(_ notification: PostgresNotification) { change { $0.buffer.add(notification) } }

    func deliver(_ gap: PostgresListenerEvent.Gap) { change { $0.buffer.addGap(gap) } }

    func finish() { change { $0.isFinished = true } }

    func next() async -> PostgresListenerEvent? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = Task.isCancelled
                change { state in
                    // A second reader would never be woken: it ends the first.
                    state.reader?.resume(returning: nil)
                    state.reader = continuation
                    if isCancelled { state.isFinished = true }
                }
            }
        } onCancel: {
            finish()
        }
    }

    /// Changes what there is, and wakes the reader if there is something for it now.
    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            body(&state)
            guard let reader = state.reader else { return }
            if let event = state.isFinished ? nil : state.buffer.next() {
                state.reader = nil
                reader.resume(returning: event)
            } else if state.isFinished {
                state.reader = nil
                reader.resume(returning: nil)
            }
        }
    }
}
