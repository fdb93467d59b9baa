/// "Look again", without a word on what at: sends that come before a look are one, and none is lost.
///
/// A send wakes every task that waits. Where none does, it is kept, and the next wait ends at once. So a loop that waits, looks
/// and waits again sees whatever was there before the last send. Several loops that must each see every send have a signal each:
/// one that is busy while another waits would miss it.
public final class Signal: Sendable {
    private let room = WaitingRoom(SignalState())

    public init() {}

    /// Wakes those who wait, or the next who would. Never waits itself.
    public func send() { room.ask { $0.send() } }

    /// Waits for a send, at most `limit` (nil: as long as it takes). A cancelled wait takes no send away from others.
    @discardableResult
    public func wait(upTo limit: Duration? = nil) async -> Wake {
        if Task.isCancelled { return .cancelled }
        guard case .waits(let id) = room.ask({ $0.begin() }) else { return .sent }
        guard let limit else { return await room.wait(id) }
        return await withTaskGroup(of: Wake?.self) { [room] group in
            group.addTask { await room.wait(id) }
            group.addTask {
                if (try? await Task.sleep(for: limit)) != nil { room.ask { $0.timedOut(id) } }
                return nil
            }
            // The wait's own outcome is the only one: a send in the moment of the timeout is either seen here or kept.
            var wake = Wake.cancelled
            for await outcome in group {
                guard let outcome else { continue }
                wake = outcome
                group.cancelAll()
            }
            return wake
        }
    }
}
