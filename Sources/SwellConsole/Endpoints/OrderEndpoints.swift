internal import Hummingbird
internal import Logging
internal import ShownText
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// What operators order: pauses, approvals, rollbacks. Each is committed before it is answered.
struct OrderEndpoints: Sendable {
    let store: any Store
    let reading: RequestReading
    let orders: RolloutOrders
    let planning: RolloutPlanning

    func add(to group: RouterGroup<ConsoleContext>) {
        addPauses(to: group)
        order("pause", ["reason", "region", "cluster"], group) { body, _ in
            .pause(try Self.pauseScope(body), reason: try Self.bounded(body.reason))
        }
        order("resume", ["region", "cluster", "reason"], group) { body, _ in .resume(try Self.pauseScope(body)) }
        order("abort", ["reason"], group) { body, _ in .abort(reason: try Self.bounded(body.reason)) }
        order("retry", ["clusters"], group) { body, _ in .retry(clusters: body.clusters ?? []) }
        order("approve", ["stage", "gate", "digest", "plan"], group) { body, rollout in
            let stage = try Self.stage(body, rollout)
            let gate = try Self.gate(body, of: stage, rollout)
            // What is there may not be what was seen: the approver says which it is.
            guard let digest = body.digest, let plan = body.plan else {
                throw Problem.malformed(
                    "the fields 'digest' and 'plan' are missing; send spec.release.digest and status.plan of the rollout as "
                        + "you looked at it")
            }
            return .approve(stage: stage, digest: digest, gate: gate, plan: plan)
        }
        order("withdraw", ["stage"], group) { body, rollout in .withdraw(stage: try Self.stage(body, rollout)) }
        order("promote", ["stage", "despiteHealth", "digest", "plan"], group) { body, rollout in
            .promote(
                stage: try Self.stage(body, rollout), despiteHealth: body.despiteHealth, digest: body.digest,
                plan: body.plan)
        }
        order("skip", ["cluster", "reason"], group) { body, _ in
            .skip(cluster: try Self.cluster(body), reason: try Self.bounded(body.reason))
        }
        order("leave-behind", ["cluster", "reason"], group) { body, _ in
            .leaveBehind(cluster: try Self.cluster(body), reason: try Self.bounded(body.reason))
        }
        group.post("rollouts/:name/undo") { request, context in
            let name: RolloutName = try context.name("name", "rollout")
            let fields = ["reason", "region", "cluster", "remove", "confirmed"]
            return try await undo(name, try await reading.body(OrderRequest.self, of: request, fields: fields), context)
        }
        group.post("applications/:name/uninstall") { request, context in
            let name: ApplicationName = try context.name("name", "application")
            let fields = ["region", "cluster", "confirmed"]
            let body = try await reading.body(OrderRequest.self, of: request, fields: fields)
            let removals = Removals(store: store, planning: planning)
            let names = try await removals.remove(
                name, Self.selector(body), isConfirmed: body.confirmed == true, by: context.actor)
            context.logger.info(
                "order taken", metadata: ["order": "uninstall", "application": "\(name)", "by": "\(context.actor)"])
            var views: [RolloutView] = []
            for name in names { views.append(try await store.rolloutView(name)) }
            return Response(json: ListView(items: views), status: .created)
        }
        group.post("clusters/:name/rollback") { request, context in
            let cluster: ClusterName = try context.name("name", "cluster")
            let fields = ["application", "reason", "remove", "confirmed"]
            let body = try await reading.body(OrderRequest.self, of: request, fields: fields)
            return try await rollBack(cluster, body, context)
        }
    }

    private func order(
        _ verb: String, _ fields: [String], _ group: RouterGroup<ConsoleContext>,
        _ command: @escaping @Sendable (OrderRequest, Rollout) throws -> RolloutCommand
    ) {
        group.post("rollouts/:name/\(verb)") { request, context in
            let name: RolloutName = try context.name("name", "rollout")
            let body = try await reading.body(OrderRequest.self, of: request, fields: fields)
            let rollout = try await store.existingRollout(name)
            try Self.checkNames(body, rollout)
            let command = try command(body, rollout)
            let warnings = verb == "retry" ? try await planning.warnings(onRetryOf: rollout) : nil
            return try await submit(command, to: name, verb, context, warnings: warnings)
        }
    }

