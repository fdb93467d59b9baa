internal import ArgumentParser
internal import SwellProgram

/// The central service.
@main
struct Coordinator: ServiceProgram {
    static let configuration = CommandConfiguration(
        commandName: "swell-coordinator",
        abstract: "Decides how releases go over a fleet of Kubernetes clusters, region by region.",
        version: "0.1.0",
        subcommands: [Initialize.self, Migrate.self, Serve.self, Audit.self, Authority.self, Secrets.self])

    static func main() async { await runProgram() }
}
