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
    /// Where culprits are, whether or not that is watched for objects of its own, too; and whose they may be.
    private let culprits: [ObjectSelection: Set<WatchInterest.Workload>]

    private static let pods = GroupVersionKind(version: "v1", kind: "Pod")
    private static let replicaSets = GroupVersionKind(group: "apps", version: "v1", kind: "ReplicaSet")
    private static let deployment = GroupKind(group: "apps", kind: "Deployment")
    /// Whether a kind is one of those that workloads make, of which a cluster holds many more than anybody asks for.
    static func areOfWorkloads(_ type: GroupVersionKind) -> Bool { type == pods || type == replicaSets }

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
        var culprits: [ObjectSelection: Set<WatchInterest.Workload>] = [:]
        for object in objects where Self.podOwners.contains(object.type.groupKind) {
            let labels = object.spec?["selector"]?["matchLabels"]?.objectValue?.compactMapValues(\.stringValue)
            let workload = WatchInterest.Workload(
                type: object.type.groupKind, name: object.name, labels: labels ?? [:])
            culprits[ObjectSelection(type: Self.pods, namespace: object.namespace), default: []].insert(workload)
            guard object.type.groupKind == Self.deployment else { continue }
            culprits[ObjectSelection(type: Self.replicaSets, namespace: object.namespace), default: []].insert(workload)
        }
        self.helpful = Set(culprits.keys).subtracting(self.needed)
        self.culprits = culprits
        self.wanted = Set(objects.map(\.reference.identity))
    }

    /// What is wanted under each of the selections.
    var interests: [WatchInterest] {
        var names: [ObjectSelection: Set<String>] = [:]
        for selection in needed {
            let type = selection.type.groupKind
            names[selection] = Set(
                wanted.filter { $0.type == type && $0.namespace == selection.namespace }.map(\.name))
        }
        return needed.union(helpful).map { selection in
            WatchInterest(selection: selection, names: names[selection] ?? [], workloads: culprits[selection] ?? [])
        }
    }

    /// An object that is wanted, without who owns which fields: that is often half of it.
    static func whole(_ object: KubernetesObject) -> KubernetesObject {
        var kept = object
        kept.setMetadata("managedFields", nil)
        return kept
    }

    /// What of a pod or replica set tells whose it is and how it fares: a namespace may hold thousands of them.
    static func outline(of object: KubernetesObject) -> KubernetesObject {
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
