public import SwellEngine
public import SwellModel

extension MemoryState {
    public mutating func createRollout(_ rollout: Rollout, superseding: [RolloutName], by actor: String)
        throws(StoreError)
    {
        let ending = Set(superseding).sorted()
        if let missing = ending.first(where: { rollouts[$0] == nil }) { throw .noRollout(missing) }
        guard rollouts[rollout.name] == nil, !audit.contains(where: { $0.event.rollout == rollout.name }) else {
            throw .nameTaken(rollout.name)
        }
        let claimsAtOnce = DecisionRules.claimsAtOnce(rollout, superseding: ending)
        for cluster in rollout.targets.keys.sorted() where claimsAtOnce {
            let holder = claims[ClusterApplication(cluster: cluster, application: rollout.application)]
            if let holder, !ending.contains(holder) { throw .held(cluster, rollout.application, by: holder) }
        }
        for name in ending where rollouts[name]?.rollout.phase.isEnded == false {
            insertCommand(.supersede(by: rollout.name), to: name, by: actor)
        }
        for cluster in rollout.targets.keys where claimsAtOnce {
            claims[ClusterApplication(cluster: cluster, application: rollout.application)] = rollout.name
        }
        rollouts[rollout.name] = StoredRollout(
            sequence: nextID(), rollout: rollout, plan: rollout, wakeAt: now, seenFleet: fleetVersion)
        record(.created(rollout, by: actor, at: now))
    }

    public mutating func createRollouts(_ rollouts: [Rollout], by actor: String) throws(StoreError) {
        var next = self
        for rollout in rollouts { try next.createRollout(rollout, superseding: [], by: actor) }
        self = next
    }

    public func rollout(_ name: RolloutName) -> Rollout? { rollouts[name]?.rollout }
    public func plan(of name: RolloutName) -> Rollout? { rollouts[name]?.plan }

    public func rolloutSummaries(of application: ApplicationName?, limit: Int) -> [RolloutSummary] {
        let wanted = rollouts.values.filter { application == nil || $0.rollout.application == application }
        return wanted.sorted { $0.sequence > $1.sequence }.prefix(limit).map { stored in
            let rollout = stored.rollout
            var counts: [String: Int] = [:]
            for target in rollout.targets.values { counts[target.standing, default: 0] += 1 }
            let previous = Set(rollout.targets.values.compactMap(\.previous?.version)).sorted()
            return RolloutSummary(
                name: rollout.name, application: rollout.application, kind: rollout.kind,
                version: rollout.release.version, brings: rollout.kind == .release ? [] : previous,
                phase: rollout.phase, reason: rollout.reason,
                createdBy: rollout.createdBy,
                createdAt: rollout.createdAt, endedAt: rollout.endedAt, counts: counts)
        }
    }

    public func activeRollouts(on clusters: [ClusterName]) -> [ClusterName: [RolloutName]] {
        let asked = Set(clusters)
        return claims.reduce(into: [ClusterName: Set<RolloutName>]()) { holders, claim in
            if asked.contains(claim.key.cluster) { holders[claim.key.cluster, default: []].insert(claim.value) }
        }.mapValues { $0.sorted() }
    }

    /// Those that are not over.
    public func activeRollouts() -> [RolloutName] {
        rollouts.values.filter { !$0.rollout.phase.isEnded }.map(\.rollout.name).sorted()
    }

    public func plannedRegions() -> [ClusterName: [RegionName]] {
        var regions: [ClusterName: Set<RegionName>] = [:]
        for stored in rollouts.values where !stored.rollout.phase.isEnded {
            for target in stored.rollout.targets.values {
                guard let cluster = clusters[target.cluster], cluster.region != target.region else { continue }
                regions[target.cluster, default: []].insert(target.region)
            }
        }
        return regions.mapValues { $0.sorted() }
    }

    public func dueRollouts(for holder: String?, limit: Int) -> DueRollouts {
        var due: [(urgency: DueRollout.Urgency, wakeAt: Timestamp, sequence: Int64, name: RolloutName)] = []
        var nextWakeUp: Timestamp?
        for (name, stored) in rollouts {
            let urgency = urgency(of: stored)
            // Most have ended, and nothing waits for them.
            guard urgency != nil || !stored.rollout.phase.isEnded, isFree(name, for: holder) else { continue }
            if let urgency {
                due.append((urgency, stored.wakeAt ?? Timestamp(milliseconds: .max), stored.sequence, name))
            }
            if !stored.rollout.phase.isEnded, let wakeAt = stored.wakeAt, wakeAt > now {
                nextWakeUp = nextWakeUp.map { min($0, wakeAt) } ?? wakeAt
            }
        }
        due.sort { ($0.urgency, $0.wakeAt, $0.sequence) < ($1.urgency, $1.wakeAt, $1.sequence) }
        return DueRollouts(
            rollouts: due.prefix(limit).map { DueRollout($0.name, $0.urgency) }, nextWakeUp: nextWakeUp, now: now)
    }

