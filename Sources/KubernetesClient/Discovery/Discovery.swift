internal import KubernetesObjects

/// Remembers what a server serves, and asks again when a kind is not among it.
///
/// Asks for everything at once (aggregated discovery); a server that does not know that is asked one API version at a
/// time, when it is needed.
actor Discovery {
    private var known: [GroupVersionKind: APIResource] = [:]
    private var isAggregated: Bool?
    /// Versions whose APIService did not answer when the server was last asked.
    private var stale: Set<String> = []
    private var refresh: Task<Void, any Error>?
    private let fetch: @Sendable (_ path: String, _ accept: String) async throws -> JSONValue

    /// - Parameter fetch: Gets a JSON document from the server.
    init(fetch: @escaping @Sendable (_ path: String, _ accept: String) async throws -> JSONValue) {
        self.fetch = fetch
    }

    /// The resource of a type.
    ///
    /// - Throws: ``KubernetesError/Code/unknownKind`` when the server, freshly asked, does not serve it.
    func resource(for type: GroupVersionKind) async throws -> APIResource {
        if let resource = known[type] { return resource }
        try await refreshOnce(for: type)
        if let resource = known[type] { return resource }
        if stale.contains(type.apiVersion) {
            throw KubernetesError(
                code: .notReached,
                message:
                    "the API server cannot say now whether it serves \(type): the APIService of \(type.apiVersion) is not available"
            )
        }
        let others = known.keys.filter { $0.groupKind == type.groupKind }.map(\.apiVersion).sorted()
        let advice =
            others.isEmpty
            ? "is its CustomResourceDefinition installed?" : "it serves \(others.joined(separator: ", "))"
        throw KubernetesError(code: .unknownKind, message: "the API server serves no \(type); \(advice)")
    }

    /// The resource of a type in whatever version the server serves; for objects known without a version.
    func resource(for type: GroupKind, preferring version: String) async throws -> APIResource {
        do {
            return try await resource(for: GroupVersionKind(group: type.group, version: version, kind: type.kind))
        } catch let error as KubernetesError where error.code == .unknownKind {
            // Newest stable first is what string order gives often enough; any served version reads the same object.
            let served = known.values.filter { $0.type.groupKind == type }.sorted { $0.type.version < $1.type.version }
            guard let resource = served.first else { throw error }
            return resource
        }
    }

    /// All resources that the server serves, freshly asked for, each kind in its preferred version first.
    func everything() async throws -> [APIResource] {
        let core = try await fetch("/api", DiscoveryDocuments.accept)
        let groups = try await fetch("/apis", DiscoveryDocuments.accept)
        if let coreResources = DiscoveryDocuments.aggregated(core),
            let groupResources = DiscoveryDocuments.aggregated(groups)
        {
            return coreResources + groupResources
        }
        var resources =
            DiscoveryDocuments.resources(
                try await fetch("/api/v1", "application/json"), group: "", version: "v1") ?? []
        for group in groups["groups"]?.arrayValue ?? [] {
            guard let name = group["name"]?.stringValue,
                let version = group["preferredVersion"]?["version"]?.stringValue
            else { continue }
            let json = try await fetch("/apis/\(name)/\(version)", "application/json")
            resources += DiscoveryDocuments.resources(json, group: name, version: version) ?? []
        }
        return resources
    }

    /// Forgets everything.
    func invalidate() {
        known = [:]
    }

    /// Callers that come while a refresh is under way share it.
    private func refreshOnce(for type: GroupVersionKind) async throws {
        if let refresh {
            try await refresh.value
            if known[type] != nil || isAggregated == true { return }
        }
        // The refresh outlives a caller that is cancelled, since others may wait for it too.
        let task = Task { try await self.load(type) }
        refresh = task
        defer { refresh = nil }
        try await task.value
    }

    private func load(_ type: GroupVersionKind) async throws {
        if isAggregated != false {
            async let core = fetch("/api", DiscoveryDocuments.accept)
            async let groups = fetch("/apis", DiscoveryDocuments.accept)
            if let coreResources = DiscoveryDocuments.aggregated(try await core),
                let groupResources = DiscoveryDocuments.aggregated(try await groups)
            {
                isAggregated = true
                stale = DiscoveryDocuments.stale(try await groups)
                known = Dictionary(
                    (coreResources + groupResources).map { ($0.type, $0) }, uniquingKeysWith: { first, _ in first })
                return
            }
            isAggregated = false
        }
        let path = type.group.isEmpty ? "/api/\(type.version)" : "/apis/\(type.group)/\(type.version)"
        do {
            let json = try await fetch(path, "application/json")
            for resource in DiscoveryDocuments.resources(json, group: type.group, version: type.version) ?? [] {
                known[resource.type] = resource
            }
            stale.remove(type.apiVersion)
        } catch let error as KubernetesError where error.isNotFound {
            return
        } catch let error as KubernetesError where error.status == 503 {
            stale.insert(type.apiVersion)
        }
    }
}
