internal import ArgumentParser

/// Looks for a way in which an invariant breaks.
@main
struct SwellProof: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swell-proof", abstract: "Looks for a way in which an invariant of the engine breaks.",
        subcommands: [ProofCommand.self, ExploreCommand.self], defaultSubcommand: ProofCommand.self)
}
