/// Whether an object is well-formed enough to be sent to an API server: what no server would accept is told here, early.
///
/// What kubectl and the server read differently from what was meant is not guessed at: a namespace that YAML reads as a
/// number is refused, as there. A null label or annotation is an empty one to them, and is so here.
public enum ObjectValidation {
    /// One thing that is wrong.
    public struct Finding: Sendable, Hashable {
        /// The field, or as much of its path as there is.
        public var path: FieldPath
        /// What is wrong, naming the field.
        public var message: String
        /// Whether quotes around the value would make it text, as it has to be.
        public var lacksQuotes = false
    }

    /// What is wrong with an object; empty when nothing is. Each text names the field.
    public static func problems(in object: KubernetesObject) -> [String] {
        findings(in: object).map { $0.message + ($0.lacksQuotes ? "; write it in quotes" : "") }
    }

    /// What is wrong with an object, each with its place.
    public static func findings(in object: KubernetesObject) -> [Finding] {
        var findings: [Finding] = []
        func find(_ path: [FieldPath.Component], _ message: String) {
            findings.append(Finding(path: FieldPath(path), message: message))
        }
        for key in ["apiVersion", "kind"] {
            switch object[key] {
            case nil, .null, .string(""): find([.key(key)], "\(key) is missing")
            case .string: break
            case .some(let value): findings.append(notText(value, at: FieldPath([.key(key)])))
            }
        }
        if object.apiVersion.split(separator: "/", omittingEmptySubsequences: false).count > 2 {
            find([.key("apiVersion")], "apiVersion \"\(object.apiVersion)\" is neither version nor group/version")
        }
        if let metadata = object["metadata"], !metadata.isNull, metadata.objectValue == nil {
            find([.key("metadata")], "metadata must be a mapping, not \(metadata.yamlTypeName)")
            return findings
        }
        findings += names(of: object)
        for field in ["labels", "annotations"] { findings += map(field, of: object) }
        return findings
    }

    /// Checks an object.
    ///
    /// - Throws: ``KubernetesObjectError`` with every problem in its message.
    public static func validate(_ object: KubernetesObject) throws {
        let problems = problems(in: object)
        guard problems.isEmpty else {
            let name = object.name.isEmpty ? "" : " \(object.reference.qualifiedName)"
            let kind = object.kind.isEmpty ? "object" : object.kind
            throw KubernetesObjectError(
                code: .invalidObject, message: "\(kind)\(name): \(problems.joined(separator: "; "))")
        }
    }

    private static func notText(_ value: JSONValue, at path: FieldPath) -> Finding {
        Finding(
            path: path, message: "\(path) must be a string, not \(value.yamlTypeName)",
            lacksQuotes: value.objectValue == nil && value.arrayValue == nil)
    }

    private static func names(of object: KubernetesObject) -> [Finding] {
        var findings: [Finding] = []
        func find(_ key: String, _ message: String) {
            findings.append(
                Finding(path: FieldPath([.key("metadata"), .key(key)]), message: "metadata.\(key)\(message)"))
        }
        switch object.metadata["name"] {
        case nil, .null, .string(""):
            let isGenerated = object.metadata["generateName"] != nil
            find(
                "name", isGenerated ? " is missing: generateName cannot be applied, only created" : " is missing")
        case .string(let name):
            if let problem = ObjectNames.problem(name, type: object.type.groupKind) {
                find("name", " \"\(name)\" \(problem)")
            }
        case .some(let value): findings.append(notText(value, at: ["metadata", "name"]))
        }
        switch object.metadata["namespace"] {
        case nil, .null, .string(""): break
        case .string(let namespace):
            if let problem = ObjectNames.labelProblem(namespace) { find("namespace", " \"\(namespace)\" \(problem)") }
        case .some(let value): findings.append(notText(value, at: ["metadata", "namespace"]))
        }
        return findings
    }

    private static func map(_ field: String, of object: KubernetesObject) -> [Finding] {
        let start: [FieldPath.Component] = [.key("metadata"), .key(field)]
        guard let value = object.metadata[field], !value.isNull else { return [] }
        guard let members = value.objectValue else {
            let message = "metadata.\(field) must be a mapping, not \(value.yamlTypeName)"
            return [Finding(path: FieldPath(start), message: message)]
        }
        var findings: [Finding] = []
        for (key, member) in members.sorted(by: { $0.key < $1.key }) {
            func find(_ message: String) {
                findings.append(Finding(path: FieldPath(start + [.key(key)]), message: message))
            }
            if let problem = ObjectNames.qualifiedKeyProblem(key) {
                find("metadata.\(field): key \"\(key)\" \(problem)")
            }
            switch member {
            case .null: break
            case .string(let text):
                if field == "labels", let problem = ObjectNames.labelValueProblem(text) {
                    find("metadata.labels[\"\(key)\"] \"\(text)\" \(problem)")
                }
            default: findings.append(notText(member, at: FieldPath(start + [.key(key)])))
            }
        }
        return findings
    }
}

extension KubernetesObject {
    /// The object with null labels and annotations made empty ones, as the API server reads them: its own and, of the kinds
    /// that Kubernetes itself has, those of pod templates.
    public var withoutNullLabels: KubernetesObject {
        var paths: [[String]] = [["metadata"]]
        if !type.group.contains(".") {
            let template = ["template", "metadata"]
            paths += [
                ["spec"] + template, ["spec", "jobTemplate", "metadata"], ["spec", "jobTemplate", "spec"] + template,
            ]
        }
        var object = self
        for path in paths {
            for field in ["labels", "annotations"] {
                let place = FieldPath((path + [field]).map { .key($0) })
                guard let members = value(at: place)?.objectValue, members.values.contains(.null) else { continue }
                try? object.set(.object(members.mapValues { $0.isNull ? "" : $0 }), at: place)
            }
        }
        return object
    }
}
