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
    private var isRefreshing = false
    /// How the last refresh ended.
    private var outcome: Result<Void, any Error> = .success(())
    private var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    private var nextTicket = 0
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
            if isAggregated == false { try await loadVersions(of: type) }
            if let away = stale.filter({ $0.hasPrefix("\(type.group)/") }).min() {
                throw KubernetesError(
                    code: .notReached,
                    message: "the API server cannot say now where it serves \(type): "
                        + "the APIService of \(away) is not available"
                )
            }
            // Newest stable first is what string order gives often enough; any served version reads the same object.
            let served = known.values.filter { $0.type.groupKind == type }.sorted { $0.type.version < $1.type.version }
            guard let resource = served.first else { throw error }
            return resource
        }
    }

    /// What a server serves.
    struct Catalog: Sendable {
        /// Each kind in its preferred version first.
        var resources: [APIResource]
        /// Versions, as `group/version`, that an APIService stands for which does not answer: what they hold cannot be seen.
        var unavailable: Set<String> = []
    }

    /// All that the server serves, freshly asked for.
    func catalog() async throws -> Catalog {
        let core = try await fetch("/api", DiscoveryDocuments.accept)
        let groups = try await fetch("/apis", DiscoveryDocuments.accept)
        if let coreResources = DiscoveryDocuments.aggregated(core),
            let groupResources = DiscoveryDocuments.aggregated(groups)
        {
            return Catalog(resources: coreResources + groupResources, unavailable: DiscoveryDocuments.stale(groups))
        }
        let json = try await fetch("/api/v1", "application/json")
        var catalog = Catalog(resources: DiscoveryDocuments.resources(json, group: "", version: "v1") ?? [])
        for group in groups["groups"]?.arrayValue ?? [] {
            guard let name = group["name"]?.stringValue else { continue }
            let preferred = group["preferredVersion"]?["version"]?.stringValue
            let served = (group["versions"]?.arrayValue ?? []).compactMap { $0["version"]?.stringValue }
            // Some kinds are served in another version than the group's preferred one alone.
            for version in [preferred].compactMap({ $0 }) + served.filter({ $0 != preferred }) {
                do {
                    let json = try await fetch("/apis/\(name)/\(version)", "application/json")
                    catalog.resources += DiscoveryDocuments.resources(json, group: name, version: version) ?? []
                } catch let error as KubernetesError where error.isNotFound {
                    // The list of groups lags behind a definition that was deleted.
                    continue
                } catch let error as KubernetesError where error.status == 503 {
                    catalog.unavailable.insert("\(name)/\(version)")
                }
            }
        }
        return catalog
    }

    /// Forgets where a type is served, where a request has shown otherwise.
    func forget(_ resource: APIResource) {
        if known[resource.type] == resource { known[resource.type] = nil }
    }

    /// Forgets everything.
    func invalidate() {
        known = [:]
    }

    /// Callers that come while a refresh is under way share it, and its failure. One whose caller is cancelled is taken over
    /// by the next.
    private func refreshOnce(for type: GroupVersionKind) async throws {
        while isRefreshing {
            await refreshEnds()
            try Task.checkCancellation()
            switch outcome {
            case .success: if known[type] != nil || (isAggregated == true && !isRefreshing) { return }
            case .failure(let error): if !(error is CancellationError) { throw error }
            }
        }
        isRefreshing = true
        do {
            try await load(type)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        isRefreshing = false
        let all = waiting
        waiting = [:]
        for continuation in all.values { continuation.resume() }
        try outcome.get()
    }

    private func refreshEnds() async {
        nextTicket += 1
        let ticket = nextTicket
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume()
                } else {
                    waiting[ticket] = continuation
                }
            }
        } onCancel: {
            // A cancellation handler cannot await: the hop to the actor needs a task of its own.
            Task { await self.giveUp(ticket) }
        }
    }

    private func giveUp(_ ticket: Int) { waiting.removeValue(forKey: ticket)?.resume() }

    /// Asks a server that knows no aggregated discovery for every version of a kind's group.
    private func loadVersions(of type: GroupKind) async throws {
        guard !type.group.isEmpty else { return }
        do {
            let group = try await fetch("/apis/\(type.group)", "application/json")
            for entry in group["versions"]?.arrayValue ?? [] {
                guard let version = entry["version"]?.stringValue else { continue }
                try await load(GroupVersionKind(group: type.group, version: version, kind: type.kind))
            }
        } catch let error as KubernetesError where error.isNotFound {
            return
        }
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
