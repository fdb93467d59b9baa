internal import KubernetesObjects

/// What a request asks to be allowed, read from method, path and query alone as a real API server reads it: before anybody
/// knows whether there is such a resource.
struct Access: Sendable, Hashable {
    var verb: String
    var group = ""
    /// The plural; empty for a path that names no resource.
    var resource = ""
    var subresource = ""
    var namespace = ""
    var name = ""
    /// The whole path.
    var path = ""

    /// The resource as rules name it: `deployments`, `deployments/scale`.
    var qualifiedResource: String { subresource.isEmpty ? resource : "\(resource)/\(subresource)" }

    init(
        verb: String, group: String = "", resource: String, subresource: String = "", namespace: String = "",
        name: String = ""
    ) {
        self.verb = verb
        self.group = group
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
    }

    init(of request: APIRequest) {
        let verbs = ["POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"]
        verb = verbs[request.method] ?? "get"
        path = request.pathText
        var rest = request.path[...]
        switch rest.popFirst() {
        case "api" where rest.count >= 2:
            rest = rest.dropFirst()
        case "apis" where rest.count >= 3:
            group = rest.popFirst() ?? ""
            rest = rest.dropFirst()
        default: return
        }
        if rest.first == "namespaces", rest.count >= 2, let space = rest.dropFirst().first {
            namespace = space
            // A namespace's own subresources belong to it; anything else after its name is a resource within.
            if rest.count > 2, let next = rest.dropFirst(2).first, next != "status", next != "finalize" {
                rest = rest.dropFirst(2)
            }
        }
        resource = rest.popFirst() ?? ""
        name = rest.popFirst() ?? ""
        subresource = rest.popFirst() ?? ""
        guard name.isEmpty else { return }
        switch verb {
        case "get": verb = request.isWatch ? "watch" : "list"
        case "delete": verb = "deletecollection"
        default: return
        }
        // A selection of one object by its name counts as that object.
        for term in (request.query["fieldSelector"] ?? "").split(separator: ",") where term.hasPrefix("metadata.name=")
        {
            name = String(term.dropFirst("metadata.name=".count))
        }
    }

    /// The refusal, in the words that Kubernetes' RBAC always uses.
    func refusal(for caller: Caller) -> APIStatus {
        guard !resource.isEmpty else {
            return APIStatus(
                code: 403, reason: "Forbidden",
                message: "forbidden: User \"\(caller.user)\" cannot \(verb) path \"\(path)\"", details: .object([:]))
        }
        let scope = namespace.isEmpty ? "at the cluster scope" : "in the namespace \"\(namespace)\""
        return forbidden(
            "User \"\(caller.user)\" cannot \(verb) resource \"\(qualifiedResource)\" in API group \"\(group)\" \(scope)"
        )
    }

    /// A refusal for a reason of its own.
    func forbidden(_ reason: String) -> APIStatus {
        let qualified = group.isEmpty ? resource : "\(resource).\(group)"
        return APIStatus(
            code: 403, reason: "Forbidden",
            message: "\(name.isEmpty ? qualified : "\(qualified) \"\(name)\"") is forbidden: \(reason)",
            details: APIStatus.details(name: name, group: group, kind: resource))
    }
}
