internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

struct ClusterCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "List, pause, roll back, enrol, revoke and remove clusters.",
        subcommands: [
            ClusterList.self, ClusterPause.self, ClusterResume.self, ClusterRollback.self, ClusterToken.self,
            ClusterCertificates.self, ClusterRevoke.self, ClusterReadmit.self, ClusterRemove.self,
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
        let answer = try await session.client.post("/v1/clusters/\(segment(name))/resume", OrderRequest())
        session.terminal.line(answer["message"]?.stringValue ?? "cluster/\(name) resumed")
    }
}

struct ClusterRollback: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Take one cluster back to the release that was proven healthy there before; all others stay.",
        discussion: """
            Where no other release was ever proven there, there is nothing to go back to and the order is refused: with --remove, what
            the release brought is removed. Where the application's strategy removes by itself, says what would be removed, and asks;
            without a terminal to ask on, that takes --yes or --remove.
            """)

    @Argument(help: "The cluster.")
    var name: String
    @Option(help: "The application to roll back.")
    var application: String
    @OptionGroup var removal: RemovalOption
    @OptionGroup var reason: ReasonOption
    @Flag(name: .shortAndLong, help: "Watch the rollout that does it until it ends, or waits for a person.")
    var watch = false
    @OptionGroup var limit: WatchLimit
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let request = OrderRequest(
            reason: reason.reason, application: try Arguments.name(application, "--application"),
            remove: removal.field, confirmed: removal.confirmation)
        let limit = try limit.interval()
        let view = try await session.confirming("roll cluster '\(name)' back?", request) {
            try await session.client.post("/v1/clusters/\(segment(name))/rollback", $0).decoded(as: RolloutView.self)
        }
        for warning in view.warnings ?? [] { session.terminal.note("warning: \(warning.message)") }
        for line in WayBackText.lines(view, covers: { $0.cluster.rawValue == name }) { session.terminal.line(line) }
        session.terminal.line("cluster/\(name) rolls back in rollout/\(view.metadata.name)")
        if watch { try await Watching(session: session, limit: limit).watch(view.metadata.name) }
    }
}

struct ClusterToken: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make a single-use token with which a cluster's agent joins; printed this once."
    )

    @Argument(help: "The cluster.")
    var name: String
    @OptionGroup var destination: TokenDestination
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws { try await destination.makeToken(for: name, session) }
}

/// Where a join token goes.
struct TokenDestination: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write the token into a new file that its owner alone may read (mode 0600), and print nothing of it.",
            valueName: "path"))
    var outputFile: String?

    func makeToken(for cluster: String, _ session: Session) async throws {
        // The file first: a token that cannot be written down would be open for an hour, and nobody's.
        let file = try outputFile.map { try NewSecretFile(path: $0) }
        let view: JoinTokenView
        do {
            view = try await session.client.post("/v1/clusters/\(segment(cluster))/token", OrderRequest())
                .decoded(as: JoinTokenView.self)
            try file?.write(view.token + "\n")
        } catch {
            file?.remove()
            throw error
        }
        if let outputFile {
            session.terminal.line("\(outputFile) written, with mode 0600")
        } else {
            session.terminal.line(view.token)
        }
        session.terminal.note("good once, until \(view.expiresAt)")
    }
}

struct ClusterRemove: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take a cluster out of the fleet; active rollouts skip it.",
        discussion: """
            What runs there goes on running, and its agent's certificates end at once: applied again, the cluster joins with a new
            token. Says what runs there, which active rollouts have it as a target and what its leaving means to them, and asks; without
            a terminal to ask on, that takes --yes. To take an application off it first, `swell uninstall APPLICATION --cluster NAME`.
            """)

    @Argument(help: "The cluster.")
    var name: String
    @Flag(name: .shortAndLong, help: "Remove it without asking, whatever runs there or goes there.")
    var yes = false
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let path = "/v1/clusters/\(segment(name))"
        let removal = try await session.client.get("\(path)/removal", as: RemovalView.self)
        let question = RemovalQuestion(removal: removal, isSaid: yes)
        for line in removal.lines { session.terminal.note(line) }
        if try question.mustAsk(canAsk: session.terminal.canAsk) {
            guard session.terminal.ask("remove cluster '\(name)'?") else {
                throw CommandError(code: .refused, message: "cluster '\(name)' stays")
            }
            try await session.client.delete("\(path)?confirmed=true")
        } else {
            try await session.client.delete("\(path)?confirmed=true")
        }
        session.terminal.line("cluster/\(name) removed")
    }
}

/// Whether a person is asked before a cluster is removed.
struct RemovalQuestion {
    let removal: RemovalView
    /// Whether `--yes` was said.
    let isSaid: Bool

    /// Throws where a person's word is needed, and there is none and nobody to ask.
    func mustAsk(canAsk: Bool) throws(CommandError) -> Bool {
        guard !isSaid else { return false }
        guard canAsk else {
            throw CommandError(
                code: .refused,
                message:
                    "cluster '\(removal.cluster)' was not removed: there is no terminal to ask on. Say --yes to remove it all "
                    + "the same")
        }
        return true
    }
}
