internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

/// `swell diff`: what a release would change.
struct DiffCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show what a release would change on each cluster, and change nothing.",
        discussion: """
            Each cluster's agent asks its API server for a dry run, with the rights that it applies with: objects that would be
            created, changed or deleted, and hooks that would run. Clusters with the same differences are shown together;
            with -o wide each alone. Values of Secrets are hidden, equal ones alike.

            EXIT CODES
              0  nothing would change
              1  something would
              5  not everything could be looked at: a cluster is silent, or an object is refused; the rest is shown
              2, 3, 4  as of every command
            """)

    @Argument(help: "The application.")
    var application: String
    @Option(help: "The release's version.")
    var version: String
    @Option(help: ArgumentHelp("How long to wait for the agents, from 1s to 40s.", valueName: "time"))
    var timeout = "30s"
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard let limit = Interval(timeout), limit >= .seconds(1), limit <= .seconds(40) else {
            throw ValidationError("--timeout '\(timeout)' is no length of time from 1s to 40s.")
        }
    }

    func run(_ session: Session) async throws {
        do {
            try await show(session)
        } catch let error as CommandError where error.code == .refused && !error.message.isEmpty {
            // 1 says that there are differences.
            throw CommandError(code: .incomplete, message: error.message, cause: error)
        }
    }

    private func show(_ session: Session) async throws {
        let name: ApplicationName = try Arguments.name(application, "APPLICATION")
        let seconds = (Interval(timeout)?.milliseconds ?? 30_000) / 1_000
        let request = DiffRequest(version: version, select: try selection.selector(), timeout: Int(seconds))
        let answer = try await session.client.post("/v1/applications/\(segment(name.rawValue))/diff", request)
        let view = try answer.decoded(as: DiffView.self)
        if let text = answer.text(as: output.output) {
            session.terminal.data(text.hasSuffix("\n") ? text : text + "\n")
        } else {
            let text = DiffText(style: session.style, isWide: output.output == .wide, now: .onThisMachine)
            for line in text.lines(of: view) { session.terminal.line(line) }
        }
        if !view.isWhole { throw CommandError(code: .incomplete, message: "") }
        if view.hasDifferences { throw CommandError(code: .refused, message: "") }
    }
}

extension DiffView {
    /// Whether every cluster answered, and every object could be looked at.
    var isWhole: Bool {
        clusters.allSatisfy { $0.state == .answered && !$0.objects.contains { $0.action == .fail } }
    }

    /// Whether anything would change anywhere.
    var hasDifferences: Bool { clusters.contains(where: \.hasDifferences) }
}

extension ClusterDiffView {
    var hasDifferences: Bool { omitted > 0 || objects.contains { $0.action != .keep && $0.action != .fail } }
}
