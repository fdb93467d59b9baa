internal import PostgresClient
internal import SwellEngine
internal import SwellLoad
internal import SwellModel

/// From the last healthy report of a stage to the first dispatch of the next, as the agents see both, against two commits.
enum B4: Figure {
    static let name = "B4"
    static let what = "last healthy report to the next stage's first dispatch"
    private static let stageSize = 10

    static func run(_ size: Size) async throws -> [FigureResult] {
        let stages = size.of(check: 5, small: 20, full: 200)
        let count = stages * stageSize
        return try await Stage.run { stage in
            try await stage.makeFleet(count)
            try await stage.startCoordinator()
            // Ready long after the apply, so that the report of it waits for no other of the agent's.
            let script = LoadScript(apply: .init(20, 20), ready: .init(700, 700))
            let load = try await stage.startLoad()
            try await load.order(.follow(script: script))
            try await load.order(.join(count: count, perSecond: 500))
            try await load.order(.awaitConnected(least: count))
            let names = try FleetMaker.names(count)
            let policy = RolloutPolicy(
                name: "steps",
                stages: try (0..<stages).map { index in
                    let clusters = Array(names[(index * stageSize)..<((index + 1) * stageSize)])
                    return PolicyStage(name: try StageName("s\(index)"), select: ClusterSelector(clusters: clusters))
                }, minHealthyTime: .zero, progressDeadline: .minutes(5))
            let begun = try await stage.begin([try await stage.declare("shop")], policy)
            let ended = try await stage.ends(of: begun, within: .seconds(60 + 5 * stages))
            let gaps = gaps(in: try await load.marks(), names)
            await load.end()
            let commits = try await commits(stage)
            return [
                .ratio(
                    name, "\(stages) stages of \(stageSize)", unit: "ms", ours: .init(gaps), baseline: .init(commits),
                    value: gaps.p99 / commits.p99, goal: .atMost(5),
                    isRight: ended.allSatisfy(\.isWhole) && gaps.count == stages - 1,
                    notes: ["the baseline is two commits without the ping that the goal grants"]),
                .absolute(
                    name, "p99 itself", unit: "ms", ours: .init(gaps), value: gaps.p99, goal: .atMost(100),
                    isRight: gaps.count == stages - 1),
            ]
        }
    }

    /// In milliseconds.
    private static func gaps(in marks: [LoadMark], _ names: [ClusterName]) -> Samples {
        let stages = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0 / stageSize) })
        var lastHealthy: [Int: UInt64] = [:]
        var firstAssigned: [Int: UInt64] = [:]
        for mark in marks {
            guard let stage = stages[mark.cluster] else { continue }
            switch mark.what {
            case .healthy: lastHealthy[stage] = max(lastHealthy[stage] ?? 0, mark.at)
            case .assigned: firstAssigned[stage] = min(firstAssigned[stage] ?? .max, mark.at)
            default: break
            }
        }
        return Samples(
            lastHealthy.compactMap { stage, healthy in
                firstAssigned[stage + 1].map { (Double($0) - Double(healthy)) / 1e6 }
            })
    }

    /// Two commits of one row on the same server, in milliseconds.
    private static func commits(_ stage: Stage) async throws -> Samples {
        try await stage.pool.withConnection { connection in
            try await connection.query("CREATE TABLE benchmark_row (value bigint)")
            try await connection.query("INSERT INTO benchmark_row VALUES (0)")
            var times: [Double] = []
            for _ in 0..<1_000 {
                let begin = MonotonicTime.now()
                for _ in 0..<2 { try await connection.query("UPDATE benchmark_row SET value = value + 1") }
                times.append(Double(MonotonicTime.now() - begin) / 1e6)
            }
            return Samples(times)
        }
    }
}