    /// Whether nobody else holds its lease.
    private func isFree(_ name: RolloutName, for holder: String?) -> Bool {
        guard let holder, let lease = leases[LeaseTable.name(of: name)] else { return true }
        return lease.holder == holder || lease.expiresAt <= now
    }

    /// The names of those that are due, whoever holds them.
    public func dueRollouts(limit: Int) -> [RolloutName] { dueRollouts(for: nil, limit: limit).rollouts.map(\.name) }

    /// What makes it due; nil for nothing.
    private func urgency(of stored: StoredRollout) -> DueRollout.Urgency? {
        let name = stored.rollout.name
        let (isOrdered, isReported) = (pendingCommands[name]?.isEmpty == false, inbox[name]?.isEmpty == false)
        let isChanged = stored.seenFleet < fleetVersion
        let isDue = isChanged || stored.wakeAt.map { $0 <= now || $0 > now + .minutes(10) } == true
        guard isOrdered || isReported || isDue && !stored.rollout.phase.isEnded else { return nil }
        if isOrdered || stored.rollout.phase == .scheduled { return .order }
        if case .undo = stored.rollout.kind { return .rollback }
        if stored.rollout.phase == .rollingBack { return .rollback }
        return isReported || isChanged ? .report : .poll
    }

    // MARK: Commands

    public mutating func submit(
        _ command: RolloutCommand, to name: RolloutName, by actor: String, check: (Rollout) -> String?
    ) throws(StoreError) -> CommandRecord {
        guard let stored = rollouts[name] else { throw .noRollout(name) }
        if let refusal = check(stored.rollout) { throw StoreError(code: .refused, message: refusal) }
        return insertCommand(command, to: name, by: actor)
    }

    @discardableResult
    private mutating func insertCommand(_ command: RolloutCommand, to name: RolloutName, by actor: String)
        -> CommandRecord
    {
        let record = CommandRecord(id: nextID(), rollout: name, command: command, by: actor, at: now)
        commands[record.id] = StoredCommand(record: record)
        pendingCommands[name, default: []].append(record.id)
        return record
    }

    public func verdict(of command: Int64) throws(StoreError) -> CommandVerdict? {
        guard let stored = commands[command] else {
            throw StoreError(code: .notFound, message: "there is no command \(command)")
        }
        return stored.verdict
    }

    // MARK: Decisions

    public mutating func decide(
        _ name: RolloutName, under lease: Lease, _ decide: (DecisionInput) throws(StoreError) -> Decision
    ) throws(StoreError) -> Decision {
        guard let input = decisionInput(of: name, epoch: lease.epoch) else { throw .noRollout(name) }
        guard isHeld(lease) else { throw .leaseLost(lease) }
        let decision = try decide(input)

        var held = Set(claims.lazy.filter { $0.value == name }.map(\.key.cluster))
        let gained = DecisionRules.gains(of: decision, from: input.rollout, holding: held)
        for cluster in gained.sorted() {
            let key = ClusterApplication(cluster: cluster, application: input.rollout.application)
            if let holder = claims[key] { throw .held(cluster, input.rollout.application, by: holder) }
        }
        held.formUnion(gained)
        try DecisionRules.check(decision, of: input, holding: held)

        for cluster in gained {
            claims[ClusterApplication(cluster: cluster, application: input.rollout.application)] = name
        }
        if decision.rollout.phase.isEnded { claims = claims.filter { $0.value != name } }
        if !decision.isHeld { pendingCommands[name] = nil }
        let read = Set(input.reports.map(\.id))
        let unread = (inbox[name] ?? []).filter { !read.contains($0.id) }
        if !decision.isHeld { inbox[name] = unread.isEmpty ? nil : unread }
        for verdict in decision.verdicts { commands[verdict.command]?.verdict = verdict }
        store(decision)
        rollouts[name]?.rollout = decision.rollout
        rollouts[name]?.wakeAt = decision.wakeAt
        rollouts[name]?.seenFleet = fleetVersion
        return decision
    }

    private mutating func store(_ decision: Decision) {
        for assignment in decision.assignments {
            let key = ClusterApplication(cluster: assignment.cluster, application: assignment.application)
            assignments[key] = StoredAssignment(assignment: assignment, change: nextID())
        }
        for notice in decision.pauses {
            let key = ClusterApplication(cluster: notice.cluster, application: decision.rollout.application)
            guard var stored = assignments[key]?.assignment, stored.generation == notice.generation else { continue }
            stored.isPaused = notice.isPaused ? true : nil
            assignments[key] = StoredAssignment(assignment: stored, change: nextID())
        }
        for proof in decision.proven {
            let key = ClusterApplication(cluster: proof.cluster, application: proof.application)
            var list = (proven[key] ?? []).filter { $0.release.digest != proof.release.digest }
            list.append(proof)
            // Generations only rise, while the clock may be set back.
            list.sort { ($0.generation, $0.at) > ($1.generation, $1.at) }
            proven[key] = list
        }
        for transition in decision.transitions {
            record(AuditEvent(transition, of: decision.rollout), transition: transition)
        }
    }
}
