internal import Foundation
internal import SwellSimulation

/// Simulated engine events a minute.
enum B8: Figure {
    static let name = "B8"
    static let what = "simulated events a minute"

    static func run(_ size: Size) async throws -> [FigureResult] {
        var results: [FigureResult] = []
        for fleet in [16, 200] {
            let campaign = Campaign(
                seeds: 1..<1_000_000, settings: WorldSettings(seed: 1, fleet: fleet),
                jobs: ProcessInfo.processInfo.activeProcessorCount,
                limit: .seconds(size.of(check: 1, small: 10, full: 60)))
            let tally = await campaign.run()
            let minute = tally.rate(of: tally.events) * 60 / 1e6
            results.append(
                .absolute(
                    name, "fleets of \(fleet)", unit: "million", ours: .init(minute), value: minute,
                    goal: .atLeast(10), isRight: tally.broken.isEmpty,
                    notes: ["\(tally.worlds) worlds"]))
        }
        return results
    }
}
