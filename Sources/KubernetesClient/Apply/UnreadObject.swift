internal import KubernetesObjects

/// An object could not be looked at, so nothing was done to it.
struct UnreadObject: Error {
    var error: KubernetesError
}

extension ObjectApplier {
    /// Reads an object that is to be applied; nil where there is none.
    ///
    /// - Throws: ``UnreadObject``.
    func read(_ reference: ObjectReference) async throws -> KubernetesObject? {
        do {
            return try await api.get(reference)
        } catch let error as KubernetesError {
            throw UnreadObject(error: error)
        }
    }
}
