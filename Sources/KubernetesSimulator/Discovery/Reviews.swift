internal import KubernetesObjects

// MARK: - Reviews: who am I, and what may I do?

extension ClusterState {
    /// Answers questions about rights and names; nil when the request is none.
    func review(_ request: APIRequest) throws(APIStatus) -> APIResponse? {
        let parts = request.path
        guard request.method == "POST", parts.count >= 4, parts[0] == "apis", parts[2] == "v1",
            parts.count == 4 || (parts.count == 6 && parts[3] == "namespaces"), let plural = parts.last,
            let type = ResourceCatalog.virtual["\(parts[1])/v1"]?.first(where: { $0.plural == plural })
        else { return nil }
        var review = try decode(request, expecting: type.kind)
        review["kind"] = .string(type.kind)
        review["apiVersion"] = .string(type.apiVersion)
        review["status"] = verdict(on: review, kind: type.kind, caller: request.caller)
        return .json(review, status: 201)
    }

    private func verdict(on review: JSONValue, kind: String, caller: Caller) -> JSONValue {
        switch kind {
        case "SelfSubjectAccessReview":
            if caller == .administrator { return ["allowed": true, "reason": "the token's holder may do everything"] }
            return ["allowed": .bool(allows(Self.access(askedIn: review), to: caller))]
        case "SubjectAccessReview", "LocalSubjectAccessReview":
            let subject = Self.caller(named: review["spec"])
            return ["allowed": .bool(subject.map { allows(Self.access(askedIn: review), to: $0) } ?? false)]
        case "SelfSubjectRulesReview":
            let everything = [AccessRule(groups: ["*"], resources: ["*"], verbs: ["*"])]
            let rules =
                caller == .administrator
                ? everything : rules(for: caller, in: review["spec"]?["namespace"]?.stringValue ?? "")
            return [
                "resourceRules": .array(rules.map(\.json)),
                "nonResourceRules": caller == .administrator
                    ? [["verbs": ["*"], "nonResourceURLs": ["*"]]]
                    : [["verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/version"]]],
                "incomplete": false,
            ]
        case "TokenReview":
            let token = review.at("spec", "token")?.stringValue ?? ""
            guard let holder = self.caller(ofToken: token, now: instant) else { return ["user": .object([:])] }
            return ["authenticated": true, "user": Self.user(holder)]
        default: return ["userInfo": Self.user(caller)]
        }
    }

    private static func user(_ caller: Caller) -> JSONValue {
        ["username": .string(caller.user), "groups": .array(caller.groups.map { .string($0) })]
    }

    /// The service account or administrator that a review asks about; nil for anybody else, who may do nothing.
    private static func caller(named spec: JSONValue?) -> Caller? {
        let user = spec?["user"]?.stringValue ?? ""
        if user == Caller.administrator.user { return .administrator }
        let parts = user.split(separator: ":").map(String.init)
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount" else { return nil }
        return .serviceAccount(namespace: parts[2], name: parts[3])
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
