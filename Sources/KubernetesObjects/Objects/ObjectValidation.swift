/// Whether an object is well-formed enough to be sent to an API server: what no server would accept is told here, early.
public enum ObjectValidation {
    /// What is wrong with an object; empty when nothing is. Each text names the field.
    public static func problems(in object: KubernetesObject) -> [String] {
        var problems: [String] = []
        for key in ["apiVersion", "kind"] where (object[key]?.stringValue ?? "").isEmpty {
            problems.append("\(key) is missing")
        }
        if object.apiVersion.split(separator: "/", omittingEmptySubsequences: false).count > 2 {
            problems.append("apiVersion \"\(object.apiVersion)\" is neither version nor group/version")
        }
        if let metadata = object["metadata"], metadata.objectValue == nil {
            problems.append("metadata must be an object, not \(metadata.typeName)")
            return problems
        }
        if object.name.isEmpty {
            let generated = object.metadata["generateName"] != nil
            problems.append(
                generated
                    ? "metadata.name is missing: generateName cannot be applied, only created"
                    : "metadata.name is missing")
        } else if let problem = nameProblem(object.name, type: object.type.groupKind) {
            problems.append("metadata.name \"\(object.name)\" \(problem)")
        }
        if let namespace = object.namespace, let problem = labelProblem(namespace) {
            problems.append("metadata.namespace \"\(namespace)\" \(problem)")
        }
        for field in ["labels", "annotations"] {
            guard let value = object.metadata[field], !value.isNull else { continue }
            guard let members = value.objectValue else {
                problems.append("metadata.\(field) must be an object, not \(value.typeName)")
                continue
            }
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                if let problem = qualifiedKeyProblem(key) {
                    problems.append("metadata.\(field): key \"\(key)\" \(problem)")
                }
                guard let text = member.stringValue else {
                    problems.append("metadata.\(field)[\"\(key)\"] must be a string (quote it), not \(member.typeName)")
                    continue
                }
                if field == "labels", let problem = labelValueProblem(text) {
                    problems.append("metadata.labels[\"\(key)\"] \"\(text)\" \(problem)")
                }
            }
        }
        return problems
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

    /// RBAC's objects may be named by any path segment; all others by DNS names.
    private static func nameProblem(_ name: String, type: GroupKind) -> String? {
        if type.group == "rbac.authorization.k8s.io" {
            let bad = name == "." || name == ".." || name.utf8.contains { $0 == 0x2F || $0 == 0x25 }
            return bad ? "must not be . or .. and must not contain / or %" : nil
        }
        if type == GroupKind(kind: "Namespace") || type == GroupKind(kind: "Service") { return labelProblem(name) }
        return subdomainProblem(name)
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (0x41...0x5A).contains(byte)
    }

    /// A DNS label (RFC 1123).
    static func labelProblem(_ text: String) -> String? {
        let bytes = text.utf8
        guard bytes.count <= 63 else { return "is longer than 63 characters" }
        let fits = bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == 0x2D }
        guard fits, let first = bytes.first, let last = bytes.last, isLowerAlphanumeric(first),
            isLowerAlphanumeric(last)
        else { return "must be lower-case letters, digits and '-', beginning and ending with a letter or digit" }
        return nil
    }

    /// A DNS subdomain (RFC 1123).
    static func subdomainProblem(_ text: String) -> String? {
        guard text.utf8.count <= 253 else { return "is longer than 253 characters" }
        let fits = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.first, let last = label.last else { return false }
            return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
                && label.allSatisfy { isLowerAlphanumeric($0) || $0 == 0x2D }
        }
        return fits
            ? nil
            : "must be lower-case letters, digits, '-' and '.', each part beginning and ending with a letter or digit"
    }

    private static func isQualifiedPart(_ text: some Collection<UInt8>) -> Bool {
        guard let first = text.first, text.count <= 63 else { return false }
        var last = first
        for byte in text {
            guard isAlphanumeric(byte) || byte == 0x2D || byte == 0x5F || byte == 0x2E else { return false }
            last = byte
        }
        return isAlphanumeric(first) && isAlphanumeric(last)
    }

    private static func qualifiedKeyProblem(_ key: String) -> String? {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        let advice = "must be [prefix/]name, the name up to 63 letters, digits, '-', '_' and '.'"
        guard parts.count <= 2, let name = parts.last, isQualifiedPart(Array(name.utf8)) else { return advice }
        if parts.count == 2, let problem = subdomainProblem(String(parts[0])) { return "has a prefix that \(problem)" }
        return nil
    }

    private static func labelValueProblem(_ value: String) -> String? {
        if value.isEmpty || isQualifiedPart(Array(value.utf8)) { return nil }
        return "must be up to 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit"
    }
}
