internal import SwellModel

/// What a world consists of; with the seed, it decides everything that happens.
public struct WorldSettings: Sendable, Hashable {
    public var seed: UInt64
    /// How many clusters there are at the beginning.
    public var fleet: Int
    /// How many applications are rolled out to them, each with rollouts of its own.
    public var applications: Int
    /// How many replicas of the coordinator run over the one database.
    public var replicas: Int
    public var faults: Set<Fault>
    /// How many minutes faults happen; then the world is calm until all is settled: for twice as long, half an hour, or three minutes a
    /// cluster, whichever is longest, everything may take to end or to wait at a named gate.
    public var stormyMinutes: Int64
    /// A mistake put in on purpose, to see that it is found.
    public var plantedBug: PlantedBug?

    public init(
        seed: UInt64, fleet: Int = 12, applications: Int = 2, replicas: Int = 2,
        faults: Set<Fault> = Set(Fault.allCases), stormyMinutes: Int64 = 20, plantedBug: PlantedBug? = nil
    ) {
        self.seed = seed
        self.fleet = fleet
        self.applications = applications
        self.replicas = replicas
        self.faults = faults
        self.stormyMinutes = stormyMinutes
        self.plantedBug = plantedBug
    }

    var stormy: Interval { .minutes(stormyMinutes) }
    /// At most so long: a lane may take its clusters one by one, and each may use up its deadline of three minutes.
    var calm: Interval { .minutes(max(30, 2 * stormyMinutes, 3 * Int64(fleet))) }

    /// The command that runs exactly this world again.
    public var replayCommand: String {
        let usual = WorldSettings(seed: seed)
        var text = "swell-proof --replay \(seed) --fleet \(fleet)"
        if applications != usual.applications { text += " --applications \(applications)" }
        if replicas != usual.replicas { text += " --replicas \(replicas)" }
        if stormyMinutes != usual.stormyMinutes { text += " --minutes \(stormyMinutes)" }
        let without = Fault.allCases.filter { !faults.contains($0) }.map(\.rawValue)
        if !without.isEmpty { text += " --without \(without.joined(separator: ","))" }
        if let plantedBug { text += " --plant \(plantedBug.rawValue)" }
        return text
    }
}
