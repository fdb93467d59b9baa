internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// A tiny fleet's state as bytes: equal where nothing that can still happen tells two states apart.
///
/// Moments are told relative to now, in the unit of time, and no further back than anything looks; what only informs people (reasons,
/// when a phase began) is left out, as are numbers that only identify (of reports, commands, audit rows). That this merges no two
/// states that go on differently is checked while exploring: see `Explorer`.
struct CanonicalForm {
    private(set) var bytes: [UInt8] = []
    private let now: Timestamp

    init(_ fleet: TinyFleet) {
        now = fleet.now
        bytes.reserveCapacity(220)
        put(fleet.budget)
        for replica in fleet.replicas {
            put(replica.isStalled)
            put(Int(replica.lease?.epoch ?? 0))
            put(replica.lease?.expiresAt, within: -1...2)
        }
        put(fleet.ledger)
        if let input = fleet.database.decisionInput(of: TinyFleet.rollout, epoch: 0) { put(input) }
        put(!fleet.database.dueRollouts(limit: 1).isEmpty)
        for (index, agent) in fleet.agents.enumerated() {
            put(fleet.database.assignments(of: TinyFleet.clusters[index].name).first)
            put(agent)
        }
    }

    /// Two independent mixes of the bytes: 128 bits that stand for the state.
    var fingerprint: Fingerprint {
        var high: UInt64 = 0x9E37_79B9_7F4A_7C15
        var low: UInt64 = 0xC2B2_AE3D_27D4_EB4F
        for byte in bytes {
            high = (high ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
            high ^= high >> 29
            low = (low &+ UInt64(byte) &+ 1) &* 0xD6E8_FEB8_6659_FD93
            low ^= low >> 32
        }
        return Fingerprint(high: high, low: low)
    }

    // MARK: Values

    private mutating func put(_ value: Int) { bytes.append(UInt8(truncatingIfNeeded: value)) }
    private mutating func put(_ value: Bool) { bytes.append(value ? 1 : 0) }
    private mutating func put(_ generation: Int64?) { put(Int(generation ?? 0)) }
    private mutating func isThere<Value>(_ value: Value?) { put(value != nil) }

    /// How many halves of a unit away a moment is, clamped to where it matters: a decision asks to be woken between two units.
    private mutating func put(_ moment: Timestamp?, within range: ClosedRange<Int64>) {
        guard let moment else { return put(100) }
        let distance = 2 * (moment - now).milliseconds
        let halves = (Double(distance) / Double(TinyFleet.unit.milliseconds)).rounded(.up)
        put(Int(min(max(Int64(halves), 2 * range.lowerBound), 2 * range.upperBound)))
    }

    private mutating func put<Value: CaseIterable & Equatable>(case value: Value) {
        var place = 0
        for other in Value.allCases {
            if other == value { break }
            place += 1
        }
        put(place)
    }

    private mutating func put(_ digest: ContentDigest?) {
        switch digest {
        case nil: put(0)
        case TinyFleet.former.digest: put(1)
        default: put(2)
        }
    }

    private mutating func put(_ budget: TinyFleet.Budget) {
        put(budget.orders)
        put(budget.stalls)
        put(budget.badLooks)
        put(budget.silences)
        put(budget.lateMessages)
        put(budget.delays)
    }

    private mutating func put(_ ledger: ExplorerLedger) {
        put(Int(ledger.latestEpoch))
        for word in ledger.words {
            put(word?.generation)
            put(word?.digest)
            put(word?.isGood == true)
            put(word?.isGood == true ? word?.since : nil, within: -2...0)
        }
        for generation in ledger.givenUp { put(generation) }
        for proof in ledger.proofs {
            put(proof?.generation)
            put(proof?.digest)
        }
        for flag in [
            ledger.hasStalled, ledger.isPaused, ledger.isFarPaused, ledger.isFarPausedForAll, ledger.isStopped,
        ] { put(flag) }
    }

    // MARK: What a decision reads

    private mutating func put(_ input: DecisionInput) {
        put(input.rollout)
        put(input.snapshot.pausedRegions.isEmpty)
        put(input.commands.count)
        // Much later than it was due, a decision leaves out the time in between.
        put(input.dueAt, within: -6...1)
        for record in input.commands {
            // Orders have no values of their own here, so their place in the list of orders says all.
            put(ExplorerOrder.allCases.firstIndex { $0.command == record.command } ?? 255)
        }
        for cluster in TinyFleet.clusters {
            let facts = input.snapshot.fleet[cluster.name]
            put(facts?.highestGeneration)
            put(facts?.lastSeenAt, within: -2...0)
            put(facts?.report?.generation)
            put(facts?.report?.epoch)
            put(facts?.proven.first?.digest)
            // Reports on different clusters do not meet, so their order among each other says nothing.
            let reports = input.reports.filter { $0.cluster == cluster.name }
            put(reports.count)
            for record in reports { put(record.report) }
        }
    }

    private mutating func put(_ rollout: Rollout) {
        put(case: rollout.phase)
        isThere(rollout.pause)
        put(rollout.pausedRegions.count)
        put(rollout.rolledBack.count)
        for (index, stage) in rollout.stages.enumerated() {
            put(case: stage.phase)
            isThere(stage.startedAt)
            isThere(stage.passedAt)
            put(stage.soakEndsAt, within: 0...2)
            isThere(stage.healthyAt)
            // A target that became healthy after that moment starts the soak again.
            let latest = rollout.targets.values.filter { $0.stage == index }.compactMap(\.healthyAt).max()
            put(latest.map { $0 > stage.healthyAt ?? now } ?? false)
        }
        for cluster in TinyFleet.clusters {
            guard let target = rollout.targets[cluster.name] else { continue }
            put(target)
        }
    }

    private mutating func put(_ target: TargetState) {
        put(case: target.phase)
        put(target.generation)
        put(target.epoch)
        put(target.assigned?.digest)
        put(target.previous?.digest)
        put(target.dispatchedAt, within: -1...0)
        // A deadline past is judged a while later, on whether its agent was heard of since.
        put(target.deadlineAt, within: -5...3)
        if case .stopped(let left)? = target.attempt?.deadline { put(now + left, within: 0...3) } else { put(101) }
        put(target.attempt?.isAccepted == true)
        put(target.attempt?.evidence.isProving == true)
        put(target.attempt?.evidence.isUnseen == true)
        put(target.attempt?.evidence.isUnknown == true)
        isThere(target.assertedAt)
        isThere(target.healthyAt)
        isThere(target.provenAt)
        isThere(target.failedAt)
        isThere(target.late)
        isThere(target.skip)
        put(target.attempts == 0)
    }

    // MARK: Agents and what is under way

    private mutating func put(_ report: ApplicationReport?) {
        guard let report else { return put(0) }
        put(report.generation)
        put(report.epoch)
        put(report.digest)
        put(case: report.phase)
        put(case: report.health)
        put(report.proven)
    }

    private mutating func put(_ assignment: Assignment?) {
        put(assignment?.generation)
        put(assignment?.epoch)
        put(assignment?.digest)
        put(assignment?.fallback?.digest)
        put(assignment?.settings.selfRollback == true)
        put(assignment?.isPaused == true)
    }

    private mutating func put(_ agent: TinyFleet.Agent) {
        put(agent.isUnreachable)
        put(agent.lateAssignment)
        put(agent.lateReport)
        guard let record = agent.record else { return put(0) }
        put(record.assignment)
        put(record.highestGeneration)
        put(record.highestEpoch)
        put(case: record.phase)
        put(record.work?.generation)
        put(record.work?.release?.digest)
        put(record.isApplied)
        put(record.applied?.digest)
        put(record.proven.count)
        put(record.proven.first?.digest)
        // What is left of a deadline that rests, however long it has.
        put(
            record.deadline.map { deadline in deadline + (record.pausedSince.map { now - $0 } ?? .zero) }, within: 0...3
        )
        isThere(record.pausedSince)
        put(record.blindSince, within: -3...0)
        put(record.healthySince, within: -1...0)
        put(case: record.observed.health)
        isThere(record.failure)
        put(record.worstUnacknowledged.map { Health.allCases.firstIndex(of: $0.health) ?? 0 } ?? 100)
        isThere(record.outgoing)
        put(record.outgoing?.report)
    }
}

/// A state's 128 bits. Of ten million states, two have the same by chance once in about 10^24 explorations.
struct Fingerprint: Hashable, Sendable {
    var high: UInt64
    var low: UInt64

    func hash(into hasher: inout Hasher) { hasher.combine(low) }
}
