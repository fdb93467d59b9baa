public import SwellEngine
public import SwellModel

/// What a decision is made from, and as of when: read at one moment, without any lock, and thought about outside of any transaction.
public struct DecisionReading: Sendable {
    public package(set) var input: DecisionInput
    let version: ReadVersion

    init(_ input: DecisionInput, version: ReadVersion) {
        self.input = input
        self.version = version
    }

    /// The same input as if it had been read with another: for a simulation, which shows that this is found.
    package func passedOff(as other: DecisionReading) -> DecisionReading {
        DecisionReading(input, version: other.version)
    }
}

/// By what it is known whether something was decided, ordered or changed since. No value comes twice, also where a database went back to an
/// earlier state and on from there.
struct ReadVersion: Sendable, Hashable {
    var rollout: String
    var fleet: String
    /// The commands that waited.
    var commands: [Int64]
}

/// What became of a decision.
public enum CommitOutcome: Sendable, Hashable {
    /// All of it is stored.
    case committed
    /// Nothing is: what it was made from does not stand any more, or is too old to judge anybody's silence by. To be read again.
    case stale
}

extension RolloutStore {
    /// One decision: reads, lets `decide` think, and commits all of it or nothing.
    ///
    /// What was overtaken is read and thought again. After ``Bounds/staleReadings`` such attempts it is thought under the locks of the
    /// transaction that commits it, where nothing can overtake it: so however often a rollout or its fleet changes, and however long one
    /// thinks, each call ends with a decision. What `decide` throws leaves nothing done.
    @discardableResult
    public func decide(
        _ rollout: RolloutName, under lease: Lease, _ decide: @Sendable (DecisionInput) throws(StoreError) -> Decision
    ) async throws(StoreError) -> Decision {
        for _ in 0..<Bounds.staleReadings {
            let reading = try await readDecision(rollout, under: lease)
            let decision = try decide(reading.input)
            if try await commit(decision, on: reading, under: lease) == .committed { return decision }
        }
        return try await decideUnderLocks(rollout, under: lease, decide)
    }
}