    /// Answers 200 with the effect, or 202 where the decision is still to come.
    private func submit(
        _ command: RolloutCommand, to name: RolloutName, _ verb: String, _ context: ConsoleContext,
        warnings: [WarningView]? = nil
    ) async throws -> Response {
        let isDone = try await orders.submit(command, to: name, by: context.actor)
        context.logger.info(
            "order taken", metadata: ["order": "\(verb)", "rollout": "\(name)", "by": "\(context.actor)"])
        let view = try await store.rolloutView(name, warnings: warnings)
        return Response(json: view, status: isDone ? .ok : .accepted)
    }

    private func undo(_ name: RolloutName, _ body: OrderRequest, _ context: ConsoleContext) async throws -> Response {
        let rollout = try await store.existingRollout(name)
        let scope = try Self.rollbackScope(body)
        try Self.checkNames(body, rollout)
        guard rollout.phase.isEnded else {
            return try await rollBack(rollout, scope, body, "undo", context)
        }
        // What it took back is a release like any other: to bring that again is a rollout, with its canary and its soak.
        if let undone = rollout.kind.takesOff {
            let what = rollout.kind.isRemoval ? "a removal" : "an undo"
            throw Problem.refused(
                "rollout '\(name)' is itself \(what), of '\(undone)': to bring \(rollout.release.version) again, start it "
                    + "(swell rollout start \(rollout.application) --version \(rollout.release.version) ...)")
        }
        return try await undo(rollout, scope, body, context)
    }

    /// By a new rollout, since the one that brought it has ended.
    private func undo(
        _ rollout: Rollout, _ scope: RollbackScope, _ body: OrderRequest, _ context: ConsoleContext
    ) async throws -> Response {
        let undo = try await planning.undo(rollout, scope: scope, remove: body.remove == true, by: context.actor)
        let view = try await store.rolloutView(undo.name, warnings: undo.warnings)
        return Response(json: view, status: .created)
    }

    /// Within the rollout that brought it, which is still active.
    private func rollBack(
        _ rollout: Rollout, _ scope: RollbackScope, _ body: OrderRequest, _ verb: String, _ context: ConsoleContext
    ) async throws -> Response {
        let warning = RollbackWarnings.of(rollout, scope, removes: body.remove == true)
        let goingBack = body.remove == true ? RollbackWarnings.goingBack(rollout, scope) : nil
        if warning == nil, let goingBack { throw Problem.refused(goingBack.message) }
        // Who agreed to what the strategy removes has said that it may be removed.
        let removes = try warning.map { try Self.isRemovalSaid($0, body) } ?? false
        let command = RolloutCommand.rollback(
            scope, reason: try Self.bounded(body.reason), remove: removes ? true : body.remove)
        return try await submit(
            command, to: rollout.name, verb, context, warnings: [warning, goingBack].compactMap(\.self))
    }

    /// What is removed is removed on a person's word: `remove`, or `confirmed` where the application's strategy removes by itself.
    ///
    /// - Returns: Whether something is removed, and that was said; throws where it was not.
    private static func isRemovalSaid(_ warning: WarningView, _ body: OrderRequest) throws(Problem) -> Bool {
        guard warning.kind == PlanWarning.Kind.removes.rawValue else { return false }
        guard body.remove == true || body.confirmed == true else {
            throw Problem.unconfirmedRemoval(warning.message)
        }
        return true
    }

