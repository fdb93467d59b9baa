public import KubernetesObjects

/// The watches that tell how objects fare: one a type and namespace, or of one object where it is the only one of its type
/// there; and those of pods and replica sets, which help to name culprits.
public struct HealthWatches: Sendable {
    /// The watches of the objects themselves: without one of these, nothing can be said of their health.
    public let needed: Set<ObjectSelection>
    /// Those that only help to name culprits; without them the workloads' own status still counts.
    public let helpful: Set<ObjectSelection>
    /// The objects whose health is told.
    private let wanted: Set<ObjectIdentity>
    /// Where culprits are, whether or not that is watched for objects of its own, too.
    private let culprits: Set<ObjectSelection>

    private static let pods = GroupVersionKind(version: "v1", kind: "Pod")
    private static let replicaSets = GroupVersionKind(group: "apps", version: "v1", kind: "ReplicaSet")
    private static let deployment = GroupKind(group: "apps", kind: "Deployment")
    private static let podOwners: Set<GroupKind> = [
        deployment, GroupKind(group: "apps", kind: "StatefulSet"), GroupKind(group: "apps", kind: "DaemonSet"),
        GroupKind(group: "apps", kind: "ReplicaSet"), GroupKind(group: "batch", kind: "Job"),
    ]

    /// Chooses the watches.
    ///
    /// - Parameter objects: The objects, each with the namespace that it is in; none for those of cluster scope.
    public init(for objects: [KubernetesObject]) {
        let groups = Dictionary(grouping: objects) { ObjectSelection(type: $0.type, namespace: $0.namespace) }
        var needed: [ObjectSelection] = []
        for (selection, members) in groups {
            var chosen = selection
            if Set(members.map(\.name)).count == 1 { chosen.fieldSelector = "metadata.name=\(members[0].name)" }
            needed.append(chosen)
        }
        self.needed = Set(needed)
        var helpful: Set<ObjectSelection> = []
        for object in objects where Self.podOwners.contains(object.type.groupKind) {
            helpful.insert(ObjectSelection(type: Self.pods, namespace: object.namespace))
            guard object.type.groupKind == Self.deployment else { continue }
            helpful.insert(ObjectSelection(type: Self.replicaSets, namespace: object.namespace))
        }
        self.helpful = helpful.subtracting(self.needed)
        self.culprits = helpful
        self.wanted = Set(objects.map(\.reference.identity))
    }

    /// What is kept of an object that a watch tells of: a namespace may hold many more of a kind than are wanted, and who owns
    /// which fields is often half of an object.
    public func kept(_ object: KubernetesObject) -> KubernetesObject? {
        if wanted.contains(object.reference.identity) {
            var kept = object
            kept.setMetadata("managedFields", nil)
            return kept
        }
        let selection = ObjectSelection(type: object.type, namespace: object.namespace)
        return culprits.contains(selection) ? Self.outline(of: object) : nil
    }

    /// What of a pod or replica set tells whose it is and how it fares: a namespace may hold thousands of them.
    private static func outline(of object: KubernetesObject) -> KubernetesObject {
        var outline = object
        outline.spec = nil
        for field in ["managedFields", "finalizers"] { outline.setMetadata(field, nil) }
        outline.annotations = outline.annotations.filter { $0.key == WorkloadPods.revisionAnnotation }
        guard object.type != replicaSets else {
            outline.status = nil
            return outline
        }
        var status: [String: JSONValue] = [:]
        for field in ["phase", "reason", "message", "conditions"] { status[field] = object.status?[field] }
        for field in PodHealth.containerStatuses {
            guard let statuses = object.status?[field]?.arrayValue else { continue }
            status[field] = .array(
                statuses.map { container in
                    let kept = ["name", "ready", "restartCount", "state", "lastState"]
                    return .object((container.objectValue ?? [:]).filter { kept.contains($0.key) })
                })
        }
        outline.status = .object(status)
        return outline
    }

    /// Which of the watches tells of an object.
    public func selection(of object: KubernetesObject) -> ObjectSelection {
        var selection = ObjectSelection(type: object.type, namespace: object.namespace)
        if !needed.contains(selection) { selection.fieldSelector = "metadata.name=\(object.name)" }
        return selection
    }
}
