internal import SwellEngine
internal import SwellModel
internal import SwellStore

// Decisions: in one, or read first and committed later.
extension TinyFleet {
    mutating func decide(_ index: Int) throws(Violation) {
        guard let lease = claim(index) else { return }
        guard let thought = read(index, under: lease) else { return }
        replicas[index].thought = thought
        try commit(index)
    }

    mutating func think(_ index: Int) {
        budget.thoughts -= 1
        guard let lease = claim(index) else { return }
        replicas[index].thought = read(index, under: lease)
    }

    /// The lease to decide under, claimed if it is not held.
    private mutating func claim(_ index: Int) -> Lease? {
        if replicas[index].lease == nil {
            replicas[index].lease = database.acquireLease(
                Self.leaseName, holder: Self.replicaNames[index], lifetime: Self.leaseLifetime)
            if let lease = replicas[index].lease { ledger.latestEpoch = max(ledger.latestEpoch, lease.epoch) }
        }
        return replicas[index].lease
    }

    /// The lease that the store is shown.
    private func used(_ lease: Lease, by index: Int) -> Lease {
        guard plantedBug == .writesUnfenced, let held = replicas[1 - index].lease, held.epoch > lease.epoch else {
            return lease
        }
        return held
    }

    private mutating func read(
        _ index: Int, under lease: Lease
    ) -> (DecisionReading, Decision, Lease, ExplorerLedger)? {
        guard let reading = try? database.readDecision(Self.rollout, under: used(lease, by: index)) else {
            replicas[index].lease = nil
            return nil
        }
        let bug = plantedBug?.distortion
        return (reading, bug?.decide(reading.input) ?? DecisionMaker.decideReviewed(reading.input), lease, ledger)
    }

    mutating func commit(_ index: Int) throws(Violation) {
        guard let (thought, decision, lease, known) = replicas[index].thought else { return }
        replicas[index].thought = nil
        let used = used(lease, by: index)
        var reading = thought
        if plantedBug == .commitsStale, let present = try? database.readDecision(Self.rollout, under: used) {
            reading = reading.passedOff(as: present)
        }
        do throws(StoreError) {
            guard try database.commit(decision, on: reading, under: used) == .committed else { return }
        } catch {
            guard error.code == .leaseLost else {
                throw Violation(invariant: 0, message: "the store refused a decision: \(error)")
            }
            replicas[index].lease = nil
            return
        }
        if let breach = decision.breaches.first {
            throw Violation(invariant: breach.invariant.rawValue, message: "the rollout holds: \(breach)")
        }
        try ledger.knowing(known).check(thought.input, decision, by: lease, agents: agents)
        database.dropHistory()
    }
}
