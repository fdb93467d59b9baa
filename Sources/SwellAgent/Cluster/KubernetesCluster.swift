internal import AsyncSupport
internal import KubernetesClient
internal import KubernetesObjects
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// The agent's cluster through its API server.
struct KubernetesCluster: ClusterPort {
    /// For releases: makes only the writes that ``ReleaseWrites`` lets pass.
    private(set) var api: KubernetesAPI
    /// For the agent's own records, and nothing else.
    private var recordAPI: KubernetesAPI
    private let writes: ReleaseWrites
    /// The cluster's name in the fleet; nil where records of any are believed.
    private let name: ClusterName?
    /// The namespace for what the agent keeps.
    let namespace: String
    /// The namespaces that it keeps to; nil for the whole cluster.
    let scope: NamespaceScope?
    let now: @Sendable () -> Timestamp
    let reach: ServerReach
    private let binding: RecordBinding
    /// What was sent for each application, and what was so before.
    let ledgers = EvidenceLedgers()
    /// How long a failed release's further refusals are asked for at most: the failure, and with it the way back, waits for the answers.
    var rehearsalLimit = Duration.seconds(10)
    /// Told of an application that an object was given back to: says whether it runs here, so that it has the object as it wants it.
    private var onGivenBack: @Sendable (ApplicationName) async -> Bool = { _ in false }
    let logger: Logger

    static let fieldManager = "swell-agent"
    static let inventoryPrefix = "swell-inventory-"

    /// - Parameter managesItself: Whether releases may change the agent itself, all but its records.
    init(
        api: KubernetesAPI, name: ClusterName? = nil, namespace: String, scope: NamespaceScope? = nil,
        managesItself: Bool = false, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        // A namespace that was named is meant, the agent's own too.
        let isManaged = managesItself || scope?.namespaces.contains(namespace) == true
        self.writes = ReleaseWrites(
            scope: scope, own: OwnObjects(api: api, namespace: namespace, isManaged: isManaged))
        self.api = api.guarded(by: writes)
        self.recordAPI = api.guarded(by: RecordWrites(namespace: namespace))
        self.binding = RecordBinding(api: api, namespace: namespace)
        self.name = name
        self.namespace = namespace
        self.scope = scope
        self.now = now
        self.reach = ServerReach(logger: logger)
        self.logger = logger
    }

    var records: ClusterRecords {
        ClusterRecords(
            api: recordAPI, cluster: name, namespace: namespace, fieldManager: Self.fieldManager, binding: binding,
            logger: logger)
    }

    func uid() async throws -> String {
        try await translating {
            // An agent that keeps to namespaces need not see any but its own, which is as good as it is rebuilt as seldom.
            let name = scope == nil ? "kube-system" : namespace
            guard let uid = try await uid(of: name) else {
                throw ClusterError(isTransient: true, reason: "NotFound", message: "there is no namespace \(name)")
            }
            // Said with its name, so that nobody takes the one for the other when the agent's scope changes.
            return scope == nil ? uid : "\(namespace)/\(uid)"
        }
    }

    func uid(of namespace: String) async throws -> String? {
        try await translating {
            let type = GroupVersionKind(version: "v1", kind: "Namespace")
            return try await api.get(ObjectReference(type: type, name: namespace))?.uid
        }
    }

    func inventories() async throws -> [InventoryRecord] {
        try await translating { try await records.all() }
    }

    @discardableResult
    func apply(_ release: ClusterRelease, onHoldUp: @escaping HoldUpObserver) async throws -> String? {
        try await reporting(onHoldUp).apply(release) { await onHoldUp("", nil) }
    }

