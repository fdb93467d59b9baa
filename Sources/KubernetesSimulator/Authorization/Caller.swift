internal import KubernetesObjects

/// Who asks.
enum Caller: Sendable, Hashable {
    /// The holder of the fleet's own token, who may do everything.
    case administrator
    /// The holder of a token that was issued for a service account, who may do what roles say.
    case serviceAccount(namespace: String, name: String)
    /// Somebody without a token.
    case anonymous

    var user: String {
        switch self {
        case .administrator: "simulated-admin"
        case .serviceAccount(let namespace, let name): "system:serviceaccount:\(namespace):\(name)"
        case .anonymous: "system:anonymous"
        }
    }

    var groups: [String] {
        switch self {
        case .administrator: ["system:masters", "system:authenticated"]
        case .serviceAccount(let namespace, _):
            ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"]
        case .anonymous: ["system:unauthenticated"]
        }
    }

    /// Whether a subject of a binding in a namespace (nil for a binding of the whole cluster) means this caller.
    func isMeant(by subject: JSONValue, bindingNamespace: String?) -> Bool {
        let name = subject["name"]?.stringValue ?? ""
        switch subject["kind"]?.stringValue {
        case "User": return name == user
        case "Group": return groups.contains(name)
        case "ServiceAccount":
            guard let namespace = subject["namespace"]?.stringValue ?? bindingNamespace, !namespace.isEmpty else {
                return false
            }
            return user == "system:serviceaccount:\(namespace):\(name)"
        default: return false
        }
    }
}

// MARK: - Tokens of service accounts

extension ClusterState {
    /// A token that stands for a service account until a moment.
    struct IssuedToken: Sendable {
        var namespace: String
        var name: String
        var expires: Double
    }

    /// The most tokens kept; the one that expires first makes room.
    private static let maximumTokens = 1_024

    /// Makes a token for a service account.
    mutating func issueToken(namespace: String, name: String, expires: Double) -> String {
        let token = "simulated-" + random.uuid()
        if tokens.count >= Self.maximumTokens, let oldest = tokens.min(by: { $0.value.expires < $1.value.expires }) {
            tokens[oldest.key] = nil
        }
        tokens[token] = IssuedToken(namespace: namespace, name: name, expires: expires)
        return token
    }

    /// The service account that a token stands for; nil when it is unknown or expired, or its account is gone.
    func caller(ofToken token: String, now: Double) -> Caller? {
        guard let issued = tokens[token], issued.expires > now,
            store.get("serviceaccounts", ObjectKey(namespace: issued.namespace, name: issued.name)) != nil
        else { return nil }
        return .serviceAccount(namespace: issued.namespace, name: issued.name)
    }
}
