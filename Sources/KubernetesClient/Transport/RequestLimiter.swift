/// Lets a bounded number of requests run at once; the others wait in the order they came.
///
/// Overflow rule: past `maximumWaiting` a request is refused at once with ``KubernetesError/Code/overloaded``.
actor RequestLimiter {
    private let maximumWaiting: Int
    private var free: Int
    private var nextTicket = 0
    private var waiting: [(ticket: Int, continuation: CheckedContinuation<Void, any Error>)] = []

    init(maximumRunning: Int, maximumWaiting: Int) {
        self.free = max(1, maximumRunning)
        self.maximumWaiting = maximumWaiting
    }

    /// Runs an operation once there is room for it.
    nonisolated func run<Result: Sendable>(_ operation: () async throws -> Result) async throws -> Result {
        try await acquire()
        do {
            let result = try await operation()
            await release()
            return result
        } catch {
            await release()
            throw error
        }
    }

    private func acquire() async throws {
        try Task.checkCancellation()
        if free > 0 {
            free -= 1
            return
        }
        guard waiting.count < maximumWaiting else {
            throw KubernetesError(
                code: .overloaded,
                message: "\(waiting.count) requests wait already; the client allows \(maximumWaiting)")
        }
        let ticket = nextTicket
        nextTicket += 1
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    waiting.append((ticket, continuation))
                }
            }
        } onCancel: {
            // A cancellation handler cannot await: the hop to the actor needs a task of its own.
            Task { await self.cancel(ticket) }
        }
    }

    private func cancel(_ ticket: Int) {
        guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return }
        waiting.remove(at: index).continuation.resume(throwing: CancellationError())
    }

    private func release() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().continuation.resume()
        }
    }
}
