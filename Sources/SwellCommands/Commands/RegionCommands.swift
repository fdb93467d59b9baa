internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

struct RegionCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "region", abstract: "List, pause and resume regions.",
        subcommands: [RegionList.self, RegionPause.self, RegionResume.self])
}

struct RegionList: ServerCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the regions of the fleet.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await Listing(session: session, format: output.output).show(.regions, nil)
    }
}

struct RegionPause: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Let nothing new go to a region, whatever the rollout; rollbacks still may.")

    @Argument(help: "The region.")
    var name: String
    @OptionGroup var reason: ReasonOption
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await session.client.post("/v1/regions/\(segment(name))/pause", OrderRequest(reason: reason.reason))
        session.terminal.line("region/\(name) paused")
    }
}

struct RegionResume: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let rollouts go to a region again.")

    @Argument(help: "The region.")
    var name: String
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let answer = try await session.client.post("/v1/regions/\(segment(name))/resume", OrderRequest())
        session.terminal.line(answer["message"]?.stringValue ?? "region/\(name) resumed")
    }
}
