public import SwellModel

extension ClusterFacts {
    /// Whether nothing was heard of the agent for longer than `limit`, or ever. Unknown is neither healthy nor failed (invariant 12).
    public func isUnreachable(at now: Timestamp, after limit: Interval) -> Bool {
        guard let lastSeenAt else { return true }
        return now - lastSeenAt > limit
    }

    /// Whether it is assigned this very release, that was the last to be proven here, and its agent said of no other since: to bring it
    /// again changes nothing.
    public func runsProven(_ release: ReleaseReference) -> Bool {
        assigned?.digest == release.digest && proven.first?.digest == release.digest
            && report.map { $0.digest == release.digest } != false
    }

    /// Whether it is to be removed here, and its agent has not said that all of it is gone.
    public var awaitsRemoval: Bool {
        guard let removal else { return false }
        guard let report, report.phase == .removed else { return true }
        return report.generation < removal.generation
    }

    /// The last release proven here that is another than `release`.
    public func provenOther(than release: ReleaseReference) -> ReleaseReference? {
        proven.first { $0.digest != release.digest }
    }
}
