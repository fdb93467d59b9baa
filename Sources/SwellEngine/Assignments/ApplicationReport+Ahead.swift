public import SwellModel

extension ApplicationReport {
    /// Whether the agent is beyond an assignment, so that it refuses it and must be reissued: it knows a higher generation or epoch, or
    /// another assignment of this very generation. A database that lost commits gives generations out twice (invariants 8 and 19).
    ///
    /// - Parameter fallback: What the assignment names to go back to.
    func isAhead(of generation: Int64, epoch: Int64, digest: ContentDigest?, fallback: ContentDigest?) -> Bool {
        if self.generation > generation || self.epoch > epoch { return true }
        guard self.generation == generation else { return false }
        // An agent names the epoch under which its assignment was decided, and an assignment is never reissued under another.
        if self.epoch < epoch { return true }
        switch phase {
        case .healthy, .removed: return self.digest != digest
        // One that starts from the cluster's inventory may not know yet what it is to run.
        case .accepted, .applying, .verifying: return self.digest != nil && self.digest != digest
        // A way back that is there and not healthy is one of the same assignment.
        case .failed: return self.digest != nil && self.digest != digest && self.digest != fallback
        // The digest is the fallback's.
        case .reverting, .reverted: return false
        }
    }

    /// Whether the agent is beyond an attempt of a rollout.
    func isAhead(of attempt: Attempt, fallback: ReleaseReference?) -> Bool {
        isAhead(
            of: attempt.generation, epoch: attempt.epoch, digest: attempt.release?.digest, fallback: fallback?.digest)
    }

    /// Whether the agent runs another release than the assigned one, and has proven it there under a later order: what a database that lost
    /// commits does not know, and still nothing to take back (invariant 20).
    public func provesAnother(than assignment: Assignment) -> Bool {
        guard let own = digest, own == proven, own != assignment.digest, generation > assignment.generation,
            epoch >= assignment.epoch
        else { return false }
        switch phase {
        case .healthy, .reverted, .verifying: return true
        case .accepted, .applying, .failed, .reverting, .removed: return false
        }
    }
}
