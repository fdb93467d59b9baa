internal import PostgresClient
internal import SwellLoad
internal import SwellModel

/// How long until all agents are back after the coordinator was killed in the middle of a rollout, against a loop that only accepts.
enum B3: Figure {
    static let name = "B3"
    static let what = "agents back after kill -9"

    static func run(_ size: Size) async throws -> [FigureResult] {
        let count = size.count
        var results: [FigureResult] = []
        // From one address, all are one stranger to a guard that counts by address.
        for isOneAddress in [false, true] {
            results += try await Stage.run { stage in
                try await stage.makeFleet(count)
                let flags = isOneAddress ? ["--one-address"] : []
                let ours = try await ours(stage, count, flags)
                let theirs = try await theirs(stage, count, flags)
                return [
                    .ratio(
                        name, "\(count) from \(isOneAddress ? "one address" : "many")", unit: "s",
                        ours: .init(ours.returns), baseline: .init(theirs.returns),
                        value: ours.returns.max / theirs.returns.max, goal: .atMost(2), peak: ours.peak,
                        isRight: ours.isRight && theirs.isRight,
                        notes: [
                            "all were back after \(Table.number(ours.returns.max)) s, at the loop after \(Table.number(theirs.returns.max)) s",
                            "processor of the server meanwhile: \(Table.number(ours.processor)) s, of the loop \(Table.number(theirs.processor)) s",
                        ] + ours.notes)
                ]
            }
        }
        return results
    }

    private struct Return {
        /// Of each agent, in seconds since the kill.
        var returns: Samples
        var processor: Double
        var peak = 0
        var isRight: Bool
        var notes: [String] = []
    }

    private static func ours(_ stage: Stage, _ count: Int, _ flags: [String]) async throws -> Return {
        try await stage.startCoordinator()
        let load = try await stage.startLoad(flags)
        try await load.order(.join(count: count, perSecond: 500))
        try await load.order(.awaitConnected(least: count))
        // A tenth of the fleet is under way, slowly, when the coordinator goes.
        let script =
            count > 100
            ? LoadScript(apply: .init(1_000, 3_000), ready: .init(2_000, 4_000))
            : LoadScript(apply: .init(300, 600), ready: .init(300, 600))
        try await load.order(.follow(script: script))
        let labels = count > 1_000 ? ["thousand": "0"] : ["group": Stage.group(0)]
        let release = try await stage.declare("shop", on: labels)
        let begun = try await stage.begin([release], try Stage.waves())
        try await load.order(.awaitHealthy(least: count / 100))
        let killed = MonotonicTime.now()
        try await stage.crashCoordinator()
        try await stage.startCoordinator()
        let restarted = MonotonicTime.now()
        try await load.order(.awaitConnected(least: count))
        guard let coordinator = await stage.coordinator, let figures = ProcessFigures(of: coordinator.identifier) else {
            throw BenchmarkError("the coordinator ended")
        }
        let ended = try await stage.ends(of: begun, within: .seconds(300))
        let marks = try await load.marks()
        let bad = marks.count { $0.what == .failed || $0.what == .reverted }
        // What the agents said last is what the coordinator has.
        let told = try await stage.pool.query(
            "SELECT count(*) FROM cluster_status WHERE application = $1 AND report->>'phase' = 'healthy'",
            [.text(release.0.name.rawValue)]
        ).scalar(Int.self)
        await load.end()
        let returns = returns(in: marks, after: killed)
        let isWhole = ended.allSatisfy(\.isWhole)
        return Return(
            returns: returns, processor: figures.processorTime, peak: figures.peak,
            isRight: isWhole && bad == 0 && told == max(100, count / 10) && returns.count == count,
            notes: [
                "the coordinator served again after \(Table.number(Double(restarted - killed) / 1e9)) s",
                "the rollout: \(ended.map { "\($0.phase) \($0.targets)" }.joined(separator: ", ")), \(bad) taken back, \(told) told healthy",
            ])
    }

    private static func theirs(_ stage: Stage, _ count: Int, _ flags: [String]) async throws -> Return {
        let first = try await stage.startBaseline("tls")
        let load = try await stage.startLoad(on: first.port, ["--bare"] + flags)
        try await load.order(.join(count: count, perSecond: 500))
        try await load.order(.awaitConnected(least: count))
        // As long a life as the agents had, so that both begin with short waits.
        try await Task.sleep(for: .seconds(5))
        let killed = MonotonicTime.now()
        first.child.crash()
        let second = try await stage.startBaseline("tls", port: first.port)
        try await load.order(.awaitConnected(most: count - 1))
        try await load.order(.awaitConnected(least: count))
        let figures = ProcessFigures(of: second.child.identifier)
        let returns = returns(in: try await load.marks(), after: killed)
        await load.end()
        await second.child.end()
        return Return(returns: returns, processor: figures?.processorTime ?? 0, isRight: returns.count == count)
    }

    /// Of each cluster, how long after a moment it had a session that it kept.
    private static func returns(in marks: [LoadMark], after moment: UInt64) -> Samples {
        var last: [ClusterName: UInt64] = [:]
        for mark in marks where mark.what == .connected && mark.at > moment { last[mark.cluster] = mark.at }
        return Samples(last.values.map { Double($0 - moment) / 1e9 })
    }
}
