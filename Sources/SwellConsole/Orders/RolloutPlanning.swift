internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Makes planned rollouts of requests, stored or only shown.
struct RolloutPlanning: Sendable {
    let store: any Store
    let hooks: ConsoleHooks
    /// How many fields that are left to others are named.
    private static let shownNotes = 20

    func preview(_ request: RolloutRequest, by actor: String) async throws -> PlanView {
        let (plan, snapshot, older) = try await plan(request, by: actor)
        var shown = try await view(plan, snapshot, scheduled: scheduled(beside: plan.rollout), older)
        shown.warnings += try await revoked(of: plan.rollout)
        shown.warnings += try await notes(on: plan.rollout.release)
        // A plan waits for nothing but what will still be in the way at the start.
        let now = try await store.now()
        shown.rollout.status.waitingFor.removeAll { $0.until.map { $0 <= now } ?? false }
        return shown
    }

    func start(_ request: RolloutRequest, by actor: String) async throws -> PlanView {
        let (plan, snapshot, older) = try await plan(request, by: actor)
        let scheduled = try await scheduled(beside: plan.rollout)
        var superseding: [RolloutName] = []
        if request.supersede == true {
            let held = plan.rollout.targets.keys.compactMap { snapshot.fleet[$0]?.heldBy }
            superseding = Set(held + scheduled.map(\.name)).sorted()
        }
        try await store.createRollout(plan.rollout, superseding: superseding, by: actor)
        await hooks.rolloutsChanged(Set(superseding + [plan.rollout.name]))
        var shown = try await view(plan, snapshot, scheduled: request.supersede == true ? [] : scheduled, older)
        shown.warnings += try await revoked(of: plan.rollout)
        return shown
    }

    /// Clusters that it would wait for until somebody lets their agents join again.
    private func revoked(of plan: Rollout) async throws -> [WarningView] {
        let revoked = try await store.clusterListing().items
            .filter { plan.targets[$0.cluster.name] != nil && $0.revokedAt != nil }
        guard let last = revoked.max(by: { ($0.revokedAt ?? plan.createdAt) < ($1.revokedAt ?? plan.createdAt) }),
            let moment = last.revokedAt
        else { return [] }
        let names = revoked.map(\.cluster.name)
        let more = names.count > 3 ? " and \(names.count - 3) more" : ""
        let list = names.prefix(3).map(\.rawValue).joined(separator: ", ") + more
        return [
            WarningView(
                kind: "revoked",
                message:
                    "the agents of \(list) were revoked, the last at \(moment): none comes back by itself, "
                    + "'swell cluster token \(last.cluster.name)' lets one join again",
                clusters: names)
        ]
    }

    /// Rollouts of the same application that are to start later on clusters of this one: nothing is in their way yet, nor in this one's.
    private func scheduled(beside plan: Rollout) async throws -> [Rollout] {
        var found: [Rollout] = []
        for summary in try await store.rolloutListing(of: plan.application, limit: 200).items
        where [.scheduled, .paused].contains(summary.phase) && summary.name != plan.name {
            guard let rollout = try await store.rollout(summary.name), rollout.awaitsStart,
                rollout.targets.keys.contains(where: { plan.targets[$0] != nil })
            else { continue }
            found.append(rollout)
        }
        return found
    }

    /// A new rollout that takes back what an ended one brought, on all or some of its clusters.
    ///
    /// - Parameter remove: A person's word that what it brought may be removed where no other release was ever proven; without it
    ///   nothing is, whatever the application's strategy says.
    func undo(
        _ rollout: Rollout, scope: RollbackScope, remove: Bool, by actor: String
    ) async throws -> (name: RolloutName, warnings: [WarningView]) {
        let name = try await freeName("\(rollout.name)-undo")
        let request = try PlanRequest.undo(of: rollout, scope: scope, name: name, createdBy: actor, remove: remove)
        let snapshot = try await store.assignedSnapshot(for: rollout.application)
        let plan = try RolloutPlanner.preview(request, snapshot: snapshot, now: try await store.now())
        var warnings = plan.warnings.map(WarningView.init)
        if remove {
            let previous = plan.rollout.targets.compactMapValues(\.previous)
            let goingBack = RollbackWarnings.goingBack(previous, rollout.application)
            if let goingBack, previous.count == plan.rollout.targets.count { throw Problem.refused(goingBack.message) }
            warnings += [goingBack].compactMap(\.self)
        }
        try await store.createRollout(plan.rollout, superseding: [], by: actor)
        await hooks.rolloutsChanged([name])
        return (name, warnings)
    }

    /// New rollouts that take an application off clusters, one for each that brought what they run: all of them or none.
    func removals(
        of sources: [(rollout: Rollout, clusters: [ClusterName])], in snapshot: FleetSnapshot, by actor: String
    ) async throws -> [RolloutPlan] {
        var plans: [RolloutPlan] = []
        let now = try await store.now()
        for source in sources {
            let name = try await freeName(
                "\(source.rollout.application)-uninstall", beside: Set(plans.map(\.rollout.name)))
            let request = PlanRequest.removal(
                of: source.rollout, from: source.clusters, name: name, createdBy: actor)
            plans.append(try RolloutPlanner.preview(request, snapshot: snapshot, now: now))
        }
        try await store.createRollouts(plans.map(\.rollout), by: actor)
        await hooks.rolloutsChanged(Set(plans.map(\.rollout.name)))
        return plans
    }

