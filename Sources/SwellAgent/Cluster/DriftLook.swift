internal import SwellEngine
internal import SwellModel

/// Drift of which not all could be put back, or looked at.
struct UncorrectedDrift: Error {
    /// What was put back: who keeps writing against that is told apart, whatever else cannot be corrected.
    var corrected: [ObjectChange] = []
    /// What stays as it was found.
    let left: [ObjectChange]
    /// What is in the way, in words: `cannot be put back`.
    let what: String
    let error: ClusterError
}

/// One look for drift, and what is to be told of it.
struct DriftLook: Sendable {
    /// What is news.
    var findings: [DriftFinding] = []
    /// Why not everything could be seen or put back. What was put back counts all the same: otherwise one object that nobody can correct would
    /// keep those who write against the others from ever being found out.
    var failure: ClusterError?

    /// - Throws: `CancellationError`.
    static func look(
        at cluster: any ClusterPort, for release: ClusterRelease, isCorrecting: Bool, _ watch: inout DriftWatch,
        now: @Sendable () -> Timestamp
    ) async throws -> DriftLook {
        do {
            let found = try await cluster.drift(of: release, isCorrecting: isCorrecting, leaving: watch.contested)
            let finding = watch.note(found, isCorrected: isCorrecting, now: now())
            return DriftLook(findings: finding.map { [$0] } ?? [])
        } catch let error as UncorrectedDrift {
            return DriftLook(findings: findings(of: error, isCorrecting, &watch, now()), failure: error.error)
        } catch let error as ClusterError {
            return DriftLook(failure: error)
        }
    }

    private static func findings(
        of drift: UncorrectedDrift, _ isCorrecting: Bool, _ watch: inout DriftWatch, _ now: Timestamp
    ) -> [DriftFinding] {
        var findings: [DriftFinding] = []
        if !drift.corrected.isEmpty, let finding = watch.note(drift.corrected, isCorrected: true, now: now) {
            findings.append(finding)
        }
        let mayPass = drift.error.isTransient || drift.error.isAway
        // What may pass by itself is tried again before it is told as here to stay.
        guard !drift.left.isEmpty, !mayPass || !isCorrecting else { return findings }
        if var finding = watch.note(drift.left, isCorrected: false, now: now) {
            if !mayPass { finding.contention = "\(drift.what): \(drift.error.message)" }
            findings.append(finding)
        }
        return findings
    }
}
