/// What an API server's 403 says is not granted, read from the sentence that Kubernetes' RBAC always uses:
/// `User "u" cannot patch resource "deployments" in API group "apps" in the namespace "shop"`, or `at the cluster scope`.
struct MissingPermission: Sendable, Hashable {
    var user: String
    var verb: String
    /// The resource, with its group where it has one: `deployments.apps`, `deployments/scale.apps`.
    var resource: String
    /// Nil for the whole cluster.
    var namespace: String?

    /// Nil where the sentence is another one.
    init?(message: String) {
        guard let start = message.firstRange(of: "User \"") else { return nil }
        var rest = message[start.upperBound...]
        func take(until mark: String) -> String? {
            guard let end = rest.firstRange(of: mark) else { return nil }
            let text = String(rest[..<end.lowerBound])
            rest = rest[end.upperBound...]
            return text
        }
        guard let user = take(until: "\" cannot "), let verb = take(until: " resource \""),
            let resource = take(until: "\" in API group \""), let group = take(until: "\" ")
        else { return nil }
        self.user = user
        self.verb = verb
        self.resource = group.isEmpty ? resource : "\(resource).\(group)"
        if rest.hasPrefix("in the namespace \"") {
            rest = rest.dropFirst("in the namespace \"".count)
            guard let namespace = take(until: "\"") else { return nil }
            self.namespace = namespace
        } else if !rest.hasPrefix("at the cluster scope") {
            return nil
        }
    }
}

extension MissingPermission: CustomStringConvertible {
    /// `may not patch deployments.apps in namespace shop; grant it to u`.
    var description: String {
        "may not \(verb) \(resource) \(namespace.map { "in namespace \($0)" } ?? "in the whole cluster"); grant it to \(user)"
    }
}
