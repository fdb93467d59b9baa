internal import AsyncSupport
internal import KubernetesClient
internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// Watches all objects of a release, and says how they are whenever that changes.
struct ReleaseWatch: Sendable {
    let api: KubernetesAPI
    let checks: [HealthCheck]
    /// What is known of what was sent.
    let evidence: EvidenceLedger
    var silentControllers: SilencePolicy = .wait
    let now: @Sendable () -> Timestamp
    /// How long the API server may be out of reach before health counts as unknown.
    var patience: Duration = .seconds(10)

    /// Runs until cancelled, or until a kind is served that was not when it began: then there is more to watch.
    ///
    /// - Parameters:
    ///   - isApplying: Whether the release is being applied: hooks that run meanwhile are told of too.
    ///   - onHealth: Takes every change of the release's health.
    ///   - onChange: Told when an object's assignment, not only its status, was written by somebody.
    /// - Throws: `CancellationError`; a `KubernetesError` that waiting cannot mend.
    func run(
        _ objects: [KubernetesObject], isApplying: Bool, onHealth: @Sendable (ObservedHealth) async -> Void,
        onChange: @escaping @Sendable () -> Void
    ) async throws {
        let isHook = ObjectAnnotations().isHook
        // Hooks come and go while a release is applied; whether they succeeded is known by then.
        let (placed, unserved) = try await placed(isApplying ? objects : objects.filter { !isHook($0) })
        let board = ReleaseObservation(
            checks: try CustomHealthCheck.all(checks), classes: try await api.storageClasses(for: placed),
            kindsWithoutStatus: await api.kindsWithoutStatus(among: placed), silentControllers: silentControllers,
            evidence: evidence, isApplying: isApplying)
        let watches = HealthWatches(for: placed)
        let changed = Signal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for selection in watches.needed.union(watches.helpful) {
                let isNeeded = watches.needed.contains(selection)
                group.addTask {
                    do {
                        try await Reflector(api: api, selection: selection, keeping: watches.kept).run { update in
                            let moment = KubernetesTime(now())
                            if board.take(update, of: selection, at: ContinuousClock.now, moment), isNeeded {
                                onChange()
                            }
                            changed.send()
                        }
                    } catch {
                        // Without observer of pods the culprit goes unnamed; the workload's own status still counts.
                        guard isNeeded else { return }
                        board.fail(error)
                        changed.send()
                    }
                }
            }
            let isMore = Mutex(false)
            if !unserved.isEmpty {
                group.addTask {
                    try await awaitServed(unserved)
                    isMore.withLock { $0 = true }
                    changed.send()
                }
            }
            defer { group.cancelAll() }
            var told: ObservedHealth?
            while !Task.isCancelled, !isMore.withLock({ $0 }) {
                let seen = try board.health(
                    of: placed, unserved: unserved, needed: watches.needed, now: now(),
                    unreachableSince: ContinuousClock.now - patience)
                if let seen, seen != told {
                    told = seen
                    await onHealth(seen)
                }
                // Some rules depend on time alone; many changes at once are judged together.
                if await changed.wait(upTo: .seconds(1)) == .sent { try await Task.sleep(for: .milliseconds(20)) }
            }
            try Task.checkCancellation()
        }
    }

    /// The objects that stay, with their namespaces as the server's discovery has it: a definition may be of cluster scope. Beside
    /// them those whose kind is not served, or not yet: a release may bring its definitions, or an operator that makes them.
    func placed(
        _ objects: [KubernetesObject]
    ) async throws -> (placed: [KubernetesObject], unserved: [UnservedObject]) {
        var isNamespaced: [GroupVersionKind: Bool] = [:]
        var reasons: [GroupVersionKind: String] = [:]
        for type in Set(objects.map(\.type)) {
            do {
                isNamespaced[type] = try await api.resource(for: type).isNamespaced
            } catch let error as KubernetesError where error.code == .notReached {
                reasons[type] = error.message
            } catch let error as KubernetesError where error.code == .unknownKind {
                reasons[type] = "its kind is not served yet: the API server's discovery has no \(type)"
            }
        }
        var placed: [KubernetesObject] = []
        for object in objects {
            guard let isNamespaced = isNamespaced[object.type] else { continue }
            var copy = object
            if !isNamespaced { copy.namespace = nil }
            placed.append(copy)
        }
        let unserved = objects.filter { isNamespaced[$0.type] == nil }
        return (
            placed, unserved.map { UnservedObject(object: $0, why: reasons[$0.type] ?? "its kind is not served yet") }
        )
    }

    /// Waits until one of the objects' kinds is served.
    private func awaitServed(_ objects: [UnservedObject]) async throws {
        let types = Set(objects.map(\.object.type))
        while true {
            try await ContinuousClock().sleep(for: .seconds(1))
            for type in types {
                do {
                    _ = try await api.resource(for: type)
                    return
                } catch is KubernetesError {
                    continue
                }
            }
        }
    }
}

/// An object whose kind cannot be asked for now.
struct UnservedObject: Sendable {
    let object: KubernetesObject
    /// Who is silent about it, in words.
    let why: String
}

extension KubernetesTime {
    init(_ moment: Timestamp) { self.init(seconds: Double(moment.milliseconds) / 1_000) }
}

extension SilencePolicy {
    init(_ rule: SilentControllerRule) {
        self =
            switch rule {
            case .wait: .wait
            case .accept: .accept
            }
    }
}

extension CustomHealthCheck {
    /// An application's own checks, ready for use.
    ///
    /// - Throws: ``AgentError`` naming the expression that cannot be read.
    static func all(_ checks: [HealthCheck]) throws -> [CustomHealthCheck] {
        try checks.map { check in
            do {
                var cases: [CustomHealthCheck.Case] = []
                if let failed = check.failed {
                    cases.append(.init(.failed, when: try FieldExpression(parsing: failed)))
                }
                cases.append(.init(.healthy, when: try FieldExpression(parsing: check.healthy)))
                let type = GroupVersionKind(apiVersion: check.apiVersion, kind: check.kind).groupKind
                return CustomHealthCheck(type: type, name: check.name, cases: cases)
            } catch {
                throw AgentError(.refusedByCluster, "the health check of \(check.kind) cannot be read: \(error)")
            }
        }
    }
}

extension Health {
    init(_ value: HealthValue) {
        self =
            switch value {
            case .failed: .failed
            case .degraded: .degraded
            case .unknown: .unknown
            case .progressing: .progressing
            case .suspended: .suspended
            case .healthy: .healthy
            }
    }
}

/// Finds the word by which Kubernetes names what is wrong, such as `ImagePullBackOff`, in a message.
enum ReasonWord {
    private static let endings = [
        "BackOff", "Exceeded", "Error", "Killed", "Unschedulable", "Failed", "Invalid", "Pull",
    ]

    /// The word of the culprit itself, such as a pod's; that a deadline has passed only where nothing else is said.
    static func find(in text: String) -> String? {
        let words = text.split(whereSeparator: { !($0.isLetter && $0.isASCII) }).map(String.init).filter(isReason)
        return words.first { $0 != "ProgressDeadlineExceeded" } ?? words.first
    }

    private static func isReason(_ word: String) -> Bool {
        if word == "Unschedulable" { return true }
        guard word.count <= 64, word.first?.isUppercase == true, word.dropFirst().contains(where: \.isUppercase) else {
            return false
        }
        return word.hasPrefix("Err") || endings.contains { word.hasSuffix($0) }
    }
}
