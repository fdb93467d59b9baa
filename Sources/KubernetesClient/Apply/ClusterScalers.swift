internal import KubernetesObjects

/// Autoscalers that are on the cluster and of nobody's bundle: what they have scaled is left to them, as it is to a bundle's own.
///
/// They are looked for only where somebody has scaled an object by its scale to another number than the manifest's, a namespace at a time.
/// An autoscaler of another make, such as KEDA, works through one of these.
actor ClusterScalers {
    private let api: KubernetesAPI
    private var scalers: [String: [ObjectIdentity: String]] = [:]

    init(api: KubernetesAPI) { self.api = api }

    private static let autoscaler = GroupVersionKind(
        group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler")

    /// The autoscaler that an object's `replicas` are left to; nil where there is none, or nobody may look.
    ///
    /// - Throws: `CancellationError` only.
    func field(of object: KubernetesObject, live: KubernetesObject) async throws -> LeftField? {
        guard let wanted = object.value(at: .replicas), let namespace = live.namespace, FieldLedger(live).isScaled,
            live.value(at: .replicas) != wanted
        else { return nil }
        var identity = live.reference.identity
        identity.type = KindTable.canonical(identity.type)
        guard let name = try await names(in: namespace)[identity] else { return nil }
        return LeftField(
            path: .replicas, owner: "HorizontalPodAutoscaler \(name), which the release does not have", isInitial: true)
    }

    private func names(in namespace: String) async throws -> [ObjectIdentity: String] {
        if let known = scalers[namespace] { return known }
        var found: [ObjectIdentity: String] = [:]
        do {
            for object in try await api.list(ObjectSelection(type: Self.autoscaler, namespace: namespace)).objects {
                guard object.deletionTimestamp == nil, var target = object.scaleTarget else { continue }
                target.type = KindTable.canonical(target.type)
                found[target] = object.name
            }
        } catch is KubernetesError {
            try Task.checkCancellation()
        }
        scalers[namespace] = found
        return found
    }
}

extension ObjectApplier {
    /// The fields of an object that are left to others, with those that only the cluster tells of.
    func left(of object: KubernetesObject, live: KubernetesObject?) async throws -> [LeftField] {
        let left = try policy.left(of: object)
        guard let live, !left.contains(where: { $0.path == .replicas }),
            let scaled = try await scalers.field(of: object, live: live)
        else { return left }
        return left + [scaled]
    }
}
