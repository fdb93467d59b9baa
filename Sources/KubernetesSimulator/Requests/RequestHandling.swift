internal import KubernetesObjects

/// Where a path leads.
struct ResourcePath: Sendable {
    var type: ResourceType
    var namespace: String?
    var name: String?
    var subresource: String?
}

// MARK: - From a request to an answer

extension ClusterState {
    /// Answers a request.
    mutating func handle(_ request: APIRequest, now: Double) -> APIResponse {
        instant = now
        do throws(APIStatus) {
            try authorize(request)
            if isOfExtensionServer(request.path) { return .text("service unavailable\n", status: 503) }
            if let answer = try discovery(request) { return answer }
            if let answer = try review(request) { return answer }
            guard let path = try resolve(request) else { return .pageNotFound }
            try RequestOptions.check(request, isOfOne: path.name != nil)
            return try answerGuarded(request, path) { state throws(APIStatus) in
                var response = try state.answer(request, path, now: now)
                Self.addWarnings(Self.deprecations[path.type.apiVersion + "/" + path.type.kind] ?? [], to: &response)
                return response
            }
        } catch {
            return APIResponse(error)
        }
    }

    /// What the server warns of at every use of a kind.
    private static let deprecations = [
        "v1/Endpoints": ["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"]
    ]

    private func resolve(_ request: APIRequest) throws(APIStatus) -> ResourcePath? {
        var parts = request.path[...]
        let apiVersion: String
        switch parts.popFirst() {
        case "api":
            guard parts.popFirst() == "v1" else { return nil }
            apiVersion = "v1"
        case "apis":
            guard let group = parts.popFirst(), let version = parts.popFirst() else { return nil }
            apiVersion = "\(group)/\(version)"
        default: return nil
        }
        guard serves(apiVersion: apiVersion) || ResourceCatalog.virtual[apiVersion] != nil else { return nil }
        var namespace: String?
        if parts.first == "namespaces", parts.count >= 3,
            !(apiVersion == "v1" && parts.count == 3 && ["status", "finalize"].contains(parts.last))
        {
            parts.removeFirst()
            namespace = parts.popFirst()
        }
        guard let plural = parts.popFirst() else { throw .noSuchResource }
        guard let type = type(apiVersion: apiVersion, plural: plural) else {
            let isVirtual = ResourceCatalog.virtual[apiVersion]?.contains { $0.plural == plural } ?? false
            throw isVirtual ? .methodNotAllowed : .noSuchResource
        }
        if type.isNamespaced, namespace == nil, let first = parts.first, !first.isEmpty { throw .noSuchResource }
        if !type.isNamespaced, namespace != nil { throw .noSuchResource }
        let name = parts.popFirst()
        let subresource = parts.popFirst()
        if let subresource, !type.subresources.contains(subresource) { throw .noSuchResource }
        return ResourcePath(type: type, namespace: namespace, name: name, subresource: subresource)
    }

    private mutating func answer(
        _ request: APIRequest, _ path: ResourcePath, now: Double
    ) throws(APIStatus) -> APIResponse {
        let key = ObjectKey(namespace: path.namespace ?? "", name: path.name ?? "")
        switch (request.method, path.name) {
        case ("GET", nil), ("HEAD", nil):
            if request.isWatch { return try watch(request, path) }
            return .json(try list(request, path))
        case ("GET", _?), ("HEAD", _?):
            if request.isWatch {
                var request = request
                request.query["fieldSelector"] = "metadata.name=\(key.name)"
                return try watch(request, path)
            }
            return try read(request, path, key)
        case ("POST", nil):
            return try post(request, path, now: now)
        case ("POST", _?):
            return try postSubresource(request, path, key, now: now)
        case ("PUT", _?):
            return try put(request, path, key, now: now)
        case ("PATCH", _?):
            return try patch(request, path, key, now: now)
        case ("DELETE", _?):
            let options = try deleteOptions(request)
            let result = try delete(path.type, key, options: options, now: now)
            return .json(result)
        case ("DELETE", nil):
            return try deleteCollection(request, path, now: now)
        default:
            throw .methodNotAllowed
        }
    }

