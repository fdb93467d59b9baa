internal import Hummingbird
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Rollouts: planned, started, looked at.
struct RolloutEndpoints: Sendable {
    let store: any Store
    let reading: RequestReading
    let planning: RolloutPlanning

    private static let requestFields = [
        "application", "version", "policy", "name", "select", "startAt", "supersede",
    ]

    func add(to group: RouterGroup<ConsoleContext>) {
        group.post("plan") { request, context in
            let body = try await reading.body(RolloutRequest.self, of: request, fields: Self.requestFields)
            return Response(json: try await planning.preview(body, by: context.actor))
        }
        group.post("rollouts") { request, context in
            let body = try await reading.body(RolloutRequest.self, of: request, fields: Self.requestFields)
            let plan = try await planning.start(body, by: context.actor)
            context.logger.info(
                "rollout created",
                metadata: ["rollout": "\(plan.rollout.metadata.name)", "by": "\(context.actor)"])
            return Response(json: plan, status: .created)
        }
        group.get("rollouts") { request, _ in
            var application: ApplicationName?
            if let text = request.uri.queryParameters.get("application") {
                application = try ApplicationName(text)
            }
            let rollouts = try await store.rolloutListing(of: application, limit: request.limit(standard: 100))
            return Response(json: rollouts.view(RolloutListView.init))
        }
        group.get("rollouts/:name") { _, context in
            let name: RolloutName = try context.name("name", "rollout")
            return Response(json: try await store.rolloutView(name))
        }
        group.get("rollouts/:name/history") { request, context in
            let name: RolloutName = try context.name("name", "rollout")
            _ = try await store.existingRollout(name)
            let events = try await store.latestEvents(
                filter: EventFilter(rollout: name), limit: request.limit(standard: 1_000))
            return Response(json: ListView(items: events.map(EventView.init)))
        }
    }
}

extension RolloutStore where Self: FleetStore {
    /// A rollout with what it waits for at this moment.
    func rolloutView(_ name: RolloutName, warnings: [WarningView]? = nil) async throws -> RolloutView {
        try await rolloutView(existingRollout(name), warnings: warnings)
    }

    private func rolloutView(_ rollout: Rollout, warnings: [WarningView]?) async throws -> RolloutView {
        guard !rollout.phase.isEnded else { return RolloutView(rollout, waitingFor: [], warnings: warnings) }
        let blockers = Blockers.of(rollout, snapshot: try await snapshot(around: rollout), now: try await now())
        return RolloutView(rollout, waitingFor: blockers, warnings: warnings)
    }
}
