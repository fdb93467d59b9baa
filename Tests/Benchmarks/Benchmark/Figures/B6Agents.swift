internal import SwellEngine
internal import SwellLoad
internal import SwellModel

/// What a target of three objects costs the shipped agent, and whether every rollout succeeds where each of many clusters gets many
/// applications at once.
enum B6Agents: Figure {
    static let name = "B6c"
    static let what = "rollouts by the shipped agents on simulated clusters"

    static func run(_ size: Size) async throws -> [FigureResult] {
        let agents = size.of(check: 2, small: 5, full: 20)
        let applications = size.of(check: 3, small: 20, full: 50)
        return try await Stage.run { stage in
            try await stage.startCoordinator()
            let (simulator, running) = try await stage.startAgents(agents)
            var releases: [(Application, ReleaseReference)] = []
            for index in 0..<applications {
                let name = "app-\(index)"
                releases.append(try await stage.declare(name, on: ["real": "yes"], manifest: manifest(name)))
            }
            func processor() throws -> [Double] {
                try running.map { child in
                    guard let figures = ProcessFigures(of: child.identifier) else {
                        throw BenchmarkError("an agent ended")
                    }
                    return figures.processorTime
                }
            }
            let before = try processor()
            let begun = try await stage.begin(releases, Stage.atOnce())
            let ended = try await stage.ends(of: begun, within: .seconds(600))
            let after = try processor()
            // What it costs to go on watching.
            try await Task.sleep(for: size.of(check: .seconds(1), small: .seconds(20), full: .seconds(60)))
            let later = try processor()
            let targets = Double(agents * applications)
            let each = Samples(zip(before, after).map { ($1 - $0) * 1_000 / Double(applications) })
            let idle = zip(after, later).map { $1 - $0 }.reduce(0, +) / Double(agents)
            let peak = running.compactMap { ProcessFigures(of: $0.identifier)?.peak }.max() ?? 0
            let isRight = ended.allSatisfy(\.isWhole)
            let seconds = Samples(ended.map { Double($0.after.milliseconds) / 1_000 })
            return [
                .absolute(
                    name, "\(agents) agents, \(applications) applications, an agent a target", unit: "ms CPU",
                    ours: .init(each), value: each.p50, goal: .atMost(20), peak: peak, isRight: isRight,
                    notes: [
                        "\(Int(targets)) targets within \(Table.number(seconds.max)) s; the simulator took \(Table.number((ProcessFigures(of: simulator.identifier)?.processorTime ?? 0))) s of processor",
                        "an agent that goes on watching: \(Table.number(idle)) s of processor in the time after",
                    ] + ended.filter { !$0.isWhole }.prefix(5).map { "\($0.name): \($0.phase) \($0.targets)" })
            ]
        }
    }

    private static func manifest(_ name: String) -> String {
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: \(name)}
        data: {level: info}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: \(name)}
        spec: {selector: {app: \(name)}, ports: [{port: 80, targetPort: 8080}]}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: \(name)}
        spec:
          replicas: 1
          selector: {matchLabels: {app: \(name)}}
          template:
            metadata: {labels: {app: \(name)}}
            spec: {containers: [{name: main, image: "app:1"}]}

        """
    }
}
