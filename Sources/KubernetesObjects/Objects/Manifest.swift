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

    /// The objects of a document: itself, or what a `List` or a list of one kind, such as a `RoleBindingList`, holds.
    ///
    /// As with kubectl, what a list of one kind holds need not say again which. A kind of which the name merely ends so is told
    /// by its own name.
    public static func items(of root: YAMLNode) -> [YAMLNode] {
        guard let kind = root["kind"]?.text, kind.hasSuffix("List"), root["metadata"]?["name"] == nil,
            let list = root["items"], list.elements != nil || list.scalar?.isNull == true
        else { return [root] }
        let type = [("apiVersion", root["apiVersion"]?.text ?? ""), ("kind", String(kind.dropLast(4)))]
        return (list.elements ?? []).flatMap { item -> [YAMLNode] in
            guard kind != "List", let entries = item.entries else { return items(of: item) }
            let lacking = type.filter { item[$0.0] == nil }.map { key, text in
                YAMLNode.Entry(
                    key: key, line: item.line, column: item.column,
                    value: YAMLNode(line: item.line, column: item.column, content: .scalar(.string(text), text: text)))
            }
            return items(
                of: YAMLNode(
                    line: item.line, column: item.column, tag: item.tag, content: .mapping(lacking + entries)))
        }
    }
}