    /// - Parameter onAnswer: Called once the API server has done something of it: then it is in sight again, where it was not.
    private func apply(_ release: ClusterRelease, onAnswer: @Sendable () async -> Void) async throws -> String? {
        try await translating {
            try await prepare(for: release.objects)
            let name = release.application.name
            let ledger = ledgers.ledger(of: name)
            let start = try await start(release, ledger)
            let before = start.before
            ledger.begin(
                Self.work(release), before: before, isResumed: start.isResumed,
                isReturn: release.isReturn || release.release.digest == release.proven, kept: start.kept)
            // How far generations have come is remembered before anything is touched, what is applied after.
            var record = InventoryRecord(
                application: name, generation: release.generation, epoch: release.epoch, begun: release.release.digest,
                before: before, repeatedJobs: start.repeatedJobs, dealings: start.dealings)
            let isJudged = release.objects.contains { $0.judgedTarget != nil }
            if isJudged { record.kept = ledger.kept }
            if start.isApplied { record.release = release.release }
            try await records.write(record)
            await onAnswer()
            // A release need not bring its namespace; one that does decides how it looks.
            let brings = release.objects.contains {
                $0.kind == "Namespace" && $0.name == release.application.namespace
            }
            if !brings, scope == nil {
                try await api.ensureNamespace(release.application.namespace, fieldManager: Self.fieldManager)
            }
            var options = try options(of: name, release)
            // Health decides between waves, and before what is no longer wanted is deleted; the agent's own deadline ends the
            // wait, which moves while a release is held.
            options.healthTimeout = .seconds(24 * 3_600)
            options.repeatedJobs = start.repeatedJobs
            options.wasProven = release.wasProven
            options.leavesHeld = release.takesBack || start.isApplied
            let begun = record
            options.onHeard = {
                var record = begun
                (record.before, record.kept) = (ledger.before, ledger.kept)
                try await records.write(record)
            }
            let applier = applier(options)
            let result = try await keepingRecord(of: release, ledger) { try await applier.apply(release.objects) }
            logWarnings(of: result, name)
            logRemarks(of: result, name)
            logLeft(in: result, name)
            if release.isReturn || release.wasProven { logNotPutBack(in: result, name) }
            if let dealings = ApplyReason.dealings(in: result, after: start.dealings) {
                // At once: tried again, nothing is left to be taken over.
                (record.dealings, record.before) = (dealings, ledger.before)
                if isJudged { record.kept = ledger.kept }
                try await records.write(record)
            }
            try check(try await namingFurtherRefusals(in: result, of: release))
            ledger.end()
            record.release = release.release
            record.before = ledger.before
            if isJudged { record.kept = ledger.kept }
            try await records.write(record)
            return release.isReturn ? ApplyReason.left(by: result) : nil
        }
    }

    /// Refuses what a release may not write, before anything is.
    func check(_ objects: [KubernetesObject]) async throws { try await writes.check(objects, api: api) }

    /// Makes sure that what comes may be done and remembered; namespaces are made only where any may be.
    private func prepare(for objects: [KubernetesObject]) async throws {
        try await check(objects)
        if scope == nil { try await records.prepare() }
    }

    func runFailureHooks(of release: ClusterRelease) async throws {
        guard release.objects.contains(where: ObjectAnnotations().isHook) else { return }
        try await translating {
            let options = try options(of: release.application.name, release)
            try check(try await applier(options).runFailureHooks(of: release.objects))
        }
    }

    func remove(
        _ application: ApplicationName, generation: Int64, epoch: Int64, onHoldUp: @escaping HoldUpObserver
    ) async throws -> String? {
        try await reporting(onHoldUp).carryOut(
            removalOf: application, generation: generation, epoch: epoch, onHoldUp: onHoldUp)
    }

    func givingBack(to body: @escaping @Sendable (ApplicationName) async -> Bool) -> any ClusterPort {
        var copy = self
        copy.onGivenBack = body
        return copy
    }

    /// The same cluster, which tells of requests that are put off.
    private func reporting(_ onHoldUp: @escaping HoldUpObserver) -> KubernetesCluster {
        var copy = self
        let report: @Sendable (String, KubernetesError?) async -> Void = { request, error in
            guard let error else { return await onHoldUp(request, nil) }
            let outage = ServerOutage(error)
            await onHoldUp(
                request,
                ObservedHealth(
                    .progressing, reason: outage?.reason ?? error.reason ?? error.code.description,
                    message: "\((outage?.message ?? error.message).shortened(to: ApplyReason.limit)); trying again"))
        }
        copy.api = api.reportingRetries(report)
        copy.recordAPI = recordAPI.reportingRetries(report)
        return copy
    }

    private func carryOut(
        removalOf application: ApplicationName, generation: Int64, epoch: Int64, onHoldUp: HoldUpObserver
    ) async throws -> String? {
        try await translating {
            try await prepare(for: [])
            if await api.isInSight() { await onHoldUp("", nil) }
            var options = try options(of: application, nil)
            options.allowsEmpty = true
            options.isRemoval = true
            var record = InventoryRecord(application: application, generation: generation, epoch: epoch)
            let former = try await records.one(application)
            if let former, former.generation == generation || !former.isRemoved { record.left = former.left }
            let begun = record
            options.onRemoved = { objects in
                guard let left = ApplyReason.left(by: BundleResult(objects: objects, inventory: Inventory())) else {
                    return
                }
                var record = begun
                (record.left, record.isRemoved) = (left, true)
                try await records.write(record)
            }
            // What its finalizers hold is what the removal waits for.
            var isWaiting = false
            let result = try await applier(options).apply([]) { progress in
                guard progress.isAwaitedGone || isWaiting else { return }
                isWaiting = progress.isAwaitedGone
                let message = "\(progress.reference): \(progress.message)"
                await onHoldUp(
                    "termination",
                    isWaiting ? ObservedHealth(.progressing, reason: "Terminating", message: message) : nil)
            }
            logLeft(in: result, application)
            try check(result)
            record.left = ApplyReason.left(by: result) ?? record.left
            record.isRemoved = true
            try await records.write(record)
            return record.left
        }
    }

