/// Whether a mistake that is put in on purpose is found, and by how many seeds.
public struct PlantTrial: Sendable {
    public let bug: PlantedBug
    /// How many worlds it was put into.
    public let worlds: Int
    /// In how many the checker named the invariant that it breaks.
    public let caught: Int
    /// In how many the checker named other invariants, by their numbers.
    public let others: [Int: Int]
    /// The first seed that found it under its own number.
    public let firstSeed: UInt64?

    /// Puts the mistake into worlds of these seeds.
    public static func run(
        _ bug: PlantedBug, seeds: Range<UInt64>, settings: WorldSettings, jobs: Int
    ) async -> PlantTrial {
        var settings = settings
        settings.plantedBug = bug
        let tally = await Campaign(seeds: seeds, settings: settings, jobs: jobs, brokenLimit: .max).run()
        let caught = tally.broken.filter { $0.violation?.invariant == bug.invariant }
        var others: [Int: Int] = [:]
        for outcome in tally.broken {
            if let number = outcome.violation?.invariant, number != bug.invariant { others[number, default: 0] += 1 }
        }
        return PlantTrial(
            bug: bug, worlds: tally.worlds, caught: caught.count, others: others,
            firstSeed: caught.first?.settings.seed)
    }
}
