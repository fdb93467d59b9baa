internal import KubernetesObjects

/// The fields that hold bytes, which JSON writes in Base64.
enum ByteFields {
    private static let members = ["Secret": "data", "ConfigMap": "binaryData"]
    private static let paths = [
        "CertificateSigningRequest": ["spec", "request"], "APIService": ["spec", "caBundle"],
        "CustomResourceDefinition": ["spec", "conversion", "webhook", "clientConfig", "caBundle"],
    ]

    /// What an object has in them.
    static func texts(in object: JSONValue, of kind: String) -> [String] {
        if let field = members[kind] {
            return (object[field]?.objectValue ?? [:]).sorted { $0.key < $1.key }.compactMap(\.value.stringValue)
        }
        if let path = paths[kind] { return [path.reduce(object) { $0?[$1] }?.stringValue].compactMap { $0 } }
        guard ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"].contains(kind) else { return [] }
        return (object["webhooks"]?.arrayValue ?? []).compactMap { $0.at("clientConfig", "caBundle")?.stringValue }
    }
}
