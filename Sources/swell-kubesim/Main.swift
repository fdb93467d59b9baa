internal import ArgumentParser

/// Simulated Kubernetes clusters for demonstrations and tests.
@main
struct Main: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swell-kubesim",
        abstract: "Simulated Kubernetes API servers, one for each cluster of a fleet, in one process.",
        subcommands: [Serve.self, Fault.self])
}
