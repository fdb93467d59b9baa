internal import FoundationEssentials
internal import KubernetesObjects

/// What of a manifest is sent to a server that merges: all of it, but for what such a server would take for an assignment that it is
/// not. Pure.
enum ManifestForm {
    /// The object as it is sent.
    static func applied(_ object: KubernetesObject) -> KubernetesObject {
        var sent = object
        sent.status = nil
        switch (object.type.group, object.kind) {
        case ("", "Secret"): encodeClearText(of: &sent)
        case ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
            ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"):
            guard let webhooks = sent["webhooks"]?.arrayValue else { break }
            sent["webhooks"] = .array(webhooks.map { leavingAuthority(of: $0, at: ["clientConfig"]) })
        case ("apiregistration.k8s.io", "APIService"):
            if let spec = sent.spec { sent.spec = leavingAuthority(of: spec, at: []) }
        case ("apiextensions.k8s.io", "CustomResourceDefinition"):
            if let spec = sent.spec {
                sent.spec = leavingAuthority(of: spec, at: ["conversion", "webhook", "clientConfig"])
            }
        default: break
        }
        return sent
    }

    /// `stringData` is written and never read: nobody owns what the server makes of it, so that a key once dropped would stay for
    /// ever. The same values as `data` are owned like any field; they win, as they do in the server.
    private static func encodeClearText(of secret: inout KubernetesObject) {
        guard let clear = secret["stringData"] else { return }
        guard let members = clear.objectValue ?? (clear.isNull ? [:] : nil) else { return }
        let texts = members.compactMapValues(\.stringValue)
        var data = secret["data"]?.objectValue ?? [:]
        // What is no text, or beside something that is no map, the server refuses with better words.
        guard texts.count == members.count, secret["data"].map({ $0.objectValue != nil || $0.isNull }) ?? true else {
            return
        }
        for (key, text) in texts { data[key] = .string(Data(text.utf8).base64EncodedString()) }
        secret["stringData"] = nil
        if !data.isEmpty { secret["data"] = .object(data) }
    }

    /// A certificate authority that is empty, or a line's end as generators write it, is there to be filled in by somebody else,
    /// such as the webhook's own program. Sent, it would be taken back from them at every look.
    private static func leavingAuthority(of value: JSONValue, at path: [String]) -> JSONValue {
        var result = value
        guard let first = path.first else {
            if isPlaceholder(value["caBundle"]) { result["caBundle"] = nil }
            return result
        }
        if let inner = value[first], inner.objectValue != nil {
            result[first] = leavingAuthority(of: inner, at: Array(path.dropFirst()))
        }
        return result
    }

    private static func isPlaceholder(_ value: JSONValue?) -> Bool {
        switch value {
        case .null: true
        case .string(let text): ["", "Cg==", "Cg", "\n"].contains(text)
        default: false
        }
    }
}
