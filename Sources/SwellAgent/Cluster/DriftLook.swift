internal import SwellEngine
internal import SwellModel

/// Drift that could not be seen, or put back, everywhere.
struct UncorrectedDrift: Error {
    /// What was seen elsewhere, and put back where it is to be.
    let changes: [ObjectChange]
    let error: ClusterError
}

/// One look for drift, and what is to be told of it.
struct DriftLook: Sendable {
    /// What is news.
    var finding: DriftFinding?
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
            return DriftLook(finding: watch.note(found, isCorrected: isCorrecting, now: now()))
        } catch let error as UncorrectedDrift {
            return DriftLook(
                finding: watch.note(error.changes, isCorrected: isCorrecting, now: now()), failure: error.error)
        } catch let error as ClusterError {
            return DriftLook(failure: error)
        }
    }
}
