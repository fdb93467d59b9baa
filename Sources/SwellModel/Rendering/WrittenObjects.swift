public import KubernetesObjects

/// The objects of manifests as a release would have them, before any application is asked: hooks in their form, null labels
/// made empty, `${…}` as written.
public enum WrittenObjects {
    /// Reads files, refusing what is no Kubernetes object: nothing else is anybody's business to send.
    ///
    /// - Throws: Every mistake found, each with file and line.
    public static func read(_ files: [SourceFile]) throws(DocumentErrors) -> [JSONValue] {
        var objects: [JSONValue] = []
        var errors: [ModelError] = []
        for file in files {
            do {
                for document in try YAMLReader.documents(in: file.content, file: file.name, limits: .release) {
                    for node in Manifest.items(of: document.root) {
                        do throws(ModelError) {
                            guard let object = try object(of: node) else { continue }
                            errors += problems(of: object, node, file.name)
                            objects.append(object)
                        } catch {
                            errors.append(
                                ModelError(code: error.code, message: error.message, file: file.name, line: node.line))
                        }
                    }
                }
            } catch {
                errors.append(ModelError(reading: error, file: file.name))
            }
        }
        guard errors.isEmpty else { throw DocumentErrors(Array(errors.prefix(DocumentErrors.maximumCount))) }
        return objects
    }

    /// What no server would take, but for names that are not known yet.
    private static func problems(of object: JSONValue, _ node: YAMLNode, _ file: String) -> [ModelError] {
        guard let checked = try? KubernetesObject(json: object) else { return [] }
        return ObjectValidation.findings(in: checked).filter { !$0.message.contains("${") }.map { finding in
            ModelError(
                code: .invalidValue, message: "\(object.subject): \(finding.message)", file: file,
                line: node.nearest(to: finding.path).line)
        }
    }

    private static func object(of node: YAMLNode) throws(ModelError) -> JSONValue? {
        guard node.entries != nil else {
            throw ModelError(code: .wrongType, message: "expected a Kubernetes object")
        }
        for key in ["apiVersion", "kind"] where node[key]?.scalar?.stringValue?.isEmpty != false {
            throw ModelError(
                code: .missingField, message: "this is no Kubernetes object: \(key) is missing, or is no text")
        }
        guard let object = try HookForms(node.json).object else { return nil }
        return (try? KubernetesObject(json: object))?.withoutNullLabels.json ?? object
    }
}
