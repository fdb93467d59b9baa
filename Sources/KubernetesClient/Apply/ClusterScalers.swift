internal import KubernetesObjects

/// Autoscalers that are on the cluster and of nobody's bundle: what they have scaled is left to them, as it is to a bundle's own.
///
/// They are looked for only where somebody has scaled an object by its scale to another number than the manifest's, a namespace at a time.
/// An autoscaler of another make, such as KEDA, works through one of these. Where nobody may look, the number stays, too: to take it back from
/// an autoscaler takes pods away that are needed, and to leave it to a person who scaled by hand takes nothing away.
actor ClusterScalers {
    /// What is known of a namespace.
    private enum Known {
        case found([ObjectIdentity: String])
        case unseen(String)
    }

    private let api: KubernetesAPI
    private var scalers: [String: Known] = [:]

    init(api: KubernetesAPI) { self.api = api }

    private static let autoscaler = GroupVersionKind(
        group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler")

    /// What an object's `replicas` are left to; nil where no autoscaler has scaled it.
    ///
    /// - Throws: `CancellationError` only.
    func field(of object: KubernetesObject, live: KubernetesObject) async throws -> LeftField? {
        guard let wanted = object.value(at: .replicas), let namespace = live.namespace, FieldLedger(live).isScaled,
            live.value(at: .replicas) != wanted
        else { return nil }
        var identity = live.reference.identity
        identity.type = KindTable.canonical(identity.type)
        let owner: String
        switch try await scalers(in: namespace) {
        case .found(let names):
            guard let name = names[identity] else { return nil }
            owner = "HorizontalPodAutoscaler \(name), which the release does not have"
        case .unseen(let why):
            owner = "whoever scaled it, as whether an autoscaler did cannot be seen (\(why))"
        }
        return LeftField(path: .replicas, owner: owner, isInitial: true)
    }

    private func scalers(in namespace: String) async throws -> Known {
        if let known = scalers[namespace] { return known }
        var found: [ObjectIdentity: String] = [:]
        do {
            for object in try await api.list(ObjectSelection(type: Self.autoscaler, namespace: namespace)).objects {
                guard object.deletionTimestamp == nil, var target = object.scaleTarget else { continue }
                target.type = KindTable.canonical(target.type)
                found[target] = object.name
            }
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            // What is not served is not there.
            guard error.code == .unknownKind || error.isPathUnserved else {
                let unseen = Known.unseen(error.message)
                // What was refused stays so for the while; what passes is asked again for the next object.
                if error.status == 403 { scalers[namespace] = unseen }
                return unseen
            }
        }
        scalers[namespace] = .found(found)
        return .found(found)
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
