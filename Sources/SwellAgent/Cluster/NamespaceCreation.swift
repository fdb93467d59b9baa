internal import KubernetesClient
internal import KubernetesObjects

extension KubernetesAPI {
    /// Makes a namespace where there is none. It belongs to no release, so nothing ever prunes it.
    ///
    /// An agent that may not look at namespaces takes it to be there: what it applies next tells.
    func ensureNamespace(_ name: String, fieldManager: String) async throws {
        let reference = ObjectReference(type: GroupVersionKind(version: "v1", kind: "Namespace"), name: name)
        do {
            guard try await get(reference) == nil else { return }
        } catch let error as KubernetesError where error.status == 403 {
            return
        }
        let object = KubernetesObject(type: reference.type, name: name)
        _ = try await apply(object, ApplyOptions(fieldManager: fieldManager, force: true))
    }
}
