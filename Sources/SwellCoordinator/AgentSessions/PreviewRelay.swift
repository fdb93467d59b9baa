internal import Logging
internal import SwellModel
internal import SwellStore

/// Brings previews that were asked for, here or at another replica, to the sessions of their agents. Level-triggered: what is
/// open is read whole, and a session leaves out what it was asked already.
struct PreviewRelay: Sendable {
    let store: any PreviewStore
    let hub: SessionHub
    /// Wakes the relay: something was asked for, or a session began.
    let wanted: Pulse
    /// An element whenever previews may have been asked for. Missing ones cost one `poll`.
    let nudges: AsyncStream<Void>
    let poll: Interval
    let logger: Logger

    /// Runs until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await wanted.beat(every: poll.duration) }
            group.addTask {
                for await _ in nudges { wanted.beat() }
            }
            group.addTask { await relay(at: wanted.beats) }
        }
    }

    private func relay(at beats: AsyncStream<Void>) async {
        var health = StoreHealth(what: "previews", logger: logger)
        for await _ in beats {
            // Nobody to ask.
            guard await hub.count > 0 else { continue }
            do throws(StoreError) {
                for (preview, answer) in await hub.ask(try await store.openPreviews()) {
                    _ = try await store.answerPreview(preview.id, from: preview.cluster, answer)
                }
                health.note(nil)
            } catch {
                health.note(error)
            }
        }
    }
}
