internal import ArgumentParser
internal import SwellModel

struct RolloutPromote: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote", abstract: "End the soak or approval wait of a rollout's current stage early.",
        discussion: """
            The audit log has it as stage.promoted. A stage in which no cluster is healthy has nothing that speaks for going on, and is
            passed only with --despite-health.
            """)

    @Argument(help: "The rollout.")
    var name: String
    @Option(help: "The stage.")
    var stage: String
    @Flag(help: "Pass the stage although none of its clusters is healthy.")
    var despiteHealth = false
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let request = OrderRequest(
            stage: try Arguments.name(stage, "--stage"), despiteHealth: despiteHealth ? true : nil)
        try await order("promote", name, request, session)
    }
}

/// What `approve` takes, at both of its places.
struct ApprovalOptions: ParsableArguments {
    @Argument(help: "The rollout.")
    var rollout: String
    @Option(help: "The stage.")
    var stage: String
    @Flag(help: "Take back an approval that has not led on yet.")
    var withdraw = false
    @OptionGroup var connection: ConnectionOptions

    static let abstract = "Agree that a stage of a rollout may start, or pass."
    static let discussion = """
        An approval is taken once it is the stage's turn: before it starts when all stages before it have passed, or after its soak.
        It is for what the stage showed until then: a soak that starts again takes it back. The tree and -o json show who gave it and
        when, and the audit log has it as stage.approved, or stage.withdrawn.
        """

    func run(_ session: Session) async throws {
        let name: StageName = try Arguments.name(stage, "--stage")
        guard !withdraw else {
            return try await order("withdraw", rollout, OrderRequest(stage: name), session)
        }
        // The gate that this person has seen, so that an order that comes late or twice is not taken for the next one.
        let view = try await session.client.get("/v1/rollouts/\(segment(rollout))", as: RolloutView.self)
        let gate = view.status.stages.first { $0.name == name }?.openGate
        try await order("approve", rollout, OrderRequest(stage: name, gate: gate), session)
    }
}

struct ApproveCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: ApprovalOptions.abstract, discussion: ApprovalOptions.discussion)

    @OptionGroup var options: ApprovalOptions
    var connection: ConnectionOptions { options.connection }

    func run(_ session: Session) async throws { try await options.run(session) }
}

/// The same beside the other orders to a rollout, where people look for it.
struct RolloutApprove: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: ApprovalOptions.abstract, discussion: ApprovalOptions.discussion)

    @OptionGroup var options: ApprovalOptions
    var connection: ConnectionOptions { options.connection }

    func run(_ session: Session) async throws { try await options.run(session) }
}
