internal import AsyncSupport
internal import Logging
internal import SwellModel
internal import SwellStore

/// Brings previews that were asked for, here or at another replica, to the sessions of their agents. Level-triggered: what is
/// open is read whole, and a session leaves out what it was asked already.
struct PreviewRelay: Sendable {
    let store: any PreviewStore
    let hub: SessionHub
    /// Sent when something may have been asked for, and when a session began. A missing one costs one `poll`.
    let wanted: Signal
    let poll: Interval
    let logger: Logger

    /// Runs until cancelled.
    func run() async {
        var health = StoreHealth(what: "previews", logger: logger)
        repeat {
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
        } while await wanted.wait(upTo: poll.duration) != .cancelled
    }
}
