public import SwellModel

/// What a world consists of; with the seed, it decides everything that happens.
public struct WorldSettings: Sendable, Hashable {
    public var seed: UInt64
    /// How many clusters there are at the beginning.
    public var fleet: Int
    public var faults: Set<Fault>
    /// How long faults happen; after it the world is calm.
    public var stormy: Interval
    /// How long the calm lasts until everything must have ended or wait at a named gate.
    public var calm: Interval
    /// A mistake put in on purpose, to see that it is found.
    public var plantedBug: PlantedBug?

    public init(
        seed: UInt64, fleet: Int = 12, faults: Set<Fault> = Set(Fault.allCases), stormy: Interval = .minutes(20),
        calm: Interval = .minutes(40), plantedBug: PlantedBug? = nil
    ) {
        self.seed = seed
        self.fleet = fleet
        self.faults = faults
        self.stormy = stormy
        self.calm = calm
        self.plantedBug = plantedBug
    }

    /// The command that runs exactly this world again.
    public var replayCommand: String {
        var text = "swell-proof --replay \(seed) --fleet \(fleet)"
        let without = Fault.allCases.filter { !faults.contains($0) }.map(\.rawValue)
        if !without.isEmpty { text += " --without \(without.joined(separator: ","))" }
        if let plantedBug { text += " --plant \(plantedBug.rawValue)" }
        return text
    }
}
