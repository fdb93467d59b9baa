public import SwellEngine
public import SwellModel

extension MemoryState {
    public func readDecision(_ name: RolloutName, under lease: Lease) throws(StoreError) -> DecisionReading {
        guard let input = decisionInput(of: name, epoch: lease.epoch) else { throw .noRollout(name) }
        guard isHeld(lease) else { throw .leaseLost(lease) }
        return DecisionReading(input, version: version(of: name))
    }

    public mutating func commit(
        _ decision: Decision, on reading: DecisionReading, under lease: Lease
    ) throws(StoreError) -> CommitOutcome {
        let name = reading.input.rollout.name
        guard rollouts[name] != nil else { throw .noRollout(name) }
        guard isHeld(lease) else { throw .leaseLost(lease) }
        guard stands(reading), DecisionRules.fits(decision, on: reading.input, headroom: headroom) else {
            return .stale
        }
        do throws(StoreError) {
            try take(decision, of: reading.input)
            return .committed
        } catch  where error.code == .conflict {
            return .stale
        }
    }

    /// Whether what was read still stands, and is no old look at who is silent.
    public func stands(_ reading: DecisionReading) -> Bool {
        let age = now - reading.input.now
        return reading.version == version(of: reading.input.rollout.name) && age <= Bounds.readingAge
            && age >= .zero - Bounds.readingAge
    }

    private func version(of name: RolloutName) -> ReadVersion {
        ReadVersion(
            rollout: "\(history) \(rollouts[name]?.revision ?? -1)", fleet: "\(history) \(fleetVersion)",
            commands: pendingCommands[name] ?? [])
    }

    /// Goes on from an earlier state, as a database does that failed over to a standby which lacks the last commits.
    public mutating func goBack(to earlier: MemoryState) {
        let (next, clock) = (history + 1, now)
        self = earlier
        history = next
        now = clock
    }

    /// Reads, decides and commits in one.
    public mutating func decide(
        _ name: RolloutName, under lease: Lease, _ decide: (DecisionInput) throws(StoreError) -> Decision
    ) throws(StoreError) -> Decision {
        let input = try readDecision(name, under: lease).input
        let decision = try decide(input)
        try take(decision, of: input)
        return decision
    }

    private mutating func take(_ decision: Decision, of input: DecisionInput) throws(StoreError) {
        let name = input.rollout.name
        var held = Set(claims.lazy.filter { $0.value == name }.map(\.key.cluster))
        let gained = DecisionRules.gains(of: decision, from: input.rollout, holding: held)
        for cluster in gained.sorted() {
            let key = ClusterApplication(cluster: cluster, application: input.rollout.application)
            if let holder = claims[key] { throw .held(cluster, input.rollout.application, by: holder) }
        }
        held.formUnion(gained)
        try DecisionRules.check(decision, of: input, holding: held)
        for assignment in decision.assignments {
            let key = ClusterApplication(cluster: assignment.cluster, application: assignment.application)
            guard assignment.generation > assignments[key]?.assignment.generation ?? 0 else {
                throw .generationReached(name)
            }
        }

        for cluster in gained {
            claims[ClusterApplication(cluster: cluster, application: input.rollout.application)] = name
        }
        if decision.rollout.phase.isEnded { claims = claims.filter { $0.value != name } }
        if !decision.isHeld {
            let answered = Set(input.commands.map(\.id))
            let waiting = (pendingCommands[name] ?? []).filter { !answered.contains($0) }
            pendingCommands[name] = waiting.isEmpty ? nil : waiting
            let read = Set(input.reports.map(\.id))
            let unread = (inbox[name] ?? []).filter { !read.contains($0.id) }
            inbox[name] = unread.isEmpty ? nil : unread
        }
        for verdict in decision.verdicts { commands[verdict.command]?.verdict = verdict }
        store(decision)
        rollouts[name]?.rollout = decision.rollout
        rollouts[name]?.wakeAt = decision.wakeAt
        rollouts[name]?.seenFleet = fleetVersion
        rollouts[name]?.revision += 1
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
