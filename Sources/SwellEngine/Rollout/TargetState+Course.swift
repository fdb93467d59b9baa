internal import SwellModel

// The ways in which a target goes on. Each says all that belongs to where it then stands.
extension TargetState {
    /// An assignment is decided for it.
    mutating func begin(_ attempt: Attempt, as phase: TargetPhase, reason: String?) {
        precondition(attempt.generation > generation ?? 0, "generations rise (invariant 8)")
        self.attempt = attempt
        self.phase = phase
        self.reason = reason
        skip = nil
    }

    /// It waits for its dispatch, the first or another.
    mutating func queue(_ reason: String?) {
        phase = .queued
        self.reason = reason
        skip = nil
        attempt?.close()
        attempt?.evidence.provenAt = nil
    }

    /// It failed the release.
    mutating func fail(_ reason: String, at now: Timestamp) {
        phase = .failed
        self.reason = reason
        failedAt = now
        // What it ran before is not trusted either, since it failed here.
        ranBefore = false
        attempt?.close()
    }

    /// It failed, and there is nothing to go back to.
    mutating func hold(_ reason: String) {
        self.reason = reason
        attempt?.close()
        if failedAt == nil {
            phase = .skipped
            skip = .neverHealthy
        } else {
            phase = .failed
        }
    }

    mutating func failRollback(_ reason: String) {
        phase = .rollbackFailed
        self.reason = reason
        attempt?.close()
    }

    /// The rollout goes on without it.
    mutating func leaveOut(_ skip: SkipReason, _ reason: String) {
        phase = .skipped
        self.skip = skip
        self.reason = reason
        attempt?.close()
        attempt?.evidence.provenAt = nil
    }

    /// What was asserted counts: it is healthy, or back.
    mutating func confirm(at now: Timestamp) {
        attempt?.evidence.confirm(at: now)
        attempt?.deadline = .met
        if phase == .rollingBack {
            phase = .rolledBack
        } else {
            phase = .healthy
            reason = nil
            failedAt = nil
        }
    }

    /// Nothing is known of it from now on: clocks stop, and nothing that was known counts.
    mutating func become(_ standing: Evidence.Standing, _ reason: String, at now: Timestamp) {
        attempt?.evidence.standing = standing
        attempt?.deadline.stop(at: now)
        guard phase != .rollingBack else { return }
        phase = .unreachable
        self.reason = reason
    }

    /// It can be judged again: its clock counts from now.
    mutating func regainSight(until deadline: Timestamp) {
        attempt?.evidence.regainSight()
        attempt?.deadline = .running(until: deadline)
        guard phase == .unreachable else { return }
        phase = provenAt == nil ? .dispatched : .verifying
        reason = "agent reconnected"
    }
}