    func watch(
        _ release: ClusterRelease, isApplying: Bool, onHealth: @Sendable (ObservedHealth) async -> Void,
        onChange: @escaping @Sendable () -> Void
    ) async throws {
        try await translating {
            let ledger = ledgers.ledger(of: release.application.name)
            if !isApplying { try await resume(release, ledger) }
            let watch = ReleaseWatch(
                api: api, checks: release.application.checks, evidence: ledger,
                silentControllers: SilencePolicy(release.silentControllers), now: now)
            let dealings = isApplying || release.isReturn ? nil : try await dealings(of: release)
            let told: @Sendable (ObservedHealth) async -> Void = { health in
                var health = health
                if health.health == .healthy, let dealings {
                    health.message = [health.message, dealings].compactMap(\.self).joined(separator: "; ")
                }
                await onHealth(health)
            }
            // While it is applied, whoever applies it keeps its record.
            async let _ = isApplying ? () : keepRecord(of: release, ledger, until: Signal())
            try await watch.run(release.objects, isApplying: isApplying, onHealth: told, onChange: onChange)
        }
    }

    func watchReach(onChange: @Sendable (ObservedHealth?) async -> Void) async {
        await api.watchOutages { outage in
            if let outage { reach.failed(outage) } else { reach.answered() }
            await onChange(outage.map { ObservedHealth(.unknown, reason: $0.reason, message: $0.message) })
        }
    }

    /// What applies, keeps its inventory and looks; there is no other way from here to a write.
    func applier(_ options: BundleOptions) -> BundleApplier {
        BundleApplier(api: api, records: recordAPI, options: options)
    }

    func options(of application: ApplicationName, _ release: ClusterRelease?) throws -> BundleOptions {
        let now = now
        var options = BundleOptions(
            fieldManager: Self.fieldManager, inventoryNamespace: namespace,
            inventoryName: "\(Self.inventoryPrefix)\(application)", defaultNamespace: release?.application.namespace,
            now: { KubernetesTime(now()) })
        options.evidence = ledgers.ledger(of: application)
        options.inventoryPrefix = Self.inventoryPrefix
        options.onGivenBack = { [onGivenBack] name in
            guard let application = try? ApplicationName(name) else { return false }
            return await onGivenBack(application)
        }
        // Whether a failure is one to give up for is not the applier's to say.
        options.runsFailureHooks = false
        guard let release else { return options }
        options.isReturn = release.isReturn
        if release.application.adopt == .force { options.adoption = .force }
        options.hookScope = release.release.digest.description
        options.silentControllers = SilencePolicy(release.silentControllers)
        options.checks = try CustomHealthCheck.all(release.application.checks)
        for entry in release.application.ignoreFields {
            let type = GroupVersionKind(apiVersion: entry.apiVersion, kind: entry.kind).groupKind
            for text in entry.paths {
                do {
                    options.ignoredFields.append(
                        IgnoredField(type: type, name: entry.name, path: try FieldPath(parsing: text)))
                } catch {
                    throw AgentError(.refusedByCluster, "ignoreFields of \(entry.kind): \(error)")
                }
            }
        }
        return options
    }

    /// Makes one error of failures of objects, which names the first culprit.
    func check(_ result: BundleResult) throws {
        let failures = result.failures
        guard var first = failures.first(where: { !$0.isTransient }) ?? failures.first else { return }
        // An outage says more than the request that met it.
        if let outage = first.outage { first.message = outage.message }
        let isAway = first.outage != nil
        let reason = first.outage?.reason ?? ApplyReason.word(for: first)
        throw ClusterError(
            isTransient: failures.allSatisfy { $0.isTransient || $0.outage != nil }, isAway: isAway, reason: reason,
            message: ApplyReason.message(for: first, in: result))
    }

    func translating<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            let result = try await body()
            reach.answered()
            return result
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            let outage = ServerOutage(error)
            if let outage { reach.failed(outage) } else { reach.answered() }
            throw ClusterError(
                isTransient: error.isTransient || outage != nil, isAway: outage != nil,
                reason: outage?.reason ?? error.reason ?? error.code.description, message: error.message)
        }
    }
}

/// Tells once when the API server goes out of reach, and once when it is back.
final class ServerReach: Sendable {
    private let away = Mutex<String?>(nil)
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    func answered() {
        let wasAway = away.withLock { away in
            defer { away = nil }
            return away != nil
        }
        if wasAway { logger.info("the cluster's API server answers again") }
    }

    func failed(_ outage: ServerOutage) {
        let isNews = away.withLock { away in
            defer { away = outage.reason }
            return away != outage.reason
        }
        if isNews {
            logger.warning(
                "the cluster's API server is out of reach, trying again",
                metadata: ["reason": "\(outage.reason)", "error": "\(outage.message)"])
        }
    }
}
