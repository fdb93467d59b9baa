internal import Foundation
internal import SwellEngine
internal import SwellLoad
internal import SwellModel

/// How fast a release of a megabyte reaches all agents, against nginx with the same certificates and bytes; and whether what they have
/// already is sent again.
enum B5: Figure {
    static let name = "B5"
    static let what = "a release of a megabyte to all agents"

    private static let parts = 16
    private static let partBytes = 65_536

    static func run(_ size: Size) async throws -> [FigureResult] {
        var results: [FigureResult] = []
        for count in size.counts {
            results += try await Stage.run { stage in
                try await stage.makeFleet(count)
                let ours = try await ours(stage, count)
                let theirs = try await theirs(stage, count, page: ours.bytes)
                return [
                    .ratio(
                        name, "\(count) agents", unit: "MB/s",
                        ours: .init(Double(ours.bytes * count) / ours.seconds / 1e6),
                        baseline: .init(Double(ours.bytes * count) / theirs / 1e6), goal: .atLeast(0.6),
                        peak: ours.peak, isRight: ours.isRight, notes: ours.notes),
                    .absolute(
                        name, "\(count) agents, memory each", unit: "KiB", ours: .init(ours.each / 1_024),
                        value: ours.each / 1_024, goal: .atMost(64), peak: ours.peak, isRight: ours.isRight),
                ]
            }
        }
        return results
    }

    private struct Delivery {
        /// From the start of the rollout until the last document had come.
        var seconds: Double
        /// What one agent fetched.
        var bytes: Int
        /// What the coordinator grew by at most, an agent.
        var each: Double
        var peak: Int
        var isRight: Bool
        var notes: [String]
    }

    private static func ours(_ stage: Stage, _ count: Int) async throws -> Delivery {
        try await stage.startCoordinator()
        let load = try await stage.startLoad(["--fetch"])
        try await load.order(.follow(script: LoadScript(apply: .init(0, 0), ready: .init(0, 0))))
        try await load.order(.join(count: count, perSecond: 500))
        try await load.order(.awaitConnected(least: count))
        guard let coordinator = await stage.coordinator else { throw BenchmarkError("the coordinator ended") }
        // Joining takes more than being there: what was freed since must not hide what the delivery takes.
        try ProcessFigures.resetPeak(of: coordinator.identifier)
        guard let before = ProcessFigures(of: coordinator.identifier) else {
            throw BenchmarkError("the coordinator ended")
        }
        let first = try await stage.declare("shop", manifest: manifest(changed: 0))
        let started = MonotonicTime.now()
        let rollout = try await stage.begin([first], Stage.atOnce())
        // The index, and a document for each object that the index names.
        let documents = try await stage.documents(of: first.1)
        let done = try await load.order(.awaitPages(least: count * documents), within: .seconds(900))
        let ended = try await stage.ends(of: rollout, within: .seconds(300))
        let whole = try await load.order(.count)
        let bytes = whole.counts.fetchedBytes / count
        // One object of the sixteen is another one.
        let second = try await stage.declare("shop", version: "2.0.0", manifest: manifest(changed: 1))
        let again = try await stage.begin([second], Stage.atOnce(), named: "again")
        let endedAgain = try await stage.ends(of: again, within: .seconds(300))
        let after = try await load.order(.count)
        guard let figures = ProcessFigures(of: coordinator.identifier) else {
            throw BenchmarkError("the coordinator ended")
        }
        await load.end()
        let more = (after.counts.fetchedBytes - whole.counts.fetchedBytes) / count
        let isSparing = more < 2 * partBytes
        return Delivery(
            seconds: Double(done.at - started) / 1e9, bytes: bytes,
            each: Double(max(0, figures.peak - before.peak)) / Double(count), peak: figures.peak,
            isRight: isSparing && bytes >= parts * partBytes && (ended + endedAgain).allSatisfy(\.isWhole),
            notes: ["an agent fetched \(bytes) bytes, and \(more) of a release in which one object of \(parts) changed"]
        )
    }

    private static func theirs(_ stage: Stage, _ count: Int, page bytes: Int) async throws -> Double {
        let port = try await stage.startWebServer(page: bytes)
        let load = try await stage.startLoad(on: port, ["--page", "/page"])
        try await load.order(.join(count: count, perSecond: 500))
        try await load.order(.awaitConnected(least: count))
        let started = MonotonicTime.now()
        try await load.order(.fetch(count: count))
        let done = try await load.order(.awaitPages(least: count), within: .seconds(900))
        await load.end()
        return Double(done.at - started) / 1e9
    }

    /// A text that no compression makes much shorter, the same at every run.
    private static func manifest(changed: Int) -> String {
        var state: UInt64 = 88_172_645_463_325_252
        return (0..<parts).map { part in
            var text = ""
            while text.utf8.count < partBytes {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                text += String(state, radix: 36)
            }
            let version = part == 0 ? "changed: \"\(changed)\", " : ""
            return
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: part-\(part)}\ndata: {\(version)text: \"\(text)\"}\n"
        }.joined(separator: "---\n")
    }
}
