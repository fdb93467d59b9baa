internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

/// Sends an order and says how the rollout stands after it.
///
/// - Returns: That rollout; of an undo, the one that does it.
@discardableResult
func order(_ verb: String, _ name: String, _ request: OrderRequest, _ session: Session) async throws -> RolloutView {
    let answer = try await session.client.post("/v1/rollouts/\(segment(name))/\(verb)", request)
    let view = try answer.decoded(as: RolloutView.self)
    for warning in view.warnings ?? [] { session.terminal.note("warning: \(warning.message)") }
    let reason = view.status.reason.map { " (\($0))" } ?? ""
    session.terminal.line("rollout/\(view.metadata.name) \(verb) taken; it is now \(view.status.phase)\(reason)")
    return view
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
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Try failed clusters again.",
        discussion: """
            The same release is ordered there once more. Hooks and plain Jobs of it that failed run again, a Job where it is the very one
            that the release brought, and unchanged; what has succeeded does not run again.
            """)

    @Argument(help: "The rollout.")
    var name: String
    @Option(
        name: .customLong("cluster"), help: ArgumentHelp("Only this cluster; repeatable.", valueName: "name"))
    var clusters: [String] = []
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let names: [ClusterName] = try Arguments.names(clusters, "--cluster")
        let view = try await order("retry", name, OrderRequest(clusters: names.isEmpty ? nil : names), session)
        // Others that failed stop it as before: what was retried waits for a word on them.
        for blocker in view.status.waitingFor where blocker.what == "failure" {
            session.terminal.note("waits for \(blocker.words): \(blocker.why)")
        }
        if view.isPausedByFailures { for step in NextStep.lines(view) { session.terminal.note("next: \(step)") } }
    }
}

struct RolloutUndo: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Take back what a rollout brought.",
        discussion: """
            A rollout that goes on rolls back; of one that has ended, a new rollout takes back what it brought. Each cluster goes to
            the last other release that was proven healthy there. A cluster where none ever was is held as it is, and the order is
            refused where that is so of all: with --remove, what the release brought is removed there. Where the application's strategy
            removes by itself, says what would be removed, and asks; without a terminal to ask on, that takes --yes or --remove. To take
            the application off clusters whatever was proven there, see `swell uninstall`.
            """)

    @Argument(help: "The rollout.")
    var name: String
    @OptionGroup var scope: ScopeOptions
    @OptionGroup var removal: RemovalOption
    @OptionGroup var reason: ReasonOption
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        var request = try scope.request(reason: reason.reason)
        request.remove = removal.field
        request.confirmed = removal.confirmation
        let view = try await session.confirming("undo rollout '\(name)'?", request) {
            try await order("undo", name, $0, session)
        }
        let lines = WayBackText.lines(view) {
            (scope.region == nil || $0.region.rawValue == scope.region)
                && (scope.cluster == nil || $0.cluster.rawValue == scope.cluster)
        }
        for line in lines { session.terminal.line(line) }
    }
}

/// A person's word that something may be deleted on the way back.
struct RemovalOption: ParsableArguments {
    @Flag(
        help: "Remove what the release brought where no other release was ever proven healthy, instead of holding it.")
    var remove = false

    @Flag(name: .shortAndLong, help: "Do it without asking, also where the application's strategy removes something.")
    var yes = false

    /// As it is sent: left out where it was not said.
    var field: Bool? { remove ? true : nil }
    var confirmation: Bool? { yes ? true : nil }
}

extension Session {
    /// Sends an order. Where the server does it on a person's word only, says what it would do, and asks.
    func confirming<Answer>(
        _ question: String, _ request: OrderRequest, _ send: (OrderRequest) async throws -> Answer
    ) async throws -> Answer {
        do {
            return try await send(request)
        } catch var error as CommandError where error.takesAWord {
            guard terminal.canAsk else {
                error.message += "; there is no terminal to ask on: say --yes to have it done"
                throw error
            }
            terminal.note(error.message)
            guard terminal.ask(question) else {
                throw CommandError(code: .refused, message: "all stays as it is")
            }
            var confirmed = request
            confirmed.confirmed = true
            if let digest = error.agreedDigest { confirmed.digest = digest }
            return try await send(confirmed)
        }
    }
}

struct RolloutSkip: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip", abstract: "Leave one cluster out of a rollout for good.",
        discussion: """
            Nothing more is assigned to it, waited for or counted there, also not what it failed; what it was assigned stands. To have
            the stages go on without it and bring it level later, see leave-behind; to take it in again, retry with --cluster.
            """)

    @Argument(help: "The rollout.")
    var name: String
    @Option(help: ArgumentHelp("The cluster.", valueName: "name"))
    var cluster: String
    @OptionGroup var reason: ReasonOption
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let request = OrderRequest(reason: reason.reason, cluster: try Arguments.name(cluster, "--cluster"))
        try await order("skip", name, request, session)
    }
}

struct RolloutLeaveBehind: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "leave-behind", abstract: "Let a rollout's stages go on without one cluster for now.",
        discussion: """
            For a cluster whose agent is away, or that takes too long: it holds no stage, and while it is away no place under the caps.
            It is brought level once it can be. The policy's maxUnreachable does so by itself, for some clusters.
            """)

    @Argument(help: "The rollout.")
    var name: String
    @Option(help: ArgumentHelp("The cluster.", valueName: "name"))
    var cluster: String
    @OptionGroup var reason: ReasonOption
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let request = OrderRequest(reason: reason.reason, cluster: try Arguments.name(cluster, "--cluster"))
        try await order("leave-behind", name, request, session)
    }
}
