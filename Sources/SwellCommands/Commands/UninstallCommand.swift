internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

struct UninstallCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall", abstract: "Take an application off clusters, whatever was proven there.",
        discussion: """
            All that its releases brought is removed, from every cluster or those of --region or --cluster, at once; volume claims and what
            is annotated `swell.dev/prune: keep` stay. Says what goes and what stays, and asks; without a terminal to ask on, that takes
            --yes. What is different by the time of the answer is asked for again. One rollout does it for each release that runs, also
            on clusters that the application no longer selects, and goes on with what an earlier removal did not finish.

            No hook for a deletion is run (of a chart, pre-delete and post-delete; of Argo CD, PreDelete and PostDelete): `swell release
            create` leaves them out and names them. What they are for, such as a backup, is run by hand first. What hooks of a chart
            made for installs only stays, as with Helm.

            A cluster is `removed` once all of it is gone: while something is still terminating, and where that takes longer than the
            policy's progressDeadline, it says what, and what holds it. What was left in the cluster, and why, stands beside `removed`
            (`swell rollout status`, or --watch); nobody holds it any more, so that another application may have it, or the same one
            again. What is gone counts as never proven there. The application's document and its releases stay, and can be rolled out
            again.
            """)

    @Argument(help: "The application.")
    var application: String
    @OptionGroup var scope: ScopeOptions
    @Flag(name: .shortAndLong, help: "Do it without asking.")
    var yes = false
    @Flag(name: .shortAndLong, help: "Watch the rollouts that do it until they end, or wait for a person.")
    var watch = false
    @OptionGroup var limit: WatchLimit
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let name: ApplicationName = try Arguments.name(application, "APPLICATION")
        let limit = try limit.interval()
        var request = try scope.request(reason: nil)
        request.confirmed = yes ? true : nil
        let answer = try await session.confirming("uninstall application '\(name)'?", request) {
            try await session.client.post("/v1/applications/\(segment(application))/uninstall", $0)
        }
        let views = try answer.decoded(as: ListView<RolloutView>.self).items
        for view in views {
            let clusters = view.status.targets.count
            session.terminal.line(
                "rollout/\(view.metadata.name) removes \(name) \(view.spec.release.version) from \(clusters) "
                    + "cluster\(clusters == 1 ? "" : "s")")
            for warning in view.warnings ?? [] where warning.kind != "removes" {
                session.terminal.note("warning: \(warning.message)")
            }
        }
        guard watch else {
            if let first = views.first {
                session.terminal.note(
                    "what is left in the clusters, and why, stands beside 'removed' when it is done: swell rollout status "
                        + first.metadata.name)
            }
            return
        }
        for view in views { try await Watching(session: session, limit: limit).watch(view.metadata.name) }
    }
}
