internal import KubernetesObjects
internal import Synchronization

/// What an object waits for that was deleted and is still there.
struct Termination: Sendable {
    let api: KubernetesAPI
    /// Which pods use which claims of a namespace, by the claims' names, as they were when it was first asked: a namespace may have
    /// thousands of pods, and as many claims.
    private let users = ClaimUsers()

    init(api: KubernetesAPI) { self.api = api }

    /// What the object itself says: ``words(on:)``, for a claim with the pods that use it.
    ///
    /// - Throws: `CancellationError` only: what cannot be looked at is not named.
    func words(on live: KubernetesObject) async throws -> String {
        let words = Self.words(on: live)
        guard live.type.groupKind == GroupKind(kind: "PersistentVolumeClaim"),
            live.finalizers.contains("kubernetes.io/pvc-protection")
        else { return words }
        do {
            let namespace = live.namespace ?? ""
            if users.known(in: namespace) == nil { users.note(try await claimUsers(in: namespace), in: namespace) }
            let pods = (users.known(in: namespace)?[live.name] ?? []).sorted()
            guard let first = pods.first else { return words }
            return words + (pods.count > 1 ? ": pod \(first) and \(pods.count - 1) more" : ": pod \(first)")
        } catch is KubernetesError {
            try Task.checkCancellation()
            return words
        }
    }

    /// What holds a namespace up, to be put behind what was refused because of it; empty where that cannot be seen.
    func words(ofNamespace name: String) async throws -> String {
        let reference = ObjectReference(type: GroupVersionKind(version: "v1", kind: "Namespace"), name: name)
        do {
            guard let live = try await api.get(reference), live.deletionTimestamp != nil else { return "" }
            return "; the namespace is \(Self.words(on: live))"
        } catch is KubernetesError {
            try Task.checkCancellation()
            return ""
        }
    }

    /// `terminating, waits for example.com/clean`: the finalizers that it has. Of a namespace, what its controller says is in the way.
    static func words(on live: KubernetesObject) -> String {
        let finalizers = live.finalizers.map { finalizer in
            meanings[finalizer].map { "\($0) (\(finalizer))" } ?? finalizer
        }
        let own = (live.spec?["finalizers"]?.arrayValue ?? []).compactMap(\.stringValue).filter { $0 != "kubernetes" }
        let waits = finalizers + own
        let said = said(of: live)
        var words = "terminating"
        if !waits.isEmpty { words += ", waits for \(waits.joined(separator: ", "))" }
        if !said.isEmpty { words += ": \(said.joined(separator: " "))" }
        return words
    }

    /// What finalizers of Kubernetes' own wait for.
    private static let meanings = [
        "kubernetes.io/pvc-protection": "what uses it", "kubernetes.io/pv-protection": "the claim that it is bound to",
        "foregroundDeletion": "what it owns",
    ]

    /// What the namespace controller says holds a namespace up, what tells most of it first.
    private static let conditions = [
        "NamespaceFinalizersRemaining", "NamespaceContentRemaining", "NamespaceDeletionContentFailure",
        "NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure",
    ]

    private static func said(of live: KubernetesObject) -> [String] {
        guard live.type.groupKind == GroupKind(kind: "Namespace") else { return [] }
        return conditions.compactMap { type in
            guard let condition = Condition.find(type, in: live), condition.isTrue, !condition.message.isEmpty else {
                return nil
            }
            return condition.message.hasSuffix(".") ? condition.message : "\(condition.message)."
        }
    }

    /// The names of pods by the claims that they use. Nothing else of a pod is kept.
    private func claimUsers(in namespace: String) async throws -> [String: [String]] {
        var users: [String: [String]] = [:]
        let selection = ObjectSelection(type: GroupVersionKind(version: "v1", kind: "Pod"), namespace: namespace)
        _ = try await api.list(selection) { pod in
            let claims = (pod.spec?["volumes"]?.arrayValue ?? []).compactMap {
                $0["persistentVolumeClaim"]?["claimName"]?.stringValue
            }
            for claim in Set(claims) { users[claim, default: []].append(pod.name) }
            return nil
        }
        return users
    }
}

/// Who uses the claims of which namespace.
private final class ClaimUsers: Sendable {
    private let found = Mutex<[String: [String: [String]]]>([:])

    func known(in namespace: String) -> [String: [String]]? { found.withLock { $0[namespace] } }

    func note(_ users: [String: [String]], in namespace: String) { found.withLock { $0[namespace] = users } }
}

extension Pruner {
    /// Waits a while for custom resources to be gone: what does their finalizers' work may be what is deleted next, and without
    /// it they would stay for ever, and their definition and namespace with them. For definitions, too: all resources of the kind go
    /// first, and whether a namespace still holds others' shows once they are gone.
    ///
    /// - Parameter onWait: Told of each that is still there when it is its turn, with what it waits for.
    /// - Throws: `CancellationError` only.
    func awaitGone(_ objects: [KubernetesObject], onWait: (BundleProgress) async -> Void = { _ in }) async throws {
        let awaited = objects.filter { object in
            let type = object.type.groupKind
            return type == PruneGuard.definitionType || BuiltInGroups.isCustom(type) && !object.finalizers.isEmpty
        }
        // It is told as terminating; what else is to go goes on.
        _ = try await remaining(awaited, onWait: onWait)
    }

    /// Waits for objects to be gone, all of them together no longer than ``BundleOptions/settleTimeout``.
    ///
    /// - Returns: Those that are still there, or of which nobody knows, as failures that say what they wait for.
    /// - Throws: `CancellationError` only.
    func remaining(
        _ objects: [KubernetesObject], onWait: (BundleProgress) async -> Void = { _ in }
    ) async throws -> [BundleProgress] {
        let deadline = ContinuousClock.now.advanced(by: options.settleTimeout)
        // As it is at first, and as it is in the end.
        let (awaited, left) = (Termination(api: api), Termination(api: api))
        var remaining: [BundleProgress] = []
        for object in objects {
            let time = max(.zero, ContinuousClock.now.duration(to: deadline))
            var seen = object
            // What is not served for the moment is not known to be there.
            var isThere = false
            do {
                if let live = try await api.get(object.reference), live.uid == object.uid {
                    seen = live
                    var progress = BundleProgress(
                        reference: object.reference, outcome: .pruned, message: try await awaited.words(on: live))
                    progress.isAwaitedGone = true
                    await onWait(progress)
                }
                try await api.poll(every: .milliseconds(100), atMost: time, what: "\(object.reference) to be gone") {
                    isThere = false
                    guard let live = try await api.get(object.reference), live.uid == object.uid else { return true }
                    (seen, isThere) = (live, true)
                    return false
                }
            } catch let error as KubernetesError where error.code == .unknownKind {
                // Its definition is gone, and it with it.
                continue
            } catch let error as KubernetesError {
                try Task.checkCancellation()
                var progress = BundleProgress(
                    failureOf: object.reference, error,
                    message: isThere
                        ? try await left.words(on: seen)
                        : "whether it is gone cannot be seen: \(error.message)")
                progress.isTransient = true
                if isThere { progress.reason = "Terminating" }
                remaining.append(progress)
            }
        }
        return remaining
    }
}