    private func read(_ request: APIRequest, _ path: ResourcePath, _ key: ObjectKey) throws(APIStatus) -> APIResponse {
        if let text = request.query["resourceVersion"], !text.isEmpty {
            guard let wanted = UInt64(text) else { throw .unreadableRevision(text) }
            if wanted > store.revision { throw .tooLargeRevision(wanted, current: store.revision) }
        }
        guard let object = store.get(path.type.storage, key)?.value else { throw .notFound(path.type, key.name) }
        switch path.subresource {
        case nil, "status":
            return .json(presented(object, type: path.type, form: ObjectForm(request: request), isList: false))
        case "scale": return .json(try scale(of: object, type: path.type))
        case "log":
            return .text("\(key.name): this container is simulated and writes no log\n")
        default:
            throw APIStatus(
                code: 501, reason: "NotImplemented",
                message: "the simulated server does not serve \(path.type.plural)/\(path.subresource ?? "")")
        }
    }

    /// An object in its kind's version and in the form that the client wants.
    func presented(_ object: JSONValue, type: ResourceType, form: ObjectForm, isList: Bool) -> JSONValue {
        var value = type.toServed(object)
        value["apiVersion"] = .string(type.apiVersion)
        value["kind"] = .string(type.kind)
        switch form {
        case .full: return value
        case .metadataOnly:
            return [
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                "metadata": value["metadata"] ?? .object([:]),
            ]
        case .table(let includes):
            return Table.of(
                [value], type: type, includes: includes,
                metadata: [
                    "resourceVersion": value.at("metadata", "resourceVersion") ?? ""
                ], now: instant)
        }
    }

    private func watch(_ request: APIRequest, _ path: ResourcePath) throws(APIStatus) -> APIResponse {
        let labels = try LabelSelector(parsing: request.query["labelSelector"] ?? "")
        let fields = try FieldSelector(parsing: request.query["fieldSelector"] ?? "", of: path.type)
        var revision: UInt64?
        let wantsInitial = request.isSet("sendInitialEvents")
        if let text = request.query["resourceVersion"], !text.isEmpty, text != "0" {
            guard let number = UInt64(text) else { throw .unreadableRevision(text) }
            revision = wantsInitial ? nil : number
        }
        let timeout = request.query["timeoutSeconds"].flatMap(Double.init) ?? 1800
        return APIResponse(
            status: 200,
            body: .watch(
                WatchRequest(
                    type: path.type, namespace: path.namespace, labels: labels, fields: fields, revision: revision,
                    sendsBookmarks: request.isSet("allowWatchBookmarks"), marksInitialEnd: wantsInitial,
                    timeout: min(max(timeout, 1), 3600), form: ObjectForm(request: request))))
    }

    private mutating func deleteCollection(
        _ request: APIRequest, _ path: ResourcePath, now: Double
    ) throws(APIStatus) -> APIResponse {
        let options = try deleteOptions(request)
        var plain = request
        plain.accept = ""
        let doomed = try list(plain, path)
        for item in doomed["items"]?.arrayValue ?? [] {
            _ = try delete(path.type, item.key, options: options, now: now)
        }
        return .json(doomed)
    }

    private func deleteOptions(_ request: APIRequest) throws(APIStatus) -> DeleteOptions {
        var options = DeleteOptions()
        options.propagation = request.query["propagationPolicy"]
        options.gracePeriod = request.query["gracePeriodSeconds"].flatMap(Int.init)
        options.isDryRun = request.isDryRun
        guard !request.body.isEmpty else { return options }
        let body = try decode(request, expecting: "DeleteOptions")
        options.uid = body.at("preconditions", "uid")?.stringValue
        options.resourceVersion = body.at("preconditions", "resourceVersion")?.stringValue
        options.propagation = body["propagationPolicy"]?.stringValue ?? options.propagation
        options.gracePeriod = body.int("gracePeriodSeconds") ?? options.gracePeriod
        var causes: [APIStatus.Cause] = []
        if body["orphanDependents"] != nil, let policy = options.propagation {
            var findings = Findings()
            findings.invalid(
                "propagationPolicy", .string(policy),
                "orphanDependents and deletionPropagation cannot be both set")
            causes += findings.causes
        }
        if let policy = options.propagation, !["Foreground", "Background", "Orphan"].contains(policy) {
            causes.append(
                APIStatus.Cause(
                    reason: "FieldValueNotSupported",
                    message:
                        "Unsupported value: \"\(policy)\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
                    field: "propagationPolicy"))
        }
        var stages = Findings()
        RequestOptions.dryRun((body["dryRun"]?.arrayValue ?? []).map { $0.stringValue ?? "" }, into: &stages)
        causes += stages.causes
        if !causes.isEmpty { throw RequestOptions.refusal("DeleteOptions", causes) }
        if body["orphanDependents"]?.boolValue == true { options.propagation = "Orphan" }
        if body["dryRun"]?.arrayValue?.contains("All") == true { options.isDryRun = true }
        return options
    }
}
