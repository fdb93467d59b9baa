public import KubernetesObjects

extension KubernetesAPI {
    /// The storage classes that bind volumes only once a pod uses them, where any of the objects is a claim; none where
    /// classes may not be listed.
    ///
    /// - Throws: `CancellationError` only.
    public func lateBindingClasses(for objects: [KubernetesObject]) async throws -> Set<String> {
        guard objects.contains(where: { $0.type.groupKind == GroupKind(kind: "PersistentVolumeClaim") }) else {
            return []
        }
        let selection = ObjectSelection(
            type: GroupVersionKind(group: "storage.k8s.io", version: "v1", kind: "StorageClass"))
        do {
            let classes = try await list(selection).objects
            return Set(classes.filter { $0["volumeBindingMode"] == "WaitForFirstConsumer" }.map(\.name))
        } catch is KubernetesError {
            try Task.checkCancellation()
            return []
        }
    }
}
