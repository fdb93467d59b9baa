public import KubernetesObjects

/// Which pods speak for a workload. Pure.
public enum WorkloadPods {
    /// The pods of a workload's current revision: an old revision's pods say nothing about the new one, but for those at which the
    /// update waits.
    ///
    /// - Parameters:
    ///   - pods: Pods of the workload's namespace.
    ///   - workload: A Deployment, StatefulSet, DaemonSet, ReplicaSet or Job.
    ///   - replicaSets: ReplicaSets of the namespace, which tie a Deployment to its pods' revision; where the current one
    ///     is not among them, all pods that the Deployment selects are taken.
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
        let selected = pods.filter { pod in
            let labels = pod.labels
            return pod.namespace == workload.namespace && wanted.allSatisfy { labels[$0.key] == $0.value }
        }
        switch workload.kind {
        case "Deployment":
            guard let current = currentReplicaSet(of: workload, among: replicaSets),
                let hash = current.labels["pod-template-hash"]
            else { return selected }
            return selected.filter { $0.labels["pod-template-hash"] == hash }
        case "StatefulSet":
            guard let revision = workload.status?["updateRevision"]?.stringValue else { return selected }
            let current = selected.filter { $0.labels[revisionLabel] == revision }
            return current.isEmpty ? selected : current + selected.filter { blocks($0, workload) }
        default:
            return selected
        }
    }

    private static let revisionLabel = "controller-revision-hash"

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
