/// What service accounts asked to be allowed, each kind of request once.
struct AccessAudit: Sendable {
    /// The most records kept; what comes beyond is dropped.
    private static let capacity = 4_096

    private(set) var records: Set<SimulatedFleet.AccessRecord> = []

    mutating func note(_ access: Access, by caller: Caller, isAllowed: Bool) {
        guard records.count < Self.capacity else { return }
        records.insert(
            SimulatedFleet.AccessRecord(
                user: caller.user, verb: access.verb, group: access.group, resource: access.qualifiedResource,
                namespace: access.namespace, isAllowed: isAllowed))
    }
}

extension SimulatedFleet {
    /// One kind of request that a service account made, for comparing what it uses with what it is granted.
    public struct AccessRecord: Sendable, Hashable {
        /// `system:serviceaccount:NAMESPACE:NAME`.
        public var user: String
        /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `bind`, `escalate` …
        public var verb: String
        /// The API group; empty for the core.
        public var group: String
        /// The plural, with the subresource where there is one.
        public var resource: String
        /// Empty for the whole cluster.
        public var namespace: String
        /// Whether a role granted it.
        public var isAllowed: Bool
    }

    /// What service accounts asked a cluster to be allowed, each kind of request once; 4,096 at most.
    public func accesses(in cluster: String) async throws(SimulatorError) -> Set<AccessRecord> {
        await (try lookUp(cluster)).accesses
    }
}
