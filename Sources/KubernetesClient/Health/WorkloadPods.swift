public import KubernetesObjects

/// Which pods speak for a workload. Pure.
public enum WorkloadPods {
    /// The pods of a workload's current revision: an old revision's pods say nothing about the new one, but for those at which the
    /// update waits, and those that are to stay. None as long as its controller has not looked at what is wanted now: until then the
    /// revision that it calls current is the former one.
    ///
    /// - Parameters:
    ///   - pods: Pods of the workload's namespace.
    ///   - workload: A Deployment, StatefulSet, DaemonSet, ReplicaSet or Job.
    ///   - replicaSets: ReplicaSets of the namespace, which tie a Deployment to its pods' revision; where the current one
    ///     is not among them, the pods of those that are are left out.
    public static func select(
        from pods: [KubernetesObject], of workload: KubernetesObject, replicaSets: [KubernetesObject] = []
    ) -> [KubernetesObject] {
        guard let wanted = workload.spec?["selector"]?["matchLabels"]?.objectValue?.compactMapValues(\.stringValue),
            !wanted.isEmpty
        else {
            // Jobs get their selector from the server; the owner is as good.
            guard let uid = workload.uid else { return [] }
            return pods.filter { pod in pod.owners.contains { $0.uid == uid } }
        }
        switch StatusEvidence.of(workload, since: nil) {
        case .ofEarlier, .notYet: return []
        case .ofThisWrite, .silent, .never: break
        }
        let selected = pods.filter { pod in
            let labels = pod.labels
            return pod.namespace == workload.namespace && wanted.allSatisfy { labels[$0.key] == $0.value }
        }
        switch workload.kind {
        case "Deployment": return ofDeployment(workload, selected, replicaSets)
        case "StatefulSet":
            guard let revision = workload.status?["updateRevision"]?.stringValue else { return selected }
            return selected.filter { pod in
                guard let own = pod.labels[revisionLabel], own != revision else { return true }
                return stays(pod, workload) || blocks(pod, workload)
            }
        case "DaemonSet": return ofDaemonSet(workload, selected)
        default:
            return selected
        }
    }

    private static func ofDeployment(
        _ deployment: KubernetesObject, _ selected: [KubernetesObject], _ replicaSets: [KubernetesObject]
    ) -> [KubernetesObject] {
        if let hash = currentReplicaSet(of: deployment, among: replicaSets)?.labels[hashLabel] {
            return selected.filter { $0.labels[hashLabel] == hash }
        }
        // The current one is still to be seen. Those that are there are former ones.
        let former = Set(
            replicaSets.filter { set in set.owners.contains { $0.uid == deployment.uid } }
                .compactMap { $0.labels[hashLabel] })
        return selected.filter { pod in pod.labels[hashLabel].map { !former.contains($0) } ?? true }
    }

    /// A DaemonSet does not say which revision is current. Each of its pods carries the generation of the content that it was made from,
    /// and a hash of that content: where it has come back to a former one, pods of the same hash count, whatever their generation.
    private static func ofDaemonSet(
        _ daemonSet: KubernetesObject, _ selected: [KubernetesObject]
    ) -> [KubernetesObject] {
        let updated = daemonSet.status?["updatedNumberScheduled"]?.intValue ?? 0
        if updated == 0, selected.contains(where: { $0.labels[revisionLabel] != nil }) { return [] }
        var hashes: Set<String> = []
        if let generation = daemonSet.annotations["deprecated.daemonset.template.generation"] {
            hashes = Set(
                selected.filter { $0.labels["pod-template-generation"] == generation }
                    .compactMap { $0.labels[revisionLabel] })
        }
        if hashes.isEmpty {
            let counts = selected.reduce(into: [String: Int64]()) { counts, pod in
                if let hash = pod.labels[revisionLabel] { counts[hash, default: 0] += 1 }
            }
            hashes = Set(counts.filter { $0.value == updated }.keys)
            // Of two that are as many, either may be the current one.
            guard hashes.count == 1 else { return selected }
        }
        return selected.filter { pod in pod.labels[revisionLabel].map { hashes.contains($0) } ?? true }
    }

    private static let revisionLabel = "controller-revision-hash"
    private static let hashLabel = "pod-template-hash"

    /// Whether a StatefulSet leaves a pod of a former revision as it is, until somebody deletes it or moves the partition.
    private static func stays(_ pod: KubernetesObject, _ workload: KubernetesObject) -> Bool {
        let strategy = workload.spec?["updateStrategy"]
        return strategy?["type"]?.stringValue == "OnDelete"
            || ordinal(pod) < strategy?["rollingUpdate"]?["partition"]?.intValue ?? 0
    }

    /// Whether a StatefulSet's update waits for a pod of a former revision to become ready: one that keeps to the order of its pods
    /// does, whatever is wrong with them.
    static func blocks(_ pod: KubernetesObject, _ workload: KubernetesObject) -> Bool {
        guard workload.type.groupKind == GroupKind(group: "apps", kind: "StatefulSet"),
            workload.spec?["podManagementPolicy"]?.stringValue != "Parallel",
            workload.spec?["updateStrategy"]?["type"]?.stringValue != "OnDelete",
            let wanted = workload.status?["updateRevision"]?.stringValue, let revision = pod.labels[revisionLabel]
        else { return false }
        let partition = workload.spec?["updateStrategy"]?["rollingUpdate"]?["partition"]?.intValue ?? 0
        return revision != wanted && ordinal(pod) >= partition && pod.deletionTimestamp == nil
            && Condition.find("Ready", in: pod)?.isTrue != true
    }

    /// The number at the end of a StatefulSet's pod's name.
    static func ordinal(_ pod: KubernetesObject) -> Int64 {
        pod.name.split(separator: "-").last.flatMap { Int64($0) } ?? -1
    }

    /// Where a Deployment and its replica sets say which revision they are of.
    static let revisionAnnotation = "deployment.kubernetes.io/revision"

    private static func currentReplicaSet(
        of deployment: KubernetesObject, among replicaSets: [KubernetesObject]
    ) -> KubernetesObject? {
        guard let revision = deployment.annotations[revisionAnnotation], let uid = deployment.uid else { return nil }
        return replicaSets.first { set in
            set.annotations[revisionAnnotation] == revision && set.owners.contains { $0.uid == uid }
        }
    }
}
