internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

/// What a rollout is planned from.
struct PlanOptions: ParsableArguments {
    @Argument(help: "The application.")
    var application: String
    @Option(help: "The release's version.")
    var version: String
    @Option(help: "The policy that says how it proceeds.")
    var policy: String
    @Option(help: "A name for the rollout; made up from application and version where it is left out.")
    var name: String?
    @Option(help: ArgumentHelp("When it may begin, such as 2026-03-01T09:30:00Z.", valueName: "time"))
    var startAt: String?
    @Flag(help: "Take the place of active rollouts that hold its clusters.")
    var supersede = false
    @OptionGroup var selection: SelectionOptions

    func request() throws -> RolloutRequest {
        var start: Timestamp?
        if let startAt {
            guard let moment = Timestamp(startAt) else {
                throw CommandError(
                    code: .usage, message: "--start-at '\(startAt)' is not a time in UTC such as 2026-03-01T09:30:00Z")
            }
            start = moment
        }
        return RolloutRequest(
            application: try Arguments.name(application, "APPLICATION"), version: version,
            policy: try Arguments.name(policy, "--policy"), name: try name.map { try Arguments.name($0, "--name") },
            select: try selection.selector(), startAt: start, supersede: supersede ? true : nil)
    }
}

struct PlanCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what a rollout would do, without starting it.")

    @OptionGroup var options: PlanOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let answer = try await session.client.post("/v1/plan", options.request())
        let named = output.output == .name ? answer["rollout"] ?? answer : answer
        if let text = named.text(as: output.output) {
            session.terminal.data(text + "\n")
            return
        }
        let plan = try answer.decoded(as: PlanView.self)
        let tree = RolloutTree(view: plan.rollout, now: .onThisMachine, style: session.style)
        for line in tree.lines(columns: session.terminal.width) {
            session.terminal.line(line)
        }
        plan.show(on: session.terminal)
    }
}

extension PlanView {
    private static let shownClusters = 50

    /// Says the warnings beside what scripts read.
    func show(on terminal: Terminal) {
        for warning in warnings {
            terminal.note("warning: \(warning.message)")
            // The message names three: what would be deleted should be known in full, as far as a screen goes.
            guard warning.kind == "removes", let clusters = warning.clusters, clusters.count > 3 else { continue }
            let shown = clusters.prefix(Self.shownClusters).map(\.rawValue).joined(separator: ", ")
            let more = clusters.count - Self.shownClusters
            terminal.note("  \(shown)\(more > 0 ? " and \(more) more (-o json names all)" : "")")
        }
    }
}
