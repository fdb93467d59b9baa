internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

/// Sends an order and says how the rollout stands after it.
private func order(_ verb: String, _ name: String, _ request: OrderRequest, _ session: Session) async throws {
    let answer = try await session.client.post("/v1/rollouts/\(segment(name))/\(verb)", request)
    let view = try answer.decoded(as: RolloutView.self)
    let reason = view.status.reason.map { " (\($0))" } ?? ""
    session.terminal.line("rollout/\(view.metadata.name) \(verb) taken; it is now \(view.status.phase)\(reason)")
}

/// Which part of a rollout an order covers.
struct ScopeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only this region of the rollout.", valueName: "name"))
    var region: String?
    @Option(help: ArgumentHelp("Only this cluster of the rollout.", valueName: "name"))
    var cluster: String?

    func validate() throws {
        if region != nil, cluster != nil { throw ValidationError("Give --region or --cluster, not both.") }
    }

    func request(reason: String?) throws -> OrderRequest {
        OrderRequest(
            reason: reason, region: try region.map { try Arguments.name($0, "--region") },
            cluster: try cluster.map { try Arguments.name($0, "--cluster") })
    }
}

struct RolloutPause: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Let nothing new go to a rollout's clusters, or to some of them.")

    @Argument(help: "The rollout.")
    var name: String
    @OptionGroup var scope: ScopeOptions
    @OptionGroup var reason: ReasonOption
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await order("pause", name, scope.request(reason: reason.reason), session)
    }
}

struct RolloutResume: ServerCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Let a paused rollout go on.")

    @Argument(help: "The rollout.")
    var name: String
    @OptionGroup var scope: ScopeOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws { try await order("resume", name, scope.request(reason: nil), session) }
}

struct RolloutAbort: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort", abstract: "Stop a rollout for good; clusters stay as they are.")

    @Argument(help: "The rollout.")
    var name: String
    @OptionGroup var reason: ReasonOption
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await order("abort", name, OrderRequest(reason: reason.reason), session)
    }
}

struct RolloutRetry: ServerCommand {
    static let configuration = CommandConfiguration(commandName: "retry", abstract: "Try failed clusters again.")

    @Argument(help: "The rollout.")
    var name: String
    @Option(
        name: .customLong("cluster"), help: ArgumentHelp("Only this cluster; repeatable.", valueName: "name"))
    var clusters: [String] = []
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let names: [ClusterName] = try Arguments.names(clusters, "--cluster")
        try await order("retry", name, OrderRequest(clusters: names.isEmpty ? nil : names), session)
    }
}

struct RolloutUndo: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Take back what a rollout brought.",
        discussion:
            "A rollout that goes on rolls back; of one that has ended, a new rollout takes back what it brought.")

    @Argument(help: "The rollout.")
    var name: String
    @OptionGroup var scope: ScopeOptions
    @OptionGroup var reason: ReasonOption
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await order("undo", name, scope.request(reason: reason.reason), session)
    }
}

struct RolloutPromote: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote", abstract: "End the soak or approval wait of a rollout's current stage early.")

    @Argument(help: "The rollout.")
    var name: String
    @Option(help: "The stage.")
    var stage: String
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await order("promote", name, OrderRequest(stage: Arguments.name(stage, "--stage")), session)
    }
}

struct ApproveCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Agree that a stage of a rollout may start, or pass.")

    @Argument(help: "The rollout.")
    var rollout: String
    @Option(help: "The stage.")
    var stage: String
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await order("approve", rollout, OrderRequest(stage: Arguments.name(stage, "--stage")), session)
    }
}
