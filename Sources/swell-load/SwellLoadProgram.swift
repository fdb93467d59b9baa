internal import ArgumentParser
internal import SwellProgram

/// Agents by the thousand, and what to compare a coordinator with.
@main
struct SwellLoadProgram: ServiceProgram {
    static let configuration = CommandConfiguration(
        commandName: "swell-load",
        abstract: "Plays the agents of a large fleet against a coordinator, and what coordinators are compared with.",
        subcommands: [AgentsCommand.self, BaselineCommand.self])

    static func main() async { await runProgram() }
}
