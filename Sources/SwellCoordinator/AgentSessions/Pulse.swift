/// Beats that wake one loop. Beats that come while the loop is busy become one.
struct Pulse: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// Wakes the loop.
    func beat() { continuation.yield() }

    /// Beats at once and then every `interval` until the task is cancelled, and ends the beats.
    func beat(every interval: Duration) async {
        repeat { beat() } while (try? await Task.sleep(for: interval)) != nil
        continuation.finish()
    }

    /// The beats, for one loop.
    var beats: AsyncStream<Void> { stream }
}
