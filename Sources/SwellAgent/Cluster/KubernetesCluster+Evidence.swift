internal import KubernetesClient
internal import KubernetesObjects
internal import SwellModel
internal import Synchronization

// What was so in the cluster before a release is no evidence against it, nor against the way back (invariant 24). It is looked at
// before anything is touched, kept in the cluster's own record, and looked at again only once what ran last was proven: a release that
// is tried again is not excused by the harm that it did the first time.
extension KubernetesCluster {
    /// What tells a work from others: the way back is of the same generation as what it takes back.
    static func work(_ release: ClusterRelease) -> String { "\(release.generation) \(release.release.digest)" }

    /// What was not healthy before a release.
    func before(_ release: ClusterRelease, _ ledger: EvidenceLedger) async throws -> FormerTroubles {
        if ledger.work == Self.work(release) { return ledger.before }
        let record = try await records.one(release.application.name)
        guard Self.isMeasured(before: release, record) else { return record?.before ?? FormerTroubles() }
        let watch = ReleaseWatch(api: api, checks: release.application.checks, evidence: ledger, now: now)
        let isHook = ObjectAnnotations().isHook
        let (placed, _) = try await watch.placed(release.objects.filter { !isHook($0) })
        return try await api.troubles(
            of: placed, checks: try CustomHealthCheck.all(release.application.checks), now: KubernetesTime(now()))
    }

    /// Whether the cluster is measured again before a release; otherwise what was measured before the last one still counts.
    static func isMeasured(before release: ClusterRelease, _ record: InventoryRecord?) -> Bool {
        guard let record else { return true }
        // The same assignment, begun by an earlier process, or its own way back.
        if record.generation == release.generation, record.begun != nil { return false }
        guard let last = record.begun ?? record.release?.digest else { return true }
        return last == release.proven
    }

    /// Reads what was so before from the cluster's record, where another process applied the release.
    func resume(_ release: ClusterRelease, _ ledger: EvidenceLedger) async throws {
        guard ledger.work == nil else { return }
        let record = try await records.one(release.application.name)
        ledger.resume(Self.work(release), before: record?.before ?? FormerTroubles())
    }
}

/// The ledgers of all applications, for as long as the process runs; as many as applications were ever assigned.
final class EvidenceLedgers: Sendable {
    private let ledgers = Mutex<[ApplicationName: EvidenceLedger]>([:])

    func ledger(of application: ApplicationName) -> EvidenceLedger {
        ledgers.withLock { ledgers in
            if let ledger = ledgers[application] { return ledger }
            let ledger = EvidenceLedger()
            ledgers[application] = ledger
            return ledger
        }
    }
}
