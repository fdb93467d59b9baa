internal import KubernetesObjects

// MARK: - Config maps and secrets

extension Validation {
    /// The most bytes that the values of one of them have together.
    private static let dataLimit = 1 << 20

    static func configMap(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        var size = 0
        let binary = object["binaryData"]?.objectValue ?? [:]
        for (key, value) in (object["data"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            findings.invalid("data[\(key)]", key, NameRules.configKey(key))
            if binary[key] != nil {
                findings.invalid("data[\(key)]", .string(key), "duplicate of key present in binaryData")
            }
            size += value.stringValue?.utf8.count ?? 0
        }
        for (key, value) in binary.sorted(by: { $0.key < $1.key }) {
            findings.invalid("binaryData[\(key)]", key, NameRules.configKey(key))
            size += (value.stringValue?.utf8.count ?? 0) / 4 * 3
        }
        if size > dataLimit { findings.tooLong("", dataLimit) }
        unchanged(object, old: old, into: &findings)
    }

    static func secret(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let data = object["data"]?.objectValue ?? [:]
        var size = 0
        for (key, value) in data.sorted(by: { $0.key < $1.key }) {
            findings.invalid("data[\(key)]", key, NameRules.configKey(key))
            size += (value.stringValue?.utf8.count ?? 0) / 4 * 3
        }
        if size > dataLimit { findings.tooLong("data", dataLimit) }
        func needs(_ keys: String...) {
            for key in keys where data[key] == nil { findings.required("data[\(key)]") }
        }
        switch object["type"]?.stringValue {
        case "kubernetes.io/service-account-token":
            if (object.at("metadata", "annotations", "kubernetes.io/service-account.name")?.stringValue ?? "").isEmpty {
                findings.required("metadata.annotations[kubernetes.io/service-account.name]")
            }
        case "kubernetes.io/dockercfg": json(".dockercfg", data, into: &findings)
        case "kubernetes.io/dockerconfigjson": json(".dockerconfigjson", data, into: &findings)
        case "kubernetes.io/basic-auth":
            if data["username"] == nil, data["password"] == nil { needs("username", "password") }
        case "kubernetes.io/ssh-auth":
            if (data["ssh-privatekey"]?.stringValue ?? "").isEmpty { findings.required("data[ssh-privatekey]") }
        case "kubernetes.io/tls": needs("tls.crt", "tls.key")
        default: break
        }
        if let old { immutable("type", object["type"], old["type"], into: &findings) }
        unchanged(object, old: old, into: &findings)
    }

    /// A key that has to be there and hold JSON.
    private static func json(_ key: String, _ data: [String: JSONValue], into findings: inout Findings) {
        guard let text = data[key]?.stringValue else { return findings.required("data[\(key)]") }
        guard let bytes = Base64.decode(text), (try? JSONValue(parsing: bytes)) != nil else {
            let first = Base64.decode(text)?.first.map { String(decoding: [$0], as: UTF8.self) }
            return findings.invalid(
                "data[\(key)]", "<secret contents redacted>",
                first.map { "invalid character '\($0)' looking for beginning of value" }
                    ?? "unexpected end of JSON input")
        }
    }

    private static func unchanged(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        guard let old, old["immutable"]?.boolValue == true else { return }
        if object["immutable"]?.boolValue != true {
            findings.forbidden("immutable", "field is immutable when `immutable` is set")
        }
        for field in ["data", "binaryData"] where old[field] != object[field] {
            findings.forbidden(field, "field is immutable when `immutable` is set")
        }
    }
}
