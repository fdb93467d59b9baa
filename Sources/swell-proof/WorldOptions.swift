internal import ArgumentParser
internal import SwellSimulation

/// What the worlds are like.
struct WorldOptions: ParsableArguments {
    @Option(help: "How many clusters there are at the beginning of each world.")
    var fleet = 12
    @Option(help: "How many applications are rolled out to them.")
    var applications = 2
    @Option(help: "How many replicas of the coordinator there are.")
    var replicas = 2
    @Option(help: "How many minutes of its own time each world is stormy; the calm after it lasts up to twice as long.")
    var minutes = 20
    @Option(help: "Leave out these kinds of faults, separated by commas.")
    var without = ""
    @Option(help: "Put a mistake in on purpose, to see that it is found.")
    var plant: String?

    func validate() throws {
        guard (1...500).contains(fleet) else { throw ValidationError("--fleet must be from 1 to 500") }
        guard (1...8).contains(applications) else { throw ValidationError("--applications must be from 1 to 8") }
        guard (1...16).contains(replicas) else { throw ValidationError("--replicas must be from 1 to 16") }
        guard (1...600).contains(minutes) else { throw ValidationError("--minutes must be from 1 to 600") }
        for word in left where Fault(rawValue: word) == nil {
            throw ValidationError("'\(word)' is no fault: choose from \(names(Fault.allCases.map(\.rawValue)))")
        }
        if let plant, PlantedBug(rawValue: plant) == nil {
            throw ValidationError("'\(plant)' is no mistake: choose from \(names(PlantedBug.allCases.map(\.rawValue)))")
        }
    }

    private var left: [String] { without.split(separator: ",").map(String.init) }

    private func names(_ list: [String]) -> String { list.joined(separator: ", ") }

    func settings(seed: UInt64) -> WorldSettings {
        WorldSettings(
            seed: seed, fleet: fleet, applications: applications, replicas: replicas,
            faults: Set(Fault.allCases).subtracting(left.compactMap(Fault.init)), stormyMinutes: Int64(minutes),
            plantedBug: plant.flatMap(PlantedBug.init))
    }
}

/// Seeds as they are written, or as a commit gives them.
struct SeedRange {
    let range: Range<UInt64>

    init(_ text: String?, commit: String?, isUnbounded: Bool) throws {
        guard let text else {
            // Other seeds with each commit, far from those that people type.
            let first = commit.map { Self.number(of: $0) } ?? 0
            range = first..<(isUnbounded ? UInt64(Int64.max) : first + 100)
            return
        }
        if let seed = UInt64(text), seed < .max {
            range = seed..<(seed + 1)
            return
        }
        let isClosed = text.contains("...")
        let parts = text.split(separator: isClosed ? "..." : "..<").map(String.init)
        guard parts.count == 2, let low = UInt64(parts[0]), let high = UInt64(parts[1]), high < .max,
            low < (isClosed ? high + 1 : high)
        else { throw ValidationError("'\(text)' are no seeds: write 0..<1000, 5...7 or 7") }
        range = low..<(isClosed ? high + 1 : high)
    }

    /// A number below 2^40 that follows from a commit's name (FNV-1a).
    static func number(of commit: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in commit.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash >> 24
    }
}
