internal import SwellEngine
internal import SwellLoad
internal import SwellModel

/// How much longer rollouts take than their clusters do: one over 100 clusters in three stages of 20, 30 and 50, half at a time; and many
/// such at once.
enum B6: Figure {
    static let name = "B6"
    static let what = "rollouts beyond what their clusters take"

    private static let script = LoadScript(apply: .init(300, 300), ready: .init(700, 700))
    private static let minHealthyTime = Interval.seconds(1)

    /// What the clusters themselves take, one after the other as the policy wants them: two halves in each of three stages.
    private static let ideal = Interval.milliseconds(6 * (300 + 700 + 1_000))

    static func run(_ size: Size) async throws -> [FigureResult] {
        let groups = size.of(check: 1, small: 10, full: 100)
        return try await Stage.run { stage in
            try await stage.makeFleet(groups * 100)
            try await stage.startCoordinator()
            let load = try await stage.startLoad()
            try await load.order(.follow(script: script))
            try await load.order(.join(count: groups * 100, perSecond: 500))
            try await load.order(.awaitConnected(least: groups * 100))
            let single = try await stage.declare("alone", on: ["group": Stage.group(0)])
            var all: [(Application, ReleaseReference)] = []
            for group in 0..<groups {
                all.append(try await stage.declare("app-\(group)", on: ["group": Stage.group(group)]))
            }
            let results =
                try await measure(stage, [single], "one of 100", goal: 5)
                + measure(stage, all, "\(groups) of 100 at once", goal: 10)
            await load.end()
            return results
        }
    }

    private static func measure(
        _ stage: Stage, _ releases: [(Application, ReleaseReference)], _ part: String, goal: Double
    ) async throws -> [FigureResult] {
        guard let coordinator = await stage.coordinator else { throw BenchmarkError("the coordinator ended") }
        // What the connected fleet costs by being there is no rollout's: heartbeats come every five seconds.
        let idle = try await processorTime(of: coordinator.identifier, over: .seconds(10))
        let clock = ContinuousClock.now
        guard let before = ProcessFigures(of: coordinator.identifier) else {
            throw BenchmarkError("the coordinator ended")
        }
        let begun = try await stage.begin(releases, try Stage.waves(minHealthyTime: minHealthyTime))
        let ended = try await stage.ends(of: begun, within: .seconds(600))
        guard let after = ProcessFigures(of: coordinator.identifier) else {
            throw BenchmarkError("the coordinator ended")
        }
        let seconds = ended.map { Double($0.after.milliseconds) / 1_000 }
        let own = Double(ideal.milliseconds) / 1_000
        let beyond = Samples(seconds.map { $0 - own })
        let targets = ended.reduce(0) { $0 + $1.targets.values.reduce(0, +) }
        let isRight = ended.allSatisfy(\.isWhole)
        let spent = after.processorTime - before.processorTime
        let resting = idle * ((ContinuousClock.now - clock) / .seconds(1))
        let each = max(0, spent - resting) * 1_000 / Double(max(1, targets))
        return [
            .absolute(
                name, part, unit: "s", ours: .init(beyond), value: beyond.quantile(0.9), goal: .atMost(goal),
                peak: after.peak, isRight: isRight,
                notes: [
                    "the clusters take \(Table.number(own)) s, the rollouts took \(Table.number(Samples(seconds).quantile(0.9))) s (p90)"
                ] + ended.filter { !$0.isWhole }.prefix(5).map { "\($0.name): \($0.phase) \($0.targets)" }),
            .absolute(
                name, part + ", coordinator a target", unit: "ms CPU", ours: .init(each), value: each,
                goal: .atMost(2), isRight: isRight,
                notes: [
                    "\(Table.number(spent)) s of processor in all, of which the fleet of agents takes \(Table.number(resting)) s at rest"
                ]),
        ]
    }

    /// Seconds of processor a second.
    private static func processorTime(of process: Int32, over length: Duration) async throws -> Double {
        guard let first = ProcessFigures(of: process) else { throw BenchmarkError("the coordinator ended") }
        try await Task.sleep(for: length)
        guard let last = ProcessFigures(of: process) else { throw BenchmarkError("the coordinator ended") }
        return (last.processorTime - first.processorTime) / (length / .seconds(1))
    }
}
