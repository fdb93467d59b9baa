internal import KubernetesClient
internal import KubernetesObjects

/// The namespaces that an agent keeps to, where it has rights in namespaces alone.
struct NamespaceScope: Sendable, Hashable {
    static let reason = "OutsideNamespaces"

    let namespaces: Set<String>

    /// Refuses objects that lie outside, before anything is applied.
    ///
    /// - Throws: ``ClusterError`` that names them and says why; `KubernetesError` when the server cannot say of which scope a
    ///   kind is.
    func check(_ objects: [KubernetesObject], api: KubernetesAPI) async throws {
        var isNamespaced: [GroupVersionKind: Bool] = [:]
        for type in Set(objects.map(\.type)) {
            do {
                isNamespaced[type] = try await api.resource(for: type).isNamespaced
            } catch let error as KubernetesError where error.code == .unknownKind {
                // The definition that would bring it lies outside too; without one, the apply says that nobody knows the kind.
                continue
            }
        }
        let outside = objects.compactMap { reason(against: $0, isNamespaced: isNamespaced[$0.type] ?? true) }
        guard !outside.isEmpty else { return }
        let others = outside.count > 5 ? ", and \(outside.count - 5) more" : ""
        throw ClusterError(
            isTransient: false, reason: Self.reason,
            message: "this agent keeps to \(description), and nothing was applied: "
                + outside.prefix(5).joined(separator: ", ") + others)
    }

    /// Why an object may not be applied; nil when it may.
    private func reason(against object: KubernetesObject, isNamespaced: Bool) -> String? {
        guard isNamespaced else { return "\(object.kind) \(object.name) lives outside of namespaces" }
        guard let namespace = object.namespace, !namespaces.contains(namespace) else { return nil }
        return "\(object.kind) \(object.name) is for namespace \(namespace)"
    }
}

extension NamespaceScope: CustomStringConvertible {
    var description: String {
        (namespaces.count == 1 ? "namespace " : "namespaces ") + namespaces.sorted().joined(separator: ", ")
    }
}
