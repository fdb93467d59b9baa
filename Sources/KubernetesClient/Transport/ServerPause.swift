internal import Synchronization

/// A pause that an API server asked for. All requests of a client keep to it: the server counts them together, so what it told
/// one of them is true for the others too.
final class ServerPause: Sendable {
    private let end = Mutex<ContinuousClock.Instant?>(nil)

    /// Notes what the server asked for; a shorter assignment does not shorten a longer one.
    func begin(_ length: Duration) {
        let asked = ContinuousClock.now.advanced(by: length)
        end.withLock { end in end = end.map { max($0, asked) } ?? asked }
    }

    /// Whether requests should wait now.
    var isOn: Bool { end.withLock { $0.map { $0 > .now } ?? false } }

    /// Waits until the pause is over, and up to a quarter longer, so that not all requests come back in one instant.
    func over(clock: any Clock<Duration>, chance: () -> Double) async throws {
        var waitedFor: ContinuousClock.Instant?
        // It may have been made longer meanwhile.
        while let end = end.withLock({ $0 }), end > .now, end != waitedFor {
            waitedFor = end
            let left = ContinuousClock.now.duration(to: end)
            try await clock.sleep(for: left + left * (0.25 * chance()))
        }
    }
}
