internal import Hummingbird
internal import SwellModel

/// `GET /v1/installation`: what this replica knows of its own installation, in figures. Facts without a judgement: `swell doctor`
/// judges.
struct InstallationEndpoint: Sendable {
    let installation: (@Sendable () async throws -> InstallationView)?
    /// Each answer reads whole tables.
    let limit: EventStreamLimit

    func add(to group: RouterGroup<ConsoleContext>) {
        guard let installation else { return }
        group.get("installation") { _, _ in
            guard limit.enter() else {
                throw Problem.busy("others are looking at the installation; come back in a second")
            }
            defer { limit.leave() }
            return Response(json: try await installation())
        }
    }
}
