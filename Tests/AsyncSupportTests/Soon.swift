internal import Testing

/// Waits until `condition` holds, and fails when it does not within ten seconds.
func soon(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        await Task.yield()
    }
    Issue.record("never: \(what)", sourceLocation: sourceLocation)
    throw CancellationError()
}

/// How many are at something, and how many were at most.
actor Gauge {
    private var now = 0
    private(set) var most = 0

    func enter(_ body: () async -> Void) async {
        now += 1
        most = max(most, now)
        await body()
        now -= 1
    }
}

/// What happened, in order.
actor Recorder {
    private(set) var entries: [Int] = []
    func add(_ entry: Int) { entries.append(entry) }
}
