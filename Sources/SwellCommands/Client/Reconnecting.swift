internal import SwellModel

/// Follows a stream through restarts of the server.
struct Reconnecting {
    let client: OperatorClient
    /// Told, once an outage, that the stream broke.
    let onBreak: (CommandError) -> Void
    /// How long an outage may last before following gives up.
    var patience: Duration = .seconds(600)

    /// Hands over events until `onEvent` has seen enough; comes back after breaks where the stream left off.
    func follow(_ path: String, onEvent: (ServerSentEvent) async throws -> Bool) async throws {
        var lastEventID: String?
        var wasConnected = false
        var brokeAt: ContinuousClock.Instant?
        var isReported = false
        var delay = 250
        while true {
            do {
                let isEnough = try await client.stream(path, lastEventID: lastEventID) { event in
                    wasConnected = true
                    brokeAt = nil
                    isReported = false
                    delay = 250
                    if let id = event.id { lastEventID = id }
                    return try await onEvent(event)
                }
                if isEnough { return }
                // The server ended the stream, as it does when it shuts down.
                if brokeAt == nil { brokeAt = .now }
            } catch let error as CommandError where error.code == .connection && wasConnected {
                let since = brokeAt ?? .now
                brokeAt = since
                if !isReported { onBreak(error) }
                isReported = true
                if ContinuousClock.now - since > patience { throw error }
            }
            // Full jitter, so that a thousand watchers do not come back at once.
            try await Task.sleep(for: .milliseconds(Int.random(in: delay / 4...delay)))
            delay = min(delay * 2, 5_000)
        }
    }
}
