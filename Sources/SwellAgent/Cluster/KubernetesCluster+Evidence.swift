internal import AsyncSupport
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

    /// How a release begins.
    struct Start {
        /// What was not healthy before it.
        var before: FormerTroubles
        /// Whether another process has begun it already, and what that one knew beside.
        var isResumed = false
        var kept: KeptEvidence?
        /// The Jobs that run again, by their uids: the very release was ordered before, and comes again under a new order before any
        /// other was begun.
        var repeatedJobs: Set<String> = []
        /// What an earlier try has taken over from other applications.
        var dealings: String?
        /// Whether the very order was carried out whole before, by a process whose journal is lost.
        var isApplied = false
    }

    func start(_ release: ClusterRelease, _ ledger: EvidenceLedger) async throws -> Start {
        let record = try await records.one(release.application.name)
        var start = try await start(release, ledger, record)
        if let record, record.generation == release.generation, record.begun == release.release.digest {
            start.dealings = record.dealings
            start.isApplied = record.release?.digest == release.release.digest && !record.isRemoved
        }
        return start
    }

    private func start(
        _ release: ClusterRelease, _ ledger: EvidenceLedger, _ record: InventoryRecord?
    ) async throws -> Start {
        let repeatedJobs = try await repeatedJobs(of: release, record)
        if ledger.work == Self.work(release) { return Start(before: ledger.before, repeatedJobs: repeatedJobs) }
        guard Self.isMeasured(before: release, record) else {
            let isResumed =
                ledger.work == nil && record?.generation == release.generation
                && record?.begun == release.release.digest
            // What has been healthy since is known here at once, and in the record a little later.
            return Start(
                before: ledger.work == nil ? record?.before ?? FormerTroubles() : ledger.before, isResumed: isResumed,
                kept: isResumed ? record?.kept : nil, repeatedJobs: repeatedJobs)
        }
        return Start(before: try await measured(release, ledger), repeatedJobs: repeatedJobs)
    }

    /// What of a release's objects was taken over from other applications, or left to them, and is still, where it is still the one that
    /// was begun last; nil for nothing.
    func dealings(of release: ClusterRelease) async throws -> String? {
        guard let record = try await records.one(release.application.name), record.generation == release.generation,
            record.begun == release.release.digest, let told = record.dealings
        else { return nil }
        let held = try await applier(try options(of: release.application.name, release)).recorded(beside: [])
        return ApplyReason.dealings(told, held: held.map(\.reference))
    }

    /// The most Jobs that one order runs again; more of them stay as they are.
    private static let maximumRepeatedJobs = 1_000

    /// The Jobs that an order runs again: looked for when it comes, and from then on those of its record, so that neither an error that
    /// passes nor another process makes it forget them, or take those that it made for them.
    private func repeatedJobs(of release: ClusterRelease, _ record: InventoryRecord?) async throws -> Set<String> {
        guard let record, record.begun == release.release.digest, !record.isRemoved, !release.isReturn else {
            return []
        }
        if record.generation == release.generation { return record.repeatedJobs }
        guard record.generation < release.generation else { return [] }
        let isHook = ObjectAnnotations().isHook
        var jobs: Set<String> = []
        for object in release.objects
        where object.kind == "Job" && object.type.group == "batch" && !isHook(object)
            && jobs.count < Self.maximumRepeatedJobs
        {
            var reference = object.reference
            reference.namespace = reference.namespace ?? release.application.namespace
            guard let live = try await api.get(reference), let uid = live.uid, live.isFailedJob else { continue }
            jobs.insert(uid)
        }
        return jobs
    }

    /// What is not healthy now: of the release, and of what only former ones brought, which the way back is judged by.
    private func measured(_ release: ClusterRelease, _ ledger: EvidenceLedger) async throws -> FormerTroubles {
        let watch = ReleaseWatch(api: api, checks: release.application.checks, evidence: ledger, now: now)
        let isHook = ObjectAnnotations().isHook
        let (placed, _) = try await watch.placed(release.objects.filter { !isHook($0) })
        let options = try options(of: release.application.name, release)
        let former = try await applier(options).recorded(beside: placed)
        return try await api.troubles(
            of: placed + former, checks: try CustomHealthCheck.all(release.application.checks),
            now: KubernetesTime(now()))
    }

    /// Whether the cluster is measured again before a release; otherwise what was measured before the last one still counts.
    static func isMeasured(before release: ClusterRelease, _ record: InventoryRecord?) -> Bool {
        guard let record else { return true }
        // The same assignment, begun by an earlier process, of whatever version, or its own way back.
        if record.generation == release.generation { return false }
        // What is there then is nobody's that was assigned here.
        if record.isRemoved { return true }
        // Not by digest: what was proven once may have run again since, and failed.
        return record.generation == release.provenGeneration
    }

    /// Reads what was so before from the cluster's record, where another process applied the release.
    func resume(_ release: ClusterRelease, _ ledger: EvidenceLedger) async throws {
        guard ledger.work == nil else { return }
        let isProven = release.provenGeneration == release.generation
        guard var record = try await records.one(release.application.name) else {
            return ledger.resume(
                Self.work(release), before: FormerTroubles(), isReturn: release.isReturn, isProven: isProven)
        }
        let digest = release.release.digest
        if record.generation == release.generation, record.begun == nil, record.release?.digest == digest,
            digest == release.proven
        {
            // An earlier version applied it, which took silence for health after a while, and has proven it so: it is no news. Once,
            // since what falls silent later is.
            record.begun = digest
            record.before = try await measured(release, ledger).silent
            try await records.write(record)
        }
        let isOfThis = record.generation == release.generation && record.begun == digest
        ledger.resume(
            Self.work(release), before: record.before ?? FormerTroubles(), kept: isOfThis ? record.kept : nil,
            isReturn: release.isReturn, isProven: isProven)
        try await lookAtTargets(of: release, ledger)
    }

    /// Looks what became of what judges judge: the process that sent it may have ended before it noted that.
    private func lookAtTargets(of release: ClusterRelease, _ ledger: EvidenceLedger) async throws {
        for judge in release.objects {
            guard let target = judge.judgedTarget,
                let object = release.objects.first(where: { object in
                    object.type.groupKind == target.type && object.name == target.name
                        && (object.namespace ?? release.application.namespace)
                            == (target.namespace ?? release.application.namespace)
                })
            else { continue }
            var reference = object.reference
            reference.namespace = reference.namespace ?? release.application.namespace
            do {
                if let live = try await api.get(reference) { ledger.looked(at: live) }
            } catch is KubernetesError {
                // What was noted counts.
                try Task.checkCancellation()
            }
        }
    }

    // MARK: - What has been healthy since

    /// How long between two looks at whether there is anything to write, at the least.
    private static let recordInterval: Duration = .seconds(1)
    /// How long after a write, so that what becomes healthy one by one is not written one by one.
    private static let recordPause: Duration = .seconds(5)
    /// How long after a write that failed.
    private static let recordDelay: Duration = .seconds(30)

    /// Writes into the cluster's record what has been healthy since, so that the next process does not excuse it again. Ends once
    /// nothing is left that could be, once the record is of another work, at a send, or cancelled; a write that has begun is seen
    /// through in either case. Cut short here it might still be carried out there, after what the next assignment writes.
    func keepRecord(of release: ClusterRelease, _ ledger: EvidenceLedger, until stop: Signal) async {
        var written: (before: FormerTroubles, kept: KeptEvidence)?
        var pause = Duration.zero
        while pause == .zero ? !Task.isCancelled : await stop.wait(upTo: pause) == .timedOut {
            pause = Self.recordInterval
            let (before, kept) = (ledger.before, ledger.kept)
            if before != written?.before || kept != written?.kept {
                do {
                    guard var record = try await records.one(release.application.name),
                        record.generation == release.generation, record.begun == release.release.digest
                    else { return }
                    if record.before ?? FormerTroubles() != before || record.kept != nil && record.kept != kept {
                        record.before = before
                        if record.kept != nil { record.kept = kept }
                        try await writeThrough(record)
                        pause = Self.recordPause
                    }
                    written = (before, kept)
                } catch {
                    pause = Self.recordDelay
                }
            }
            // What judges judge may still be sent.
            let isHeard = kept.hasVerdicts && ledger.isSending
            if before.isEmpty, !isHeard, written?.before == before, written?.kept == kept { return }
        }
    }

    /// Writes a record whole, also where whoever asked for it is cancelled meanwhile: whoever comes next waits for its end.
    private func writeThrough(_ record: InventoryRecord) async throws {
        try Task.checkCancellation()
        try await Task { try await records.write(record) }.value
    }

    /// Does something while the release's record is kept; on return nothing is under way for the record.
    func keepingRecord<Result>(
        of release: ClusterRelease, _ ledger: EvidenceLedger, _ body: () async throws -> Result
    ) async throws -> Result {
        let stop = Signal()
        async let keeping: Void = keepRecord(of: release, ledger, until: stop)
        let result = try await body()
        stop.send()
        await keeping
        return result
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
