internal import ArgumentParser
internal import SwellProgram

/// The service in each cluster.
@main
struct Agent: ServiceProgram {
    static let configuration = CommandConfiguration(
        commandName: "swell-agent",
        abstract: "Keeps one Kubernetes cluster as the Swell coordinator assigns it.",
        version: "0.1.0", subcommands: [Run.self, MakeKey.self])

    static func main() async { await runProgram() }
}
