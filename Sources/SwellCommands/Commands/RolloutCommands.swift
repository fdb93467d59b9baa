internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

struct RolloutCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout", abstract: "Start, watch and steer rollouts.",
        subcommands: [
            RolloutStart.self, RolloutGet.self, RolloutList.self, RolloutWatch.self, RolloutStatus.self,
            RolloutHistory.self, RolloutPause.self, RolloutResume.self, RolloutAbort.self, RolloutRetry.self,
            RolloutUndo.self, RolloutSkip.self, RolloutLeaveBehind.self, RolloutPromote.self, RolloutApprove.self,
        ])
}

struct RolloutStart: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start a rollout of a release under a policy.")

    @OptionGroup var options: PlanOptions
    @Flag(
        name: .shortAndLong,
        help: "Watch it until it ends, or waits for a person; exit codes as of rollout watch.")
    var watch = false
    @OptionGroup var limit: WatchLimit
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        _ = try limit.interval()
        let answer = try await session.client.post("/v1/rollouts", options.request())
        let plan = try answer.decoded(as: PlanView.self)
        plan.show(on: session.terminal)
        if let text = answer["rollout"]?.text(as: output.output) {
            session.terminal.data(text + "\n")
        } else {
            session.terminal.line(
                "rollout/\(plan.rollout.metadata.name) created: \(plan.rollout.status.targets.count) clusters")
        }
        if watch {
            try await Watching(session: session, limit: limit.interval()).watch(plan.rollout.metadata.name)
        }
    }
}

struct RolloutGet: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Show one rollout with its stages, its clusters and what it waits for.")

    @Argument(help: "The rollout.")
    var name: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let value = try await session.client.get("/v1/rollouts/\(segment(name))")
        if let text = value.text(as: output.output) {
            session.terminal.data(text + "\n")
            return
        }
        let view = try value.decoded(as: RolloutView.self)
        let tree = RolloutTree(view: view, now: .onThisMachine, style: session.style)
        for line in tree.lines(columns: session.terminal.width) {
            session.terminal.line(line)
        }
        session.terminal.line(view.agreement)
    }
}

struct RolloutList: ServerCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List rollouts, the newest first.")

    @Option(help: "Only those of this application.")
    var application: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let query = application.map { "?application=\(segment($0))" } ?? ""
        let value = try await session.client.get("/v1/rollouts\(query)")
        if let text = value.text(as: output.output) {
            if !text.isEmpty { session.terminal.data(text + "\n") }
            try session.noteUnreadable(value)
            return
        }
        if value.items.isEmpty {
            if value.unreadable.isEmpty { session.terminal.note("there are no rollouts") }
        } else {
            for line in try Tables(isWide: output.output == .wide).table(.rollouts, value.items).lines {
                session.terminal.line(line)
            }
        }
        try session.noteUnreadable(value)
    }
}

struct RolloutWatch: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Watch a rollout until it ends: a live tree on a terminal, a line a change in a pipe.",
        discussion: """
            Ends with 0 when the rollout succeeded, or an undo took back what it should, and with 1 when it ended otherwise. Where nothing
            of it moves any more until a person acts, it does not wait for that but says how under `next:`, and ends with 6 after failures,
            with 7 at an approval, a pause of the rollout, of a region or of a cluster, or a stage none of whose clusters is healthy. With
            8 when the time of --timeout is up.
            """)

    @Argument(help: "The rollout.")
    var name: String
    @OptionGroup var limit: WatchLimit
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await Watching(session: session, limit: limit.interval()).watch(name)
    }
}

struct RolloutStatus: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say how a rollout stands: one line, then which clusters have trouble, and what it waits for.",
        discussion: "Ends with 1 when the rollout ended without success; 0 otherwise.")

    @Argument(help: "The rollout.")
    var name: String
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let view = try await session.client.get("/v1/rollouts/\(segment(name))", as: RolloutView.self)
        for line in RolloutSummaryText.lines(view) { session.terminal.line(line) }
        if view.status.isEnded, view.status.phase != "succeeded" { throw CommandError(code: .refused, message: "") }
    }
}

struct RolloutHistory: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show everything that happened to a rollout, and who caused it.")

    @Argument(help: "The rollout.")
    var name: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let value = try await session.client.get("/v1/rollouts/\(segment(name))/history")
        if let text = value.text(as: output.output) {
            session.terminal.data(text + "\n")
            return
        }
        for event in try value.decoded(as: ListView<EventView>.self).items {
            session.terminal.line(EventLine.text(event))
        }
    }
}
