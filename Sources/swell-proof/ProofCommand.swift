internal import ArgumentParser
internal import SwellSimulation

/// Runs simulated worlds and checks the invariants. Exits with 1 where one broke.
struct ProofCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs seeded worlds of faults against the engine and checks its invariants.")

    @Option(help: "The seeds to run, such as 0..<1000 or 7.")
    var seeds = "0..<100"
    @Option(help: "How many clusters there are at the beginning of each world.")
    var fleet = 12
    @Option(help: "How many minutes of its own time each world is stormy; the calm after it lasts twice as long.")
    var minutes = 20
    @Option(help: "Run this seed alone and print what happens.")
    var replay: UInt64?
    @Option(help: "Leave out these kinds of faults, separated by commas.")
    var without = ""
    @Option(help: "Put a mistake in on purpose, to see that it is found.")
    var plant: String?
    @Option(help: "How many lines of the trace to print before a violation.")
    var traceLines = 60
    @Flag(help: "Print how often everything was met.")
    var coverage = false

    func run() throws {
        if let replay {
            let outcome = Proof.run(try settings(seed: replay), keepsTrace: true)
            for line in outcome.violation == nil ? outcome.trace[...] : outcome.trace.suffix(traceLines) { print(line) }
            print(outcome.violation.map { "VIOLATION \($0)" } ?? "no invariant broke in \(outcome.events) events")
            if outcome.violation != nil { throw ExitCode(1) }
            return
        }
        let range = try seedRange()
        let clock = ContinuousClock()
        let start = clock.now
        var events = 0
        var rollouts = 0
        var met = Coverage()
        var broken = 0
        for seed in range {
            let outcome = Proof.run(try settings(seed: seed))
            events += outcome.events
            rollouts += outcome.rollouts
            met.add(outcome.coverage)
            guard outcome.violation != nil else { continue }
            broken += 1
            if broken <= 3 { tell(outcome) }
        }
        let seconds =
            Double((clock.now - start).components.attoseconds) / 1e18
            + Double((clock.now - start).components.seconds)
        print(
            "\(range.count) worlds, \(rollouts) rollouts, \(events) events in \(rounded(seconds)) s: "
                + "\(rounded(Double(rollouts) / seconds)) rollouts/s, \(rounded(Double(events) / seconds)) events/s")
        if coverage { for (what, count) in met.counts.sorted(by: { $0.key < $1.key }) { print("  \(what): \(count)") } }
        print("never met: \(met.neverMet.isEmpty ? "nothing" : met.neverMet.joined(separator: ", "))")
        print(broken == 0 ? "no invariant broke" : "\(broken) worlds broke an invariant")
        if broken > 0 { throw ExitCode(1) }
    }

    private func tell(_ outcome: Proof.Outcome) {
        let smaller = Proof.shrink(outcome)
        print("seed \(outcome.settings.seed): VIOLATION \(outcome.violation.map { "\($0)" } ?? "")")
        print("the smallest world found: \(smaller.violation.map { "\($0)" } ?? "")")
        for line in smaller.trace.suffix(traceLines) { print("  \(line)") }
        print("replay: \(smaller.settings.replayCommand)")
    }

    private func settings(seed: UInt64) throws -> WorldSettings {
        var faults = Set(Fault.allCases)
        for word in without.split(separator: ",").map(String.init) {
            guard let fault = Fault(rawValue: word) else {
                throw ValidationError("'\(word)' is no fault: choose from \(names(Fault.allCases.map(\.rawValue)))")
            }
            faults.remove(fault)
        }
        var bug: PlantedBug?
        if let plant {
            guard let known = PlantedBug(rawValue: plant) else {
                throw ValidationError(
                    "'\(plant)' is no mistake: choose from \(names(PlantedBug.allCases.map(\.rawValue)))")
            }
            bug = known
        }
        guard (1...500).contains(fleet) else { throw ValidationError("--fleet must be from 1 to 500") }
        guard (1...600).contains(minutes) else { throw ValidationError("--minutes must be from 1 to 600") }
        return WorldSettings(
            seed: seed, fleet: fleet, faults: faults, stormyMinutes: Int64(minutes), plantedBug: bug)
    }

    private func names(_ list: [String]) -> String { list.joined(separator: ", ") }

    private func seedRange() throws -> Range<UInt64> {
        if let seed = UInt64(seeds), seed < .max { return seed..<(seed + 1) }
        let isClosed = seeds.contains("...")
        let dots = isClosed ? "..." : "..<"
        let parts = seeds.split(separator: dots).map(String.init)
        guard parts.count == 2, let low = UInt64(parts[0]), let high = UInt64(parts[1]), high < .max,
            low < (isClosed ? high + 1 : high)
        else { throw ValidationError("'\(seeds)' are no seeds: write 0..<1000, 5...7 or 7") }
        return low..<(isClosed ? high + 1 : high)
    }

    private func rounded(_ value: Double) -> String {
        value >= 100 ? "\(Int(value))" : "\((value * 10).rounded() / 10)"
    }
}
