internal import KubernetesObjects

// MARK: - Reviews: who am I, and what may I do?

extension ClusterState {
    /// Answers questions about the caller's own rights and name; nil when the request is none.
    func review(_ request: APIRequest) throws(APIStatus) -> APIResponse? {
        guard request.method == "POST", request.path.count == 4, request.path[0] == "apis" else { return nil }
        let caller = request.caller
        switch (request.path[1], request.path[3]) {
        case ("authorization.k8s.io", "selfsubjectaccessreviews"):
            var review = try decode(request, expecting: "SelfSubjectAccessReview")
            let isAllowed = allows(Self.access(askedIn: review), to: caller)
            review["status"] =
                caller == .administrator
                ? ["allowed": true, "reason": "the token's holder may do everything"] : ["allowed": .bool(isAllowed)]
            return .json(review, status: 201)
        case ("authorization.k8s.io", "selfsubjectrulesreviews"):
            var review = try decode(request, expecting: "SelfSubjectRulesReview")
            let everything = [AccessRule(groups: ["*"], resources: ["*"], verbs: ["*"])]
            let rules =
                caller == .administrator
                ? everything : rules(for: caller, in: review["spec"]?["namespace"]?.stringValue ?? "")
            review["status"] = [
                "resourceRules": .array(rules.map(\.json)),
                "nonResourceRules": caller == .administrator
                    ? [["verbs": ["*"], "nonResourceURLs": ["*"]]]
                    : [["verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/version"]]],
                "incomplete": false,
            ]
            return .json(review, status: 201)
        case ("authentication.k8s.io", "selfsubjectreviews"):
            var review = try decode(request, expecting: "SelfSubjectReview")
            review["status"] = [
                "userInfo": [
                    "username": .string(caller.user), "groups": .array(caller.groups.map { .string($0) }),
                ]
            ]
            return .json(review, status: 201)
        default: return nil
        }
    }

    /// What a SelfSubjectAccessReview asks about.
    private static func access(askedIn review: JSONValue) -> Access {
        func text(_ kind: String, _ field: String) -> String { review["spec"]?[kind]?[field]?.stringValue ?? "" }
        guard review["spec"]?["nonResourceAttributes"] == nil else {
            var access = Access(verb: text("nonResourceAttributes", "verb"), resource: "")
            access.path = text("nonResourceAttributes", "path")
            return access
        }
        func attribute(_ field: String) -> String { text("resourceAttributes", field) }
        return Access(
            verb: attribute("verb"), group: attribute("group"), resource: attribute("resource"),
            subresource: attribute("subresource"), namespace: attribute("namespace"), name: attribute("name"))
    }
}

extension AccessRule {
    fileprivate var json: JSONValue {
        func list(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
        var members: [String: JSONValue] = [
            "verbs": list(verbs), "apiGroups": list(groups), "resources": list(resources),
        ]
        if !names.isEmpty { members["resourceNames"] = list(names) }
        return .object(members)
    }
}
