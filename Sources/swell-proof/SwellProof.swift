internal import ArgumentParser
internal import SwellProgram

/// Looks for a way in which an invariant breaks.
@main
struct SwellProof: ServiceProgram {
    static let configuration = CommandConfiguration(
        commandName: "swell-proof", abstract: "Looks for a way in which an invariant of the engine breaks.",
        subcommands: [ProofCommand.self, ExploreCommand.self], defaultSubcommand: ProofCommand.self)

    static func main() async { await runProgram() }
}
