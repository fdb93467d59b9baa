internal import KubernetesObjects

/// What applying a bundle has done so far.
struct BundleRun {
    var record: InventoryStore.Record
    /// What of it is stored.
    var written: InventoryStore.Record
    /// Where it is stored.
    let store: InventoryStore
    /// What was applied before.
    var ours: Set<ObjectIdentity> = []
    /// What others took over during the run, as far as ``holders`` knows of it.
    var takenKnown: Set<ObjectIdentity> = []
    /// Whether something was waited for since anybody looked who holds what.
    var isLookStale = false
    /// How many reports there were then.
    var reportsAtLook = 0
    /// What other inventories hold.
    var holders: [ObjectIdentity: InventoryStore.OtherHold] = [:]
    /// Whether what others are only giving up was there before it was applied the first time.
    var origins: [ObjectIdentity: Bool] = [:]
    /// What was taken over, and from whom.
    var takenOver: [ObjectReference: String] = [:]
    var reports: [BundleProgress] = []
    var failed: Set<ObjectIdentity> = []
    /// Why what follows is not tried.
    var stopped: String?

    init(record: InventoryStore.Record, store: InventoryStore) {
        self.record = record
        self.written = record
        self.store = store
    }

    /// Stores the record. What others took over meanwhile is not this bundle's any more.
    mutating func keepRecord() async throws {
        record = try await store.write(record)
        written = record
        ours.subtract(store.state.taken)
    }

    /// What was not tried, or failed before anything was sent that could have written it. A hook runs at several moments: one of its
    /// runs is enough.
    var untouched: [ObjectReference] {
        let touched = Set(reports.lazy.filter { $0.uid != nil }.map(\.reference.identity))
        return reports.filter {
            !$0.isHook && ($0.outcome == .skipped || $0.isUntouched) && !touched.contains($0.reference.identity)
        }.map(\.reference)
    }

    /// What is wanted and was left to the applications that have taken it, by their names.
    var left: [ObjectReference: String] {
        var left: [ObjectReference: String] = [:]
        for report in reports where !report.isHook && report.outcome == .kept {
            if let holder = report.holder { left[report.reference] = holder }
        }
        return left
    }

    /// What was taken over from others and left to them, in words.
    var dealings: [String] {
        func words(_ objects: [ObjectReference: String], _ what: String) -> [String] {
            objects.map { reference, name in
                let place = [reference.namespace, reference.name].compactMap { $0 }.joined(separator: "/")
                return "\(reference.type.kind) \(place) is \(what) application \(name)"
            }.sorted()
        }
        return words(takenOver, "taken over from") + words(left, "left to")
    }

    /// What was brought to what the bundle wants.
    var applied: [ObjectReference] {
        let done: Set<BundleProgress.Outcome> = [.created, .configured, .replaced, .unchanged]
        return reports.filter { !$0.isHook && done.contains($0.outcome) }.map(\.reference)
    }

    var hasFailed: Bool { stopped != nil || !failed.isEmpty }

    /// Notes of objects that what comes after them went on though nothing proved them.
    mutating func note(passedOver excused: [HealthWait.Failure]) {
        for object in excused {
            guard let index = reports.lastIndex(where: { $0.reference.identity == object.reference.identity }) else {
                continue
            }
            let words = "what comes after it goes on, though nothing proves it: \(object.assessment.message)"
            reports[index].message = [reports[index].message, words].filter { !$0.isEmpty }.joined(separator: "; ")
            reports[index].isPassedOver = true
        }
    }

    mutating func note(_ report: BundleProgress) {
        reports.append(report)
        if report.outcome == .failed || report.outcome == .skipped { failed.insert(report.reference.identity) }
    }
}
