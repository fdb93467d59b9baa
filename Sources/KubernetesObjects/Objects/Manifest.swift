/// Kubernetes objects as people write them: YAML or JSON text with one or more documents, lists of objects among them.
public enum Manifest {
    /// The objects of a text in the order written; `List` documents are taken apart.
    ///
    /// - Throws: ``KubernetesObjectError`` naming file, line and column: for text that cannot be read, an object that no
    ///   API server would accept, or one object that is there twice.
    public static func objects(
        in text: String, file: String? = nil, limits: ReadingLimits = .documents
    ) throws -> [KubernetesObject] {
        var objects: [KubernetesObject] = []
        var places: [ObjectIdentity: String] = [:]
        for document in try YAMLReader.documents(in: text, file: file, limits: limits) {
            for node in items(of: document.root) {
                let place = document.location(of: node)
                let object: KubernetesObject
                do {
                    object = try KubernetesObject(json: node.json)
                    try ObjectValidation.validate(object)
                } catch let error as KubernetesObjectError {
                    throw KubernetesObjectError(code: error.code, message: "\(place): \(error.message)")
                }
                let identity = object.reference.identity
                if let first = places.updateValue(place, forKey: identity) {
                    throw KubernetesObjectError(
                        code: .invalidObject, message: "\(place): \(object.reference) is there twice, first at \(first)"
                    )
                }
                objects.append(object)
            }
        }
        return objects
    }

    private static func items(of root: YAMLNode) -> [YAMLNode] {
        guard root["kind"]?.text?.hasSuffix("List") == true, let items = root["items"]?.elements else { return [root] }
        return items.flatMap { Manifest.items(of: $0) }
    }
}
