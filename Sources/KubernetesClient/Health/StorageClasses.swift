public import KubernetesObjects

/// What the storage classes of a cluster say of when volumes are bound.
public struct StorageClasses: Sendable, Hashable {
    /// Those that bind volumes only once a pod uses them.
    public var lateBinding: Set<String> = []
    /// Why they could not be read, such as a right that is not granted; nil where they could.
    public var refusal: String?

    /// Creates what is known where nothing was asked.
    public init() {}
}

extension KubernetesAPI {
    /// The storage classes, where any of the objects is a claim; nothing is asked otherwise.
    ///
    /// - Throws: `CancellationError` only.
    public func storageClasses(for objects: [KubernetesObject]) async throws -> StorageClasses {
        var result = StorageClasses()
        guard objects.contains(where: { $0.type.groupKind == GroupKind(kind: "PersistentVolumeClaim") }) else {
            return result
        }
        let selection = ObjectSelection(
            type: GroupVersionKind(group: "storage.k8s.io", version: "v1", kind: "StorageClass"))
        do {
            let classes = try await list(selection).objects
            result.lateBinding = Set(classes.filter { $0["volumeBindingMode"] == "WaitForFirstConsumer" }.map(\.name))
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            result.refusal = error.message
        }
        return result
    }
}
