internal import ArgumentParser
internal import SwellProgram

/// Simulated Kubernetes clusters for demonstrations and tests.
@main
struct Main: ServiceProgram {
    static let configuration = CommandConfiguration(
        commandName: "swell-kubesim",
        abstract: "Simulated Kubernetes API servers, one for each cluster of a fleet, in one process.",
        subcommands: [Serve.self, Fault.self])

    static func main() async { await runProgram() }
}