    /// - Returns: The plan, what it was made for, and a warning where the release keeps settings that its application has no more.
    private func plan(
        _ request: RolloutRequest, by actor: String
    ) async throws -> (RolloutPlan, FleetSnapshot, WarningView?) {
        let application = try await store.application(request.application)
        let policy = try await store.policy(request.policy)
        let release = try await store.existingRelease(of: application.name, version: request.version)
        if let name = request.name, try await store.rollout(name) != nil {
            throw Problem(
                code: "conflict", title: "Conflict", status: 409,
                detail: "a rollout named '\(name)' is there already; names are not used twice")
        }
        let name: RolloutName
        if let given = request.name {
            name = given
        } else {
            name = try await freeName(Self.baseName(application.name, request.version))
        }
        let index = try await index(of: release.reference)
        // It would fail on each cluster, as what cannot be rendered.
        let unreadable = index.application.unreadable
        guard unreadable.isEmpty else { throw DocumentErrors(unreadable) }
        let planRequest = PlanRequest(
            name: name, application: application.name, release: release.reference, policy: policy,
            strategy: index.application.strategy, createdBy: actor, startsAt: request.startAt,
            select: request.select ?? ClusterSelector())
        let snapshot = try await store.snapshot(for: application.name)
        let plan = try RolloutPlanner.preview(planRequest, snapshot: snapshot, now: try await store.now())
        return (plan, snapshot, SettingsWarnings.of(release.reference, index, application))
    }

    /// What the release has to say of fields that are left to others, as it did when it was made.
    private func notes(on release: ReleaseReference) async throws -> [WarningView] {
        let bundle = try await index(of: release)
        var documents: [[UInt8]] = []
        for digest in bundle.documents {
            guard let content = try await store.document(digest) else { continue }
            documents.append(content)
        }
        let notes = LeftFieldNotes.of(bundle, documents: documents)
        let more = notes.count - Self.shownNotes
        return notes.prefix(Self.shownNotes).map { WarningView(kind: "leftToOthers", message: $0.text) }
            + (more > 0
                ? [WarningView(kind: "leftToOthers", message: "and \(more) more fields are left to others")] : [])
    }

    private func index(of release: ReleaseReference) async throws -> Bundle {
        guard let index = try await store.document(release.digest) else {
            throw StoreError(code: .corrupt, message: "the index of release \(release.digest.short) is missing")
        }
        return try Bundle(content: index)
    }

    /// What whoever retries a rollout should know: it brings the settings that its release was made with.
    func warnings(onRetryOf rollout: Rollout) async throws -> [WarningView]? {
        guard rollout.kind == .release else { return nil }
        let application = try await store.application(rollout.application)
        return SettingsWarnings.of(rollout.release, try await index(of: rollout.release), application).map { [$0] }
    }

    private func view(
        _ plan: RolloutPlan, _ snapshot: FleetSnapshot, scheduled: [Rollout], _ older: WarningView?
    ) async throws -> PlanView {
        let blockers = Blockers.of(plan.rollout, snapshot: snapshot, now: try await store.now())
        return PlanView(
            rollout: RolloutView(plan.rollout, waitingFor: blockers),
            warnings: plan.warnings.map(WarningView.init) + (older.map { [$0] } ?? [])
                + scheduled.map { Self.warning(of: $0, beside: plan.rollout) }
        )
    }

    private static func warning(of scheduled: Rollout, beside plan: Rollout) -> WarningView {
        let shared = scheduled.targets.keys.filter { plan.targets[$0] != nil }.sorted()
        let start = scheduled.startsAt.map { "\($0)" } ?? "its time"
        return WarningView(
            kind: "scheduled",
            message:
                "rollout '\(scheduled.name)' is to bring \(scheduled.release.version) to \(shared.count) of these clusters at "
                + "\(start): once both their times have come, one waits for the other. --supersede ends it",
            clusters: shared)
    }

    /// The name, or with the first number that is free behind it.
    private func freeName(_ base: String, beside taken: Set<RolloutName> = []) async throws -> RolloutName {
        for number in 1...1_000 {
            let suffix = number == 1 ? "" : "-\(number)"
            let name = try RolloutName(String(base.prefix(63 - suffix.utf8.count)) + suffix)
            // The audit log may tell of one that was removed since.
            let told = try await store.events(after: 0, filter: EventFilter(rollout: name), limit: 1)
            if !taken.contains(name), told.isEmpty, try await store.rollout(name) == nil { return name }
        }
        throw Problem.refused("there are a thousand rollouts named '\(base)'; give one a name of its own")
    }

    private static func baseName(_ application: ApplicationName, _ version: String) -> String {
        let word = version.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? String($0) : "-" }.joined()
        var text = String("\(application)-\(word)".prefix(58))
        while text.hasSuffix("-") { text.removeLast() }
        return text
    }
}
