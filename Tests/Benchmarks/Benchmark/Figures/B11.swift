internal import PostgresClient
internal import SwellEngine
internal import SwellLoad
internal import SwellModel

/// What a fleet costs in which nothing happens: many rollouts that wait for approval, the database included.
enum B11: Figure {
    static let name = "B11"
    static let what = "active rollouts, idle"

    static func run(_ size: Size) async throws -> [FigureResult] {
        let groups = size.of(check: 1, small: 10, full: 100)
        let length: Duration = size.of(check: .seconds(2), small: .seconds(20), full: .seconds(60))
        return try await Stage.run { stage in
            try await stage.makeFleet(groups * 100)
            try await stage.startCoordinator()
            guard let coordinator = await stage.coordinator else { throw BenchmarkError("no coordinator") }
            let load = try await stage.startLoad()
            try await load.order(.join(count: groups * 100, perSecond: 500))
            try await load.order(.awaitConnected(least: groups * 100))
            var releases: [(Application, ReleaseReference)] = []
            for group in 0..<groups {
                releases.append(try await stage.declare("app-\(group)", on: ["group": Stage.group(group)]))
            }
            var policy = try Stage.waves()
            policy.stages[0].approval = ApprovalRule(before: true)
            let begun = try await stage.begin(releases, policy)
            try await Task.sleep(for: .seconds(15))
            let before = try await total(stage, coordinator)
            try await Task.sleep(for: length)
            let after = try await total(stage, coordinator)
            let answer = try await load.order(.count)
            await load.end()
            let seconds = length / .seconds(1)
            let own = (after.coordinator - before.coordinator) / seconds
            let database = (after.database - before.database) / seconds
            let open = try await stage.pool.query("SELECT count(*) FROM rollouts WHERE NOT is_ended").scalar(Int.self)
            return [
                .absolute(
                    name, "\(groups) rollouts of 100 clusters", unit: "cores", ours: .init(own + database),
                    value: own + database, goal: .atMost(0.25),
                    peak: ProcessFigures(of: coordinator.identifier)?.peak ?? 0,
                    isRight: open == begun.names.count && answer.counts.connected == groups * 100,
                    notes: [
                        "the coordinator \(Table.number(own)), the database \(Table.number(database)) cores",
                        "read as: each of the clusters is a target of one rollout",
                    ])
            ]
        }
    }

    /// Seconds of processor time so far.
    private static func total(_ stage: Stage, _ coordinator: Child) async throws -> (
        coordinator: Double, database: Double
    ) {
        guard let own = ProcessFigures(of: coordinator.identifier) else {
            throw BenchmarkError("the coordinator ended")
        }
        let processes = await stage.databaseProcesses()
        // Backends that end hand what they took to the first of them.
        let database = processes.enumerated().reduce(0.0) { sum, process in
            guard let figures = ProcessFigures(of: process.element) else { return sum }
            return sum + figures.processorTime + (process.offset == 0 ? figures.waitedTime : 0)
        }
        return (own.processorTime, database)
    }
}