    /// One cluster back to what was proven there before: through the rollout that holds it, or by a new one that takes back the
    /// rollout which brought what runs there.
    private func rollBack(
        _ cluster: ClusterName, _ body: OrderRequest, _ context: ConsoleContext
    ) async throws -> Response {
        guard let application = body.application else {
            throw Problem.malformed("the field 'application' is missing; say what to roll back")
        }
        _ = try await store.application(application)
        _ = try await store.clusterRecord(cluster)
        let facts = try await store.snapshot(for: application).fleet[cluster]
        if let holder = facts?.heldBy {
            let rollout = try await store.existingRollout(holder)
            return try await rollBack(rollout, .cluster(cluster), body, "rollback", context)
        }
        guard let assigned = facts?.assigned else {
            throw Problem.refused("cluster '\(cluster)' was never assigned a release of '\(application)'")
        }
        for summary in try await store.rollouts(of: application, limit: 200) {
            let rollout = try await store.existingRollout(summary.name)
            try Self.checkIsNotBack(cluster, on: assigned, rollout)
            guard summary.version == assigned.version else { continue }
            guard rollout.kind == .release, rollout.targets[cluster]?.assigned?.digest == assigned.digest else {
                continue
            }
            return try await undo(rollout, .cluster(cluster), body, context)
        }
        throw Problem.refused("no rollout is known that brought \(assigned.version) to cluster '\(cluster)'")
    }

    /// A cluster that was taken back already is where it was to go: an order given twice must not bring again what was taken off. The
    /// newest rollout that told the cluster anything comes first.
    private static func checkIsNotBack(
        _ cluster: ClusterName, on assigned: ReleaseReference, _ rollout: Rollout
    ) throws(Problem) {
        guard let target = rollout.targets[cluster], target.generation != nil,
            target.assigned?.digest == assigned.digest,
            rollout.kind != .release || target.phase == .rolledBack
        else { return }
        throw Problem.refused(
            "cluster '\(cluster)' was taken back to \(assigned.version) already, by rollout '\(rollout.name)'; "
                + "to bring it to another release, start that")
    }

    private func addPauses(to group: RouterGroup<ConsoleContext>) {
        for verb in ["pause", "resume"] {
            group.post("regions/:name/\(verb)") { request, context in
                let region: RegionName = try context.name("name", "region")
                let body = try await reading.body(OrderRequest.self, of: request, fields: ["reason"])
                let known = Set(try await store.clusterListing().items.map(\.cluster.region))
                let former = try await store.regionPauses()[region]
                guard known.contains(region) || former != nil else {
                    throw Problem.unknownRegion(region, among: known)
                }
                guard verb == "pause" || former != nil else {
                    return try await notPaused("region", region.rawValue) { $0.pausedRegions[region] != nil }
                }
                // Whoever says nothing new takes no reason away that somebody gave.
                if verb == "pause", former != nil, body.reason == nil {
                    return try await answer("region", region.rawValue, verb, context)
                }
                let pause = verb == "pause" ? try await makePause(body, by: context.actor) : nil
                try await store.setRegionPause(region, pause, by: context.actor)
                return try await answer("region", region.rawValue, verb, context)
            }
            group.post("clusters/:name/\(verb)") { request, context in
                let cluster: ClusterName = try context.name("name", "cluster")
                let body = try await reading.body(OrderRequest.self, of: request, fields: ["reason"])
                let record = try await store.clusterRecord(cluster)
                guard verb == "pause" || record.pause != nil else {
                    return try await notPaused("cluster", cluster.rawValue) { $0.pausedClusters[cluster] != nil }
                }
                let pause = verb == "pause" ? try await makePause(body, by: context.actor) : nil
                try await store.setClusterPause(cluster, pause, by: context.actor)
                return try await answer("cluster", cluster.rawValue, verb, context)
            }
        }
    }

    /// It is as it was to be: an order that comes twice is no mistake, but whoever meant another name hears of it. A rollout that pauses
    /// it for itself is named.
    private func notPaused(
        _ what: String, _ name: String, _ pauses: (Rollout) -> Bool
    ) async throws -> Response {
        var holders: [String] = []
        for summary in try await store.rolloutListing(of: nil, limit: 500).items where !summary.phase.isEnded {
            guard let rollout = try await store.rollout(summary.name), pauses(rollout) else { continue }
            holders.append("swell rollout resume \(summary.name) --\(what) \(name)")
        }
        let advice = holders.isEmpty ? "" : "; a rollout pauses it for itself: \(holders.joined(separator: ", or "))"
        return Response(json: UnchangedView(message: "\(what)/\(name) was not paused\(advice)"))
    }

