internal import KubernetesObjects

/// Which content of releases is secret.
public enum SecretContent {
    /// Whether a stored document holds values of a Secret: one itself, a list with one among its items, or a release's index whose
    /// overrides write into one. What cannot be read counts as secret: nobody knows what it holds.
    public static func isSecret(_ content: [UInt8]) -> Bool {
        guard mentionsSecret(content) else { return false }
        guard let value = try? JSONValue(parsing: content) else { return true }
        return isSecret(value)
    }

    private static func isSecret(_ value: JSONValue) -> Bool {
        if carriesValues(value) { return true }
        if let items = value["items"]?.arrayValue, items.contains(where: isSecret) { return true }
        let overrides = value["application"]?["overrides"]?.arrayValue ?? []
        return overrides.contains { override in
            (override["patches"]?.arrayValue ?? []).contains { $0["kind"]?.stringValue == "Secret" }
        }
    }

    /// Whether an object is a Secret that holds something.
    private static func carriesValues(_ value: JSONValue) -> Bool {
        guard value["kind"]?.stringValue == "Secret" else { return false }
        let isFull = ["data", "stringData"].contains { !(value[$0]?.objectValue ?? [:]).isEmpty }
        // What `kubectl apply` notes of an object is all of it.
        let annotations = value["metadata"]?["annotations"]?.objectValue ?? [:]
        return isFull || annotations["kubectl.kubernetes.io/last-applied-configuration"] != nil
    }

    /// Whether the bytes have the kind's name at all: most documents do not, and need not be read. JSON may spell it with escapes; then
    /// there is a backslash.
    private static func mentionsSecret(_ content: [UInt8]) -> Bool {
        let word = Array("Secret".utf8)
        var matched = 0
        for byte in content {
            if byte == UInt8(ascii: "\\") { return true }
            matched = byte == word[matched] ? matched + 1 : byte == word[0] ? 1 : 0
            if matched == word.count { return true }
        }
        return false
    }

    /// The Secrets with values among a release's documents and its overrides, as people call them: `Secret shop/db`.
    public static func names(in release: AssembledRelease) -> [String] {
        var names: Set<String> = []
        for document in release.documents where mentionsSecret(document.content) {
            guard let value = try? JSONValue(parsing: document.content) else { continue }
            for object in [value] + (value["items"]?.arrayValue ?? []) where carriesValues(object) {
                let namespace = object["metadata"]?["namespace"]?.stringValue ?? release.bundle.application.namespace
                names.insert("Secret \(namespace)/\(object["metadata"]?["name"]?.stringValue ?? "")")
            }
        }
        for override in release.bundle.application.overrides {
            for patch in override.patches where patch.kind == "Secret" {
                names.insert("the override's patch of \(patch.name.map { "Secret \($0)" } ?? "every Secret")")
            }
        }
        return names.sorted()
    }

    /// The application's own parameters that a release puts into Secrets, with the first Secret of each. Their texts are not in the documents
    /// that are sealed, but in the application's, which is not.
    public static func parameters(in release: AssembledRelease) -> [(parameter: String, secret: String)] {
        let application = release.bundle.application
        var declared = Set(application.parameters.keys)
        for override in application.overrides { declared.formUnion(override.parameters.keys) }
        guard !declared.isEmpty else { return [] }
        var found: [String: String] = [:]
        func note(_ value: JSONValue?, _ secret: String) {
            switch value {
            case .string(let text):
                for case .parameter(let name, _) in (try? ParameterText(text))?.parts ?? []
                where declared.contains(name) {
                    found[name] = min(found[name] ?? secret, secret)
                }
            case .array(let elements): for element in elements { note(element, secret) }
            case .object(let members): for member in members { note(member.value, secret) }
            default: return
            }
        }
        for document in release.documents where mentionsSecret(document.content) {
            guard let value = try? JSONValue(parsing: document.content) else { continue }
            for object in [value] + (value["items"]?.arrayValue ?? []) where carriesValues(object) {
                let namespace = object["metadata"]?["namespace"]?.stringValue ?? application.namespace
                let name = "Secret \(namespace)/\(object["metadata"]?["name"]?.stringValue ?? "")"
                for key in ["data", "stringData"] { note(object[key], name) }
            }
        }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// What to say of them.
    public static func warning(of parameter: String, in secret: String) -> String {
        "parameter '\(parameter)' goes into \(secret), and parameters are stored in clear, with the application and in the audit log: "
            + "write the value into the Secret's own manifest, which is sealed, or let External Secrets fetch it"
    }

    /// Why a release is refused where Secrets are.
    public static func refusal(of names: [String], because who: String) -> String {
        let shown = names.prefix(5).joined(separator: ", ") + (names.count > 5 ? " and \(names.count - 5) more" : "")
        return
            "\(who), and the release carries \(shown). Leave the values out of it: name them in a store of secrets and let "
            + "External Secrets fetch them, or encrypt them for the cluster with Sealed Secrets or SOPS"
    }
}

/// Whether releases may carry the values of Secrets.
public enum SecretsPolicy: String, Sendable, Hashable, Codable, CaseIterable {
    case allow
    case refuse
}
