internal import ArgumentParser
internal import SwellModel

struct ClusterCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "List, pause, roll back, enrol and remove clusters.",
        subcommands: [
            ClusterList.self, ClusterPause.self, ClusterResume.self, ClusterRollback.self, ClusterToken.self,
            ClusterRemove.self,
        ])
}

struct ClusterList: ServerCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the clusters of the fleet.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await Listing(session: session, format: output.output).show(.clusters, nil)
    }
}

struct ClusterPause: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Let nothing new go to a cluster, whatever the rollout; rollbacks still may.")

    @Argument(help: "The cluster.")
    var name: String
    @OptionGroup var reason: ReasonOption
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await session.client.post("/v1/clusters/\(segment(name))/pause", OrderRequest(reason: reason.reason))
        session.terminal.line("cluster/\(name) paused")
    }
}

struct ClusterResume: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let rollouts go to a cluster again.")

    @Argument(help: "The cluster.")
    var name: String
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await session.client.post("/v1/clusters/\(segment(name))/resume", OrderRequest())
        session.terminal.line("cluster/\(name) resumed")
    }
}

struct ClusterRollback: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Take one cluster back to the release that was proven healthy there before; all others stay.")

    @Argument(help: "The cluster.")
    var name: String
    @Option(help: "The application to roll back.")
    var application: String
    @OptionGroup var reason: ReasonOption
    @Flag(name: .shortAndLong, help: "Watch the rollout that does it until it ends.")
    var watch = false
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let request = OrderRequest(
            reason: reason.reason, application: try Arguments.name(application, "--application"))
        let view = try await session.client.post("/v1/clusters/\(segment(name))/rollback", request)
            .decoded(as: RolloutView.self)
        session.terminal.line("cluster/\(name) rolls back in rollout/\(view.metadata.name)")
        if watch { try await Watching(session: session).watch(view.metadata.name) }
    }
}

struct ClusterToken: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make a single-use token with which a cluster's agent joins; printed this once."
    )

    @Argument(help: "The cluster.")
    var name: String
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let view = try await session.client.post("/v1/clusters/\(segment(name))/token", OrderRequest())
            .decoded(as: JoinTokenView.self)
        session.terminal.line(view.token)
        session.terminal.note("good once, until \(view.expiresAt)")
    }
}

struct ClusterRemove: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take a cluster out of the fleet; active rollouts skip it.")

    @Argument(help: "The cluster.")
    var name: String
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await session.client.delete("/v1/clusters/\(segment(name))")
        session.terminal.line("cluster/\(name) removed")
    }
}
