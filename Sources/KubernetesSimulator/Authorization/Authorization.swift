internal import KubernetesObjects

// MARK: - May the caller do this?

extension ClusterState {
    /// Paths beside resources that are open to all, by `system:public-info-viewer`.
    private static let publicPaths: Set<String> = ["version", "healthz", "livez", "readyz"]
    /// Those that are open to everybody with a token, by `system:discovery`.
    private static let discoveryPaths: Set<String> = ["api", "apis", "openapi"]

    /// Whether a caller may do something.
    func allows(_ access: Access, to caller: Caller) -> Bool {
        if caller == .administrator { return true }
        if access.resource.isEmpty {
            let first = access.path.split(separator: "/").first.map(String.init) ?? ""
            return access.verb == "get"
                && (Self.publicPaths.contains(first)
                    || (caller != .anonymous && Self.discoveryPaths.contains(first)))
        }
        return rules(for: caller, in: access.namespace).contains { $0.allows(access) }
    }

    /// Refuses what the request's caller may not do.
    ///
    /// - Parameter verb: In place of the one that the request's method means, such as `create` for an apply that creates.
    mutating func authorize(_ request: APIRequest, verb: String? = nil) throws(APIStatus) {
        if request.caller == .administrator { return }
        var access = Access(of: request)
        if let verb { access.verb = verb }
        guard isAllowed(access, to: request.caller) else { throw access.refusal(for: request.caller) }
    }

    /// Decides, and notes what was decided.
    private mutating func isAllowed(_ access: Access, to caller: Caller) -> Bool {
        let isAllowed = allows(access, to: caller)
        if !access.resource.isEmpty { audit.note(access, by: caller, isAllowed: isAllowed) }
        return isAllowed
    }

    /// Answers a request whose caller may make it, and takes back a write that hands out rights which its caller lacks.
    mutating func answerGuarded(
        _ request: APIRequest, _ path: ResourcePath, _ answer: (inout ClusterState) throws(APIStatus) -> APIResponse
    ) throws(APIStatus) -> APIResponse {
        guard request.caller != .administrator, path.type.group == Self.accessGroup,
            ["POST", "PUT", "PATCH"].contains(request.method)
        else { return try answer(&self) }
        let before = store
        let response = try answer(&self)
        guard case .json(let written) = response.body, written["kind"]?.stringValue == path.type.kind else {
            return response
        }
        // What counts is what the caller held before this write.
        let after = store
        store = before
        let key = ObjectKey(namespace: path.namespace ?? "", name: written.name)
        try refuseEscalation(to: written, from: before.get(path.type.storage, key)?.value, request, path)
        store = after
        return response
    }

    /// Nobody hands out what he does not hold, unless allowed to `escalate` the role or to `bind` to it.
    private mutating func refuseEscalation(
        to new: JSONValue, from old: JSONValue?, _ request: APIRequest, _ path: ResourcePath
    ) throws(APIStatus) {
        var access = Access(of: request)
        access.name = new.name
        let handedOut: [AccessRule]
        var needed = access
        if path.type.kind.hasSuffix("Binding") {
            if let old, old["roleRef"] == new["roleRef"], old["subjects"] == new["subjects"] { return }
            let kind = new["roleRef"]?["kind"]?.stringValue ?? ""
            let role = new["roleRef"]?["name"]?.stringValue ?? ""
            needed.verb = "bind"
            needed.resource = kind == "Role" ? "roles" : "clusterroles"
            needed.name = role
            if isAllowed(needed, to: request.caller) { return }
            guard let rules = rules(ofRole: new["roleRef"], in: path.namespace ?? "") else {
                throw APIStatus(
                    code: 404, reason: "NotFound",
                    message: "\(needed.resource).\(Self.accessGroup) \"\(role)\" not found",
                    details: APIStatus.details(name: role, group: Self.accessGroup, kind: needed.resource))
            }
            handedOut = rules
        } else {
            if let old, old["rules"] == new["rules"] { return }
            needed.verb = "escalate"
            if isAllowed(needed, to: request.caller) { return }
            handedOut = Self.rules(in: new)
        }
        let held = rules(for: request.caller, in: path.namespace ?? "")
        let missing = handedOut.flatMap(\.parts).filter { part in !held.contains { $0.covers(part) } }
        guard !missing.isEmpty else { return }
        let groups = request.caller.groups.map { "\"\($0)\"" }.joined(separator: " ")
        throw access.forbidden(
            "user \"\(request.caller.user)\" (groups=[\(groups)]) is attempting to grant RBAC permissions not currently held:\n"
                + missing.map(\.text).joined(separator: "\n"))
    }
}
