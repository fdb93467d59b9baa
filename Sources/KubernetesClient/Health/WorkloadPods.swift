public import KubernetesObjects

/// Which pods speak for a workload. Pure.
public enum WorkloadPods {
    /// The pods of a workload's current revision: an old revision's pods say nothing about the new one.
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
            let current = selected.filter { $0.labels["controller-revision-hash"] == revision }
            return current.isEmpty ? selected : current
        default:
            return selected
        }
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
