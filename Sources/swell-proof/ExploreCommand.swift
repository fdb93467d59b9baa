internal import ArgumentParser
internal import SwellSimulation

/// Goes through everything that can happen to a tiny fleet. Exits with 1 where an invariant broke, with 3 where it gave up.
struct ExploreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explore",
        abstract: "Visits every state that a tiny fleet can get into and checks the invariants in each.",
        discussion: """
            Two regions, three clusters, a canary with a soak; two replicas of the coordinator. The options say how much may \
            happen on one path; within that, every order of events is gone through.
            """)

    @Option(help: "How many orders operators give.")
    var orders = 1
    @Option(help: "How often the replica that decides stalls for longer than its lease.")
    var stalls = 1
    @Option(help: "How often a release is seen failed or degraded.")
    var badLooks = 1
    @Option(help: "How often a cluster goes silent.")
    var silences = 1
    @Option(help: "How many messages have a copy that arrives late.")
    var lateMessages = 1
    @Option(help: "How often time goes by though something waits to happen.")
    var delays = 1
    @Option(help: "How often a replica thinks for a while between reading and committing.")
    var thoughts = 0
    @Option(help: "What the policy does on a failure: rollback or pause.")
    var onFailure = "rollback"
    @Option(help: "Put a mistake in on purpose, to see that it is found.")
    var plant: String?
    @Option(help: "How many states to visit before giving up.")
    var limit = 20_000_000
    @Flag(help: "Tell how far it is after each depth.")
    var progress = false

    func run() throws {
        let clock = ContinuousClock()
        let start = clock.now
        let outcome = Explorer.run(try settings()) { depth, states, frontier in
            if progress { print("  depth \(depth): \(states) states, \(frontier) to go on from") }
        }
        let elapsed = (clock.now - start).components
        let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
        print(
            "\(outcome.states) states, \(outcome.transitions) transitions, depth \(outcome.depth) in "
                + "\((seconds * 10).rounded() / 10) s (\(Int(Double(outcome.transitions) / max(seconds, 0.001)))/s)")
        print("bounds of a path: \(outcome.settings.bounds)")
        print("states met again by another way that went on alike: \(outcome.comparisons)")
        for (end, count) in outcome.ends.sorted(by: { $0.key < $1.key }) { print("  \(end): \(count) states") }
        if let violation = outcome.violation {
            print("VIOLATION \(violation)")
            print("the shortest way to it:")
            for (index, step) in outcome.path.enumerated() { print("  \(index + 1). \(step)") }
            throw ExitCode(1)
        }
        guard outcome.isComplete else {
            print("gave up at \(limit) states: NOT every state was visited")
            throw ExitCode(3)
        }
        print("every reachable state was visited: no invariant broke, and each can come to an end or a named gate")
    }

    private func settings() throws -> ExplorerSettings {
        for (name, value) in [
            ("--orders", orders), ("--stalls", stalls), ("--bad-looks", badLooks), ("--silences", silences),
            ("--late-messages", lateMessages), ("--delays", delays), ("--thoughts", thoughts),
        ] where !(0...9).contains(value) {
            throw ValidationError("\(name) must be from 0 to 9")
        }
        guard limit > 0, limit < Int(UInt32.max) else { throw ValidationError("--limit must be at least 1") }
        return ExplorerSettings(
            orders: orders, stalls: stalls, badLooks: badLooks, silences: silences, lateMessages: lateMessages,
            delays: delays, thoughts: thoughts, onFailure: try choice(onFailure, "an action"),
            plantedBug: try plant.map { try choice($0, "a mistake") },
            stateLimit: limit)
    }

    private func choice<Value: RawRepresentable & CaseIterable>(_ word: String, _ what: String) throws -> Value
    where Value.RawValue == String {
        guard let value = Value(rawValue: word) else {
            let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(word)' is not \(what): choose from \(known)")
        }
        return value
    }
}
