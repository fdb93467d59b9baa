internal import NIOCore
internal import NetworkTesting
internal import SwellEngine
internal import SwellLoad
internal import SwellModel
internal import SwellStore

/// What many do at the same moment, and what a database does that is slow: nothing healthy is taken back, nothing acknowledged is lost, and
/// memory stays within a bound that does not depend on how long it lasts.
enum Storms: Figure {
    static let name = "storms"
    static let what = "all at once, dead agents, a slow database"

    static func run(_ size: Size) async throws -> [FigureResult] {
        try await crowd(size) + slowDatabase(size)
    }

    /// All join in one second, speak in one, leave in one and come back; then a rollout over all, of whom one in a hundred is dead.
    private static func crowd(_ size: Size) async throws -> [FigureResult] {
        let count = size.count
        return try await Stage.run { stage in
            try await stage.makeFleet(count)
            try await stage.startCoordinator()
            let load = try await stage.startLoad()
            var results: [FigureResult] = []
            func result(_ part: String, _ seconds: Double, isRight: Bool, _ notes: [String] = []) async {
                let figures = await stage.coordinator.flatMap { ProcessFigures(of: $0.identifier) }
                results.append(
                    .absolute(
                        name, part, unit: "s", ours: .init(seconds), value: seconds, goal: nil,
                        peak: figures?.peak ?? 0, isRight: isRight && figures != nil, notes: notes))
            }
            var begun = MonotonicTime.now()
            func passed(_ answer: LoadAnswer) -> Double { Double(answer.at - begun) / 1e9 }
            try await load.order(.join(count: count))
            var answer = try await load.order(.awaitConnected(least: count))
            await result("\(count) join at once", passed(answer), isRight: true)

            // Something to speak of: a release that all have.
            let script = LoadScript(apply: .init(100, 1_000), ready: .init(100, 1_000))
            try await load.order(.follow(script: script))
            let shop = try await stage.declare("shop")
            let first = try await stage.ends(
                of: try await stage.begin([shop], Stage.atOnce()), within: .seconds(300))
            await result(
                "a rollout to all at once", Double(first[0].after.milliseconds) / 1_000, isRight: first[0].isWhole,
                ["\(first[0].phase) \(first[0].targets)"])

            begun = MonotonicTime.now()
            let before = try await stage.store.now()
            try await load.order(.report(count: count))
            try await eventually("\(count) reports to be stored", within: .seconds(120)) {
                try await stage.reports(of: shop.0.name, after: before) >= count ? true : nil
            }
            await result("\(count) speak at once", Double(MonotonicTime.now() - begun) / 1e9, isRight: true)

            begun = MonotonicTime.now()
            try await load.order(.leave(count: count))
            try await load.order(.join(count: count))
            answer = try await load.order(.awaitConnected(least: count))
            await result("\(count) leave and join at once", passed(answer), isRight: true)

            // The last of them are dead, and the policy leaves them behind.
            let dead = max(1, count / 100)
            try await load.order(.leave(count: dead))
            let next = try await stage.declare("shop", version: "2.0.0", manifest: manifest)
            let second = try await stage.begin([next], Stage.atOnce(), named: "dead")
            try await eventually("the living to be healthy", within: .seconds(300)) {
                try await stage.healthy(in: second.names[0]) == count - dead ? true : nil
            }
            let whileDead = try await stage.takenBack()
            begun = MonotonicTime.now()
            try await load.order(.join(count: dead))
            let back = try await stage.ends(of: second, within: .seconds(300))
            let bad = try await stage.takenBack()
            await result(
                "a rollout to all, \(dead) of them dead: from their return to its end",
                Double(MonotonicTime.now() - begun) / 1e9, isRight: back[0].isWhole && whileDead == 0 && bad == 0,
                ["\(back[0].phase) \(back[0].targets)"])
            await load.end()
            return results
        }
    }

    /// Each statement takes 50 ms more, over four connections, while a rollout goes on.
    private static func slowDatabase(_ size: Size) async throws -> [FigureResult] {
        let count = size.of(check: 100, small: 100, full: 1_000)
        return try await Stage.run { stage in
            try await stage.makeFleet(count)
            let link = try await stage.linkDatabase()
            try await stage.startCoordinator(["--database-connections", "4"])
            let load = try await stage.startLoad()
            try await load.order(.follow(script: LoadScript(apply: .init(100, 500), ready: .init(100, 500))))
            try await load.order(.join(count: count, perSecond: 100))
            try await load.order(.awaitConnected(least: count))
            link.set(.delayed(by: .milliseconds(50)))
            let shop = try await stage.declare("shop")
            let ended = try await stage.ends(
                of: try await stage.begin([shop], try Stage.waves()), within: .seconds(600))
            let answer = try await load.order(.count)
            let bad = try await stage.takenBack()
            await load.end()
            await link.close()
            return [
                .absolute(
                    name, "\(count) agents, a database 50 ms away, four connections", unit: "s",
                    ours: .init(Double(ended[0].after.milliseconds) / 1_000),
                    value: Double(ended[0].after.milliseconds) / 1_000, goal: nil,
                    isRight: ended[0].isWhole && bad == 0 && answer.counts.connected == count,
                    notes: ["\(ended[0].phase) \(ended[0].targets)"])
            ]
        }
    }

    private static let manifest =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {version: \"2\"}\n"
}
