internal import AsyncSupport
internal import SwellModel
internal import SwellProtocol
internal import Synchronization

/// Where everybody leaves what an agent is to be told, and its session takes it out. Putting in never waits, so that one
/// frozen agent holds up nobody.
final class SessionMailbox: Sendable {
    private let outbox = Mutex(SessionOutbox())
    private let filled = Signal()
    private let isEnding = Signal()

    /// Changes what is to be said, and wakes the session.
    @discardableResult
    func update<Value: Sendable>(_ body: (inout SessionOutbox) -> Value) -> Value {
        let (value, isEnding) = outbox.withLock { outbox in (body(&outbox), outbox.isEnding) }
        filled.send()
        if isEnding { self.isEnding.send() }
        return value
    }

    /// Lets the agent know that the session ends, and when to come back.
    func end(after: Interval, reason: String) { update { $0.end(after: after, reason: reason) } }

    /// Lets the agent know that another session speaks for its cluster. Two agents must not chase each other in and out at speed.
    func endOvertaken(hasSecondAgent: Bool = false) {
        end(after: hasSecondAgent ? .minutes(1) : .seconds(5), reason: "a newer session took over")
    }

    /// Why the coordinator ended the session; nil while it did not.
    var endReason: String? { outbox.withLock { $0.endReason } }

    /// Whether the agent was asked for this preview and has not answered.
    func awaits(preview: Int64) -> Bool { outbox.withLock { $0.awaits(preview: preview) } }

    /// Says everything as it comes, by `write`, until the end was said or the task is cancelled. For one caller only.
    func drain(_ write: (CoordinatorEvent) async throws -> Void) async throws {
        while await filled.wait() != .cancelled {
            while let event = outbox.withLock({ $0.next() }) { try await write(event) }
            if outbox.withLock({ $0.isOver }) { return }
        }
    }

    /// Returns when the end was asked for or the task is cancelled. For one caller only.
    func ending() async { await isEnding.wait() }
}
