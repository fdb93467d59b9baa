internal import SwellLoad

/// What an agent that only holds its session takes of the coordinator's memory, against a bare server of the same streams.
enum B2: Figure {
    static let name = "B2"
    static let what = "memory an idle agent"

    static func run(_ size: Size) async throws -> [FigureResult] {
        let counts = size.counts
        let idle: Duration = size.of(check: .seconds(1), small: .seconds(10), full: .seconds(60))
        return try await Stage.run { stage in
            try await stage.makeFleet(counts.max() ?? 0)
            try await stage.startCoordinator()
            guard let coordinator = await stage.coordinator else { throw BenchmarkError("no coordinator") }
            let ours = try await measure(coordinator, try stage.startLoad(), counts, idle)
            let bare = try await stage.startBaseline("grpc")
            let theirs = try await measure(bare.child, try stage.startLoad(on: bare.port), counts, idle)
            return zip(counts, zip(ours, theirs)).map { count, pair in
                .ratio(
                    name, "\(count) agents", unit: "KiB", ours: .init(pair.0.each / 1_024),
                    baseline: .init(pair.1.each / 1_024), goal: .atMost(1.2), peak: pair.0.peak,
                    isRight: pair.0.isRight && pair.1.isRight,
                    notes: ["processor of the server while they joined: \(pair.0.joining) s, bare \(pair.1.joining) s"])
            }
        }
    }

    private struct Measured {
        var each: Double
        var peak: Int
        var joining: Double
        var isRight: Bool
    }

    /// Joins so many agents, then more, and looks at the server each time.
    private static func measure(
        _ server: Child, _ load: LoadClient, _ counts: [Int], _ idle: Duration
    ) async throws -> [Measured] {
        var measured: [Measured] = []
        try await Task.sleep(for: .seconds(3))
        guard let empty = ProcessFigures(of: server.identifier) else { throw BenchmarkError("the server is gone") }
        var joined = 0
        for count in counts {
            let before = ProcessFigures(of: server.identifier)?.processorTime ?? 0
            try await load.order(.join(count: count - joined, perSecond: 500))
            let answer = try await load.order(.awaitConnected(least: count))
            let joining = (ProcessFigures(of: server.identifier)?.processorTime ?? 0) - before
            joined = count
            Progress.say("\(count) agents have a session, \(idle) of silence")
            try await Task.sleep(for: idle)
            let now = try await load.order(.count)
            guard let full = ProcessFigures(of: server.identifier) else {
                throw BenchmarkError("the server ended under \(count) agents")
            }
            measured.append(
                Measured(
                    each: Double(full.share - empty.share) / Double(count), peak: full.peak,
                    joining: (joining * 100).rounded() / 100,
                    isRight: answer.counts.connected == count && now.counts.connected == count))
        }
        await load.end()
        return measured
    }
}
