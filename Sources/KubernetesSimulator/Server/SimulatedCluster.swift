internal import AsyncSupport
internal import KubernetesObjects

/// One simulated cluster at work: answers requests, runs its controllers, wakes its watches.
actor SimulatedCluster {
    nonisolated let name: String
    private var state: ClusterState
    private let clock: @Sendable () -> Double
    /// Seconds between a change and the controllers' looking at it.
    private let reaction: Double
    private var watchers: [Int: Signal] = [:]
    private var nextWatcher = 0
    /// Whether the controllers and all watches are to end, or have ended.
    private(set) var isStopped = false
    /// Sent after every change, for the controllers: a pass looks at everything.
    private let changed = Signal()
    /// Sent after every change of the faults.
    private let faultsChanged = Signal()

    init(state: ClusterState, clock: @escaping @Sendable () -> Double) {
        name = state.name
        self.state = state
        self.clock = clock
        reaction = state.timing.reaction
        changed.send()
    }

    var faults: FaultPlan { state.faults }

    /// Whether requests are taken and not answered.
    var isHanging: Bool { state.faults.outage == .hang && !isStopped }

    func setFaults(_ plan: FaultPlan) {
        state.faults = plan
        faultsChanged.send()
        wake()
    }

    /// Changes the plan as an order says, in one step with what counts down in it.
    ///
    /// - Throws: ``SimulatorError`` where there would be too many answers.
    func changeFaults(_ order: FaultOrder) throws(SimulatorError) -> FaultPlan {
        let plan = order.changing(state.faults)
        guard plan.answers.count <= FaultPlan.Answer.limit else {
            throw SimulatorError(
                code: .invalidInput,
                message: "cluster \(name) gives \(FaultPlan.Answer.limit) answers already; end some first")
        }
        setFaults(plan)
        return plan
    }

    /// The answer ordered in the server's place to a request, if any.
    func takeOrderedAnswer(to request: APIRequest) -> APIResponse? { state.faults.takeAnswer(to: request) }

    /// Returns once nothing listens by order (`true`) or it should listen again (`false`), or the task is cancelled.
    func waitUntilRefusing(_ refusing: Bool) async {
        while (state.faults.outage == .refuse) != refusing, !isStopped {
            guard await faultsChanged.wait() != .cancelled else { return }
        }
    }

    func handle(_ request: APIRequest) -> APIResponse {
        let before = state.store.revision
        let response = state.handle(request, now: clock())
        if state.store.revision != before { wake() }
        return response
    }

    /// The service account that a token stands for, if any.
    func caller(ofToken token: String, now: Double) -> Caller? { state.caller(ofToken: token, now: now) }

    /// What service accounts asked to be allowed.
    var accesses: Set<SimulatedFleet.AccessRecord> { state.audit.records }

    /// Makes a token for a service account, whether it is there already or not.
    func issueToken(namespace: String, name: String, expires: Double) -> String {
        state.issueToken(namespace: namespace, name: name, expires: expires)
    }

    /// A number from 0 up to 1, from the cluster's seed.
    func chance() -> Double {
        Double(state.random.next() >> 11) / Double(UInt64(1) << 53)
    }

    // MARK: Controllers

    /// Runs the controllers until ``stop()``: after every change, and when one of them asked to be woken.
    ///
    /// A sleeper is started only for an instant before the earliest one that is slept for, so that few are ever there.
    func runControllers() async {
        await withDiscardingTaskGroup { group in
            var earliest: Double?
            while await changed.wait() != .cancelled, !isStopped {
                // As in a real cluster, what was just written is acted on a moment later, and in one go.
                try? await Task.sleep(for: .seconds(reaction))
                let next = pass()
                let now = clock()
                if let pending = earliest, pending <= now { earliest = nil }
                guard let next, earliest.map({ next < $0 - 0.001 }) ?? true else { continue }
                earliest = next
                group.addTask { [changed] in
                    try? await Task.sleep(for: .seconds(min(max(0, next - now), 1e6)))
                    changed.send()
                }
            }
            group.cancelAll()
        }
    }

    /// One pass of all controllers.
    private func pass() -> Double? {
        let before = state.store.revision
        let next = state.reconcile(now: clock())
        if state.store.revision != before { wakeWatchers() }
        return next
    }

    private func wake() {
        changed.send()
        wakeWatchers()
    }

    private func wakeWatchers() {
        for hints in watchers.values { hints.send() }
    }

    /// Ends the controllers and all watches.
    func stop() {
        isStopped = true
        wake()
        faultsChanged.send()
    }

    // MARK: Watches

    /// Hints that something changed, or that the cluster is stopped.
    func addWatcher() -> (id: Int, hints: Signal) {
        let hints = Signal()
        nextWatcher += 1
        watchers[nextWatcher] = hints
        if isStopped { hints.send() }
        return (nextWatcher, hints)
    }

    func removeWatcher(_ id: Int) {
        watchers[id] = nil
    }

    /// How many watches are open.
    var watcherCount: Int { watchers.count }

    /// What a watch begins with.
    func watchStart(_ request: WatchRequest) -> (events: [JSONValue], revision: UInt64) {
        if let revision = request.revision { return ([], revision) }
        return (state.initialEvents(request), state.store.revision)
    }

    /// The events since a revision; nil when that is too long ago.
    func watchEvents(_ request: WatchRequest, after revision: UInt64) -> (events: [JSONValue], revision: UInt64)? {
        state.events(request, after: revision)
    }

    func bookmark(_ request: WatchRequest, revision: UInt64, endsInitial: Bool) -> JSONValue {
        state.bookmark(request, revision: revision, endsInitial: endsInitial)
    }

    // MARK: Looking in

    func objects(_ storage: String, namespace: String?) -> [JSONValue] {
        state.store.all(storage, namespace: namespace).map(\.value)
    }

    /// The number of objects and the latest revision.
    var size: (objects: Int, revision: UInt64) { (state.store.count, state.store.revision) }

    /// Forgets past writes, so that watches from before now get 410 Gone.
    func compact() {
        state.store.compact()
    }
}
