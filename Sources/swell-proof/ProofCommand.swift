internal import ArgumentParser
internal import SwellSimulation

/// Runs simulated worlds and checks the invariants. Exits with 0 where none broke, 1 where one did, 2 after wrong usage.
struct ProofCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs seeded worlds of faults against the engine and checks its invariants.",
        discussion: """
            Each world is a fleet, a coordinator of several replicas, its database, the network and people, in virtual time; \
            its seed decides all that happens. Exits with 0 where no invariant broke, 1 where one did, 2 after wrong usage.

              swell-proof --seeds '0..<1000' --fleet 20
              swell-proof --seconds 50 --commit "$(git rev-parse HEAD)"
              swell-proof --replay 7 --fleet 5
              swell-proof --plants
            """)

    @OptionGroup var worlds: WorldOptions
    @Option(help: "The seeds to run, such as 0..<1000 or 7. By default 0..<100, or what the commit gives.")
    var seeds: String?
    @Option(help: "Begin no further world after so many seconds.")
    var seconds: Int?
    @Option(help: "How many worlds run at once. By default one a core.")
    var jobs: Int?
    @Option(help: "The commit that this was built from: it is named with what breaks, and gives other seeds each time.")
    var commit: String?
    @Option(help: "Run this seed alone and print what happens.")
    var replay: UInt64?
    @Flag(help: "Put each known mistake into the worlds, and print by how many of them it was found.")
    var plants = false
    @Flag(help: "Print how often everything was met, and why the rest cannot be.")
    var coverage = false
    @Option(help: "How many lines of the trace to print before a violation: those of the clusters that it names.")
    var traceLines = 60
    @Flag(help: "With --replay, print all that happened, to every cluster.")
    var whole = false

    func validate() throws {
        if let seconds, seconds < 1 { throw ValidationError("--seconds must be at least 1") }
        if let jobs, !(1...256).contains(jobs) { throw ValidationError("--jobs must be from 1 to 256") }
        if replay != nil, plants || seeds != nil {
            throw ValidationError("--replay runs one seed: leave out --seeds and --plants")
        }
        guard traceLines >= 0 else { throw ValidationError("--trace-lines must not be negative") }
        _ = try SeedRange(seeds, commit: commit, isUnbounded: seconds != nil)
    }

    func run() async throws {
        if let replay { return try printStory(of: replay) }
        let range = try SeedRange(seeds, commit: commit, isUnbounded: seconds != nil).range
        if plants { return try await tryPlants(seeds == nil ? 0..<30 : range) }
        try await prove(range)
    }

    private func printStory(of seed: UInt64) throws {
        let outcome = Proof.run(worlds.settings(seed: seed), keepsTrace: true)
        for line in whole ? outcome.trace[...] : outcome.focusedTrace.suffix(traceLines) { print(line) }
        guard let violation = outcome.violation else {
            return print("no invariant broke in \(outcome.events) events of \(outcome.rollouts) rollouts")
        }
        print("VIOLATION \(violation)")
        throw ExitCode(1)
    }

    // MARK: Many worlds

    private func prove(_ range: Range<UInt64>) async throws {
        if let commit { print("commit \(commit): seeds from \(range.lowerBound) on") }
        let campaign = Campaign(
            seeds: range, settings: worlds.settings(seed: range.lowerBound), jobs: jobs ?? Machine.cores,
            limit: seconds.map { .seconds($0) })
        var line = ProgressLine(worlds: seconds == nil ? range.count : nil)
        let tally = await campaign.run { line.show($0) }
        line.end()
        let minute = Int(tally.rate(of: tally.events) * 60)
        print(
            "\(tally.worlds) worlds, \(tally.rollouts) rollouts, \(tally.events) events in "
                + "\(Figure.text(1 / max(tally.rate(of: 1), 1e-9))) s on \(campaign.jobs) cores: "
                + "\(Figure.text(tally.rate(of: tally.rollouts))) rollouts/s, "
                + "\(Figure.text(tally.rate(of: tally.events))) events/s, \(Figure.text(Double(minute) / 1e6)) million a minute"
        )
        let isSound = CoverageText(tally.coverage, isWhole: coverage).print()
        for outcome in tally.broken.prefix(3) { report(outcome) }
        if tally.broken.count > 3 { print("and \(tally.broken.count - 3) more") }
        print(tally.broken.isEmpty ? "no invariant broke" : "\(tally.broken.count) worlds broke an invariant")
        if !tally.broken.isEmpty || !isSound { throw ExitCode(1) }
    }

    private func report(_ outcome: Proof.Outcome) {
        let smaller = Proof.shrink(outcome)
        print(
            "seed \(outcome.settings.seed), commit \(commit ?? "not told (--commit)"): VIOLATION "
                + (outcome.violation.map { "\($0)" } ?? ""))
        print("the smallest world found: \(smaller.violation.map { "\($0)" } ?? "")")
        for line in smaller.focusedTrace.suffix(traceLines) { print("  \(line)") }
        print("replay: \(smaller.settings.replayCommand)")
    }

    // MARK: Planted mistakes

    private func tryPlants(_ range: Range<UInt64>) async throws {
        var missed: [PlantedBug] = []
        print("invariant  caught  first seed  mistake")
        for bug in PlantedBug.allCases.sorted(by: { ($0.invariant, $0.rawValue) < ($1.invariant, $1.rawValue) }) {
            let trial = await PlantTrial.run(
                bug, seeds: range, settings: worlds.settings(seed: 0), jobs: jobs ?? Machine.cores)
            let others = trial.others.sorted { $0.key < $1.key }.map { "\($0.value) as invariant \($0.key)" }
            print(
                Figure.padded("\(bug.invariant)", 9) + Figure.padded("\(trial.caught)/\(trial.worlds)", 8)
                    + Figure.padded(trial.firstSeed.map { "\($0)" } ?? "-", 12)
                    + "  \(bug.rawValue)\(others.isEmpty ? "" : " (\(others.joined(separator: ", ")))")")
            if trial.caught == 0 { missed.append(bug) }
        }
        let invariants = Set(PlantedBug.allCases.filter { !missed.contains($0) }.map(\.invariant))
        print(
            "\(PlantedBug.allCases.count - missed.count) of \(PlantedBug.allCases.count) mistakes found, "
                + "\(invariants.count) of 19 invariants proven to bite")
        if !missed.isEmpty { throw ExitCode(1) }
    }
}
