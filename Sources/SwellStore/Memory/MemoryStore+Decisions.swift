public import SwellEngine
public import SwellModel

extension MemoryStore {
    public func readDecision(_ rollout: RolloutName, under lease: Lease) throws(StoreError) -> DecisionReading {
        try transact { (state: inout MemoryState) throws(StoreError) in try state.readDecision(rollout, under: lease) }
    }
    public func commit(
        _ decision: Decision, on reading: DecisionReading, under lease: Lease
    ) throws(StoreError) -> CommitOutcome {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.commit(decision, on: reading, under: lease)
        }
    }
    public func decideUnderLocks(
        _ rollout: RolloutName, under lease: Lease, _ decide: @Sendable (DecisionInput) throws(StoreError) -> Decision
    ) throws(StoreError) -> Decision {
        try transact { (state: inout MemoryState) throws(StoreError) in try state.decide(rollout, under: lease, decide)
        }
    }
}
