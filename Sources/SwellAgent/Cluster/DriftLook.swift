internal import SwellEngine
internal import SwellModel

/// Drift of which not all was put back, or could be looked at.
struct UncorrectedDrift: Error {
    /// What was put back, and what is left to others: who keeps writing against that is told apart, whatever else cannot be corrected.
    var corrected: [ObjectChange] = []
    /// What stays as it was found.
    let left: [ObjectChange]
    /// What is in the way, in words: `cannot be put back`.
    let what: String
    /// Nil where nothing is in the way: it was as released by the time it would have been written.
    let error: ClusterError?
}

/// One look for drift, and what is to be told of it.
struct DriftLook: Sendable {
    /// What is news: one for all that was seen, since of two the later would take the earlier one's place before it is told.
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
            let failure = error.error
            var sighting = DriftSighting(corrected: error.corrected, left: error.left, isCorrecting: isCorrecting)
            if failure?.isTransient == true || failure?.isAway == true {
                // What may pass by itself is tried again before it is told as here to stay.
                sighting.mayPass = isCorrecting
            } else {
                sighting.obstacle = failure.map { "\(error.what): \($0.message)" }
            }
            return DriftLook(finding: watch.note(sighting, now: now()), failure: failure)
        } catch let error as ClusterError {
            return DriftLook(failure: error)
        }
    }
}