    private func answer(
        _ what: String, _ name: String, _ verb: String, _ context: ConsoleContext
    ) async throws -> Response {
        try await orders.nudgeActive()
        context.logger.info(
            "order taken", metadata: ["order": "\(verb)", "\(what)": "\(name)", "by": "\(context.actor)"])
        return Response(status: .noContent)
    }

    private func makePause(_ body: OrderRequest, by actor: String) async throws -> Pause {
        Pause(by: actor, at: try await store.now(), reason: try Self.bounded(body.reason))
    }

    private static func pauseScope(_ body: OrderRequest) throws(Problem) -> PauseScope {
        switch (body.region, body.cluster) {
        case (nil, nil): return .rollout
        case (let region?, nil): return .region(region)
        case (nil, let cluster?): return .cluster(cluster)
        default: throw Problem.malformed("give a region or a cluster, not both")
        }
    }

    private static func selector(_ body: OrderRequest) throws(Problem) -> ClusterSelector {
        _ = try pauseScope(body)
        return ClusterSelector(regions: body.region.map { [$0] } ?? [], clusters: body.cluster.map { [$0] } ?? [])
    }

    private static func rollbackScope(_ body: OrderRequest) throws(Problem) -> RollbackScope {
        switch try pauseScope(body) {
        case .rollout: .rollout
        case .region(let region): .region(region)
        case .cluster(let cluster): .cluster(cluster)
        }
    }

    /// What an order names must be part of the rollout.
    private static func checkNames(_ body: OrderRequest, _ rollout: Rollout) throws(Problem) {
        let regions = Set(rollout.targets.values.map(\.region))
        if let region = body.region, !regions.contains(region) {
            let advice = Spelling.advice(for: region.rawValue, among: regions.map(\.rawValue))
            throw Problem.notFound("rollout '\(rollout.name)' has no region '\(region)'\(advice)")
        }
        for cluster in (body.cluster.map { [$0] } ?? []) + (body.clusters ?? []) where rollout.targets[cluster] == nil {
            let advice = Spelling.advice(for: cluster.rawValue, among: rollout.targets.keys.map(\.rawValue))
            throw Problem.notFound("rollout '\(rollout.name)' has no cluster '\(cluster)'\(advice)")
        }
    }

    private static func stage(_ body: OrderRequest, _ rollout: Rollout) throws(Problem) -> StageName {
        let names = rollout.stages.map(\.name.rawValue).joined(separator: ", ")
        guard let stage = body.stage else {
            throw Problem.malformed("the field 'stage' is missing; stages are \(names)")
        }
        guard rollout.stages.contains(where: { $0.name == stage }) else {
            throw Problem.notFound("rollout '\(rollout.name)' has no stage '\(stage)'; stages are \(names)")
        }
        return stage
    }

    private static func cluster(_ body: OrderRequest) throws(Problem) -> ClusterName {
        guard let cluster = body.cluster else { throw Problem.malformed("the field 'cluster' is missing; name one") }
        return cluster
    }

    /// The gate that is meant: as said, or the one that is open, so that an order that comes twice is not taken for the next.
    private static func gate(_ body: OrderRequest, of stage: StageName, _ rollout: Rollout) throws(Problem)
        -> ApprovalGate?
    {
        guard let text = body.gate else {
            let state = rollout.stages.first { $0.name == stage }
            return state.map { StageView($0) }?.openGate.flatMap { ApprovalGate(rawValue: $0) }
        }
        guard let gate = ApprovalGate(rawValue: text) else {
            let known = ApprovalGate.allCases.map(\.rawValue).joined(separator: " or ")
            throw Problem.malformed("gate is '\(text.prefix(40))'; write \(known), or leave it out")
        }
        return gate
    }

    /// A reason as it may be written down: of bounded length, and plain.
    static func bounded(_ reason: String?) throws(Problem) -> String? {
        guard (reason ?? "").utf8.count <= 1_024 else { throw Problem.invalid("a reason may have 1024 bytes") }
        if let problem = reason.flatMap(PlainText.problem) { throw Problem.invalid("the reason \(problem)") }
        return reason
    }
}
