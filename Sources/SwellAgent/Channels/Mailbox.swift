internal import Synchronization

/// A bounded queue with one receiver: whoever sends to a full one waits until there is room, so nothing is dropped.
final class Mailbox<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var receiver: CheckedContinuation<Void, Never>?
        var senders: [(id: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
        var nextID: UInt64 = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// A queue of at most `capacity` elements, at least one.
    init(capacity: Int) { self.capacity = max(1, capacity) }

    /// Puts an element at the end; waits while the queue is full. A cancelled sender gives up, and its element is dropped with it.
    func send(_ element: Element) async {
        while !Task.isCancelled {
            let (isSent, receiver) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
                guard state.elements.count < capacity else { return (false, nil) }
                state.elements.append(element)
                defer { state.receiver = nil }
                return (true, state.receiver)
            }
            receiver?.resume()
            if isSent { return }
            await waitForRoom()
        }
    }

    /// The first element; nil once the task is cancelled.
    func receive() async -> Element? {
        while !Task.isCancelled {
            let (element, sender) = state.withLock { state -> (Element?, CheckedContinuation<Void, Never>?) in
                guard !state.elements.isEmpty else { return (nil, nil) }
                let element = state.elements.removeFirst()
                return (element, state.senders.isEmpty ? nil : state.senders.removeFirst().continuation)
            }
            sender?.resume()
            if let element { return element }
            await waitForElement()
        }
        return nil
    }

    private func waitForRoom() async {
        let id = state.withLock { state -> UInt64 in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isDone = state.withLock { state -> Bool in
                    if Task.isCancelled || state.elements.count < capacity { return true }
                    state.senders.append((id, continuation))
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
                guard let index = state.senders.firstIndex(where: { $0.id == id }) else { return nil }
                return state.senders.remove(at: index).continuation
            }
            continuation?.resume()
        }
    }

    private func waitForElement() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isDone = state.withLock { state -> Bool in
                    if Task.isCancelled || !state.elements.isEmpty { return true }
                    precondition(state.receiver == nil, "a mailbox has one receiver")
                    state.receiver = continuation
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
                defer { state.receiver = nil }
                return state.receiver
            }
            continuation?.resume()
        }
    }
}
