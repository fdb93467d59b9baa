internal import KubernetesObjects

// MARK: - POST, PUT and PATCH

extension ClusterState {
    mutating func post(_ request: APIRequest, _ path: ResourcePath, now: Double) throws(APIStatus) -> APIResponse {
        var warnings: [String] = []
        let object = try decodeObject(request, type: path.type, warnings: &warnings)
        try checkNamespace(object, path)
        let created = try create(
            path.type.toStored(object), of: path.type.storedType, namespace: path.namespace,
            author: author(of: request, path), now: now, dryRun: request.isDryRun)
        if path.type.kind == "Namespace", !request.isDryRun { try furnishNamespace(created.name, now: now) }
        var response = APIResponse.json(
            presented(created, type: path.type, form: ObjectForm(request: request), isList: false), status: 201)
        Self.addWarnings(warnings, to: &response)
        return response
    }

    private func author(of request: APIRequest, _ path: ResourcePath) -> Author {
        Author(
            manager: request.manager, subresource: path.subresource ?? "",
            apiVersion: path.type.conversion == nil ? nil : path.type.apiVersion)
    }

    mutating func put(
        _ request: APIRequest, _ path: ResourcePath, _ key: ObjectKey, now: Double
    ) throws(APIStatus) -> APIResponse {
        if path.subresource == "scale" {
            let scale = try decode(request, expecting: "Scale")
            try checkName(scale, key)
            return .json(try setScale(scale, request, path, key, now: now))
        }
        if path.subresource == "finalize" {
            guard let object = store.get(path.type.storage, key)?.value else { throw .notFound(path.type, key.name) }
            return .json(object)
        }
        var warnings: [String] = []
        let object = try decodeObject(request, type: path.type, warnings: &warnings)
        try checkName(object, key)
        try checkNamespace(object, path)
        let updated = try update(
            path.type.toStored(object), of: path.type.storedType, key: key, author: author(of: request, path), now: now,
            dryRun: request.isDryRun)
        var response = APIResponse.json(
            presented(updated, type: path.type, form: ObjectForm(request: request), isList: false))
        Self.addWarnings(warnings, to: &response)
        return response
    }

    mutating func patch(
        _ request: APIRequest, _ path: ResourcePath, _ key: ObjectKey, now: Double
    ) throws(APIStatus) -> APIResponse {
        let format = request.contentType.split(separator: ";").first.map(String.init) ?? ""
        let known = [
            "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
            "application/strategic-merge-patch+json",
        ]
        guard known.contains(format), !(format == known[3] && path.type.isCustom) else {
            throw APIStatus(
                code: 415, reason: "UnsupportedMediaType", message: "415: Unsupported Media Type",
                details: .object([:]))
        }
        if format == known[0] { return try applyPatch(request, path, key, now: now) }
        guard let live = store.get(path.type.storage, key)?.value else { throw .notFound(path.type, key.name) }
        let base =
            path.subresource == "scale"
            ? try scale(of: live, type: path.type)
            : presented(
                live, type: path.type, form: .full, isList: false)
        let patch: JSONValue
        do {
            patch = try JSONValue(parsing: request.body, duplicateKeys: .keepLast)
        } catch {
            throw .badRequest("error decoding patch: \(error)")
        }
        var new: JSONValue
        switch format {
        case known[1]:
            do {
                new = try JSONPatch(json: patch).apply(to: base)
            } catch {
                throw APIStatus(
                    code: 422, reason: "Invalid",
                    message: "the server rejected our request due to an error in our request", details: .object([:]))
            }
        case known[2]: new = base.applying(mergePatch: patch)
        default:
            let shape: Shape = path.subresource == "scale" ? .named("Scale") : path.type.shape
            new = StrategicMergePatch.apply(patch, to: base, shape: shape) ?? .object([:])
        }
        if path.subresource == "scale" { return .json(try setScale(new, request, path, key, now: now)) }
        var warnings: [String] = []
        new = try checked(new, request, type: path.type, warnings: &warnings)
        try checkName(new, key)
        let updated = try update(
            path.type.toStored(new), of: path.type.storedType, key: key, author: author(of: request, path), now: now,
            dryRun: request.isDryRun)
        var response = APIResponse.json(
            presented(updated, type: path.type, form: ObjectForm(request: request), isList: false))
        Self.addWarnings(warnings, to: &response)
        return response
    }

    private mutating func applyPatch(
        _ request: APIRequest, _ path: ResourcePath, _ key: ObjectKey, now: Double
    ) throws(APIStatus) -> APIResponse {
        if (request.query["fieldManager"] ?? "").isEmpty {
            let cause = APIStatus.Cause(
                reason: "FieldValueRequired", message: "Required value: is required for apply patch",
                field: "fieldManager")
            throw APIStatus(
                code: 422, reason: "Invalid",
                message:
                    "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
                details: APIStatus.details(name: nil, group: "meta.k8s.io", kind: "PatchOptions", causes: [cause]))
        }
        var configuration = try yaml(request.body, prefix: "error decoding YAML: ")
        guard configuration.objectValue != nil else { throw .badRequest("the patch is not an object") }
        let kind = configuration["kind"]?.stringValue ?? ""
        let apiVersion = configuration["apiVersion"]?.stringValue ?? ""
        guard kind == path.type.kind, apiVersion == path.type.apiVersion else {
            throw .badRequest("invalid object type: \(apiVersion), Kind=\(kind)")
        }
        try checkName(configuration, key)
        try checkNamespace(configuration, path)
        if configuration.at("metadata", "managedFields")?.arrayValue?.isEmpty == false {
            throw .badRequest("metadata.managedFields must be nil")
        }
        configuration = Self.withoutNulls(configuration) ?? configuration
        var author = author(of: request, path)
        author.applies = true
        author.forces = request.isSet("force")
        if store.get(path.type.storage, key) == nil {
            if path.subresource != nil { throw .notFound(path.type, key.name) }
            try authorize(request, verb: "create")
        }
        let result = try apply(
            configuration, of: path.type, namespace: path.namespace, name: key.name, author: author, now: now,
            dryRun: request.isDryRun)
        if result.isNew, path.type.kind == "Namespace", !request.isDryRun {
            try furnishNamespace(key.name, now: now)
        }
        return .json(
            presented(result.object, type: path.type, form: ObjectForm(request: request), isList: false),
            status: result.isNew ? 201 : 200)
    }

    /// Members that a manifest leaves null say nothing.
    private static func withoutNulls(_ value: JSONValue) -> JSONValue? {
        switch value {
        case .null: nil
        case .object(let members): .object(members.compactMapValues(withoutNulls))
        default: value
        }
    }

    private func checkName(_ object: JSONValue, _ key: ObjectKey) throws(APIStatus) {
        if object.name.isEmpty {
            throw .badRequest(
                "the name of the object (\(key.name) based on URL) was undeterminable: name must be provided")
        }
        guard object.name != key.name else { return }
        throw .badRequest("the name of the object (\(object.name)) does not match the name on the URL (\(key.name))")
    }

    private func checkNamespace(_ object: JSONValue, _ path: ResourcePath) throws(APIStatus) {
        guard path.type.isNamespaced, let namespace = path.namespace, !object.namespace.isEmpty,
            object.namespace != namespace
        else { return }
        throw .badRequest(
            "the namespace of the provided object does not match the namespace sent on the request")
    }

    // MARK: Subresources

    mutating func postSubresource(
        _ request: APIRequest, _ path: ResourcePath, _ key: ObjectKey, now: Double
    ) throws(APIStatus) -> APIResponse {
        switch (path.type.kind, path.subresource) {
        case ("Pod", "eviction"):
            try checkBudgets(of: key)
            _ = try delete(path.type, key, options: DeleteOptions(), now: now)
            return .json(
                ["kind": "Status", "apiVersion": "v1", "metadata": .object([:]), "status": "Success", "code": 201],
                status: 201)
        case ("ServiceAccount", "token"):
            guard store.get(path.type.storage, key) != nil else { throw .notFound(path.type, key.name) }
            var review = try decode(request, expecting: "TokenRequest")
            let lasting = min(max(review.int("spec", "expirationSeconds") ?? 3_600, 600), 1 << 32)
            let expires = now + Double(lasting)
            review["status"] = [
                "token": .string(issueToken(namespace: key.namespace, name: key.name, expires: expires)),
                "expirationTimestamp": .string(Timestamp.text(expires)),
            ]
            return .json(review, status: 201)
        default:
            throw .methodNotAllowed
        }
    }

    /// A pod is not evicted where that would leave fewer than its budget asks for.
    private func checkBudgets(of key: ObjectKey) throws(APIStatus) {
        guard let pod = store.get("pods", key)?.value, PodFacts.isActive(pod) else { return }
        for budget in store.all("poddisruptionbudgets.policy", namespace: key.namespace).map(\.value)
        where LabelSelector(object: budget.at("spec", "selector")).matches(pod.at("metadata", "labels"))
            && (budget.int("status", "disruptionsAllowed") ?? 0) < 1
        {
            let needed = budget.int("status", "desiredHealthy") ?? 0
            let cause: JSONValue = [
                "reason": "DisruptionBudget",
                "message": .string(
                    "The disruption budget \(budget.name) needs \(needed) healthy pods and has \(budget.int("status", "currentHealthy") ?? 0) currently"
                ),
            ]
            throw APIStatus(
                code: 429, reason: "TooManyRequests",
                message: "Cannot evict pod as it would violate the pod's disruption budget.",
                details: ["causes": [cause]])
        }
    }

    /// The scale of a workload.
    func scale(of object: JSONValue, type: ResourceType) throws(APIStatus) -> JSONValue {
        let specPath = type.scalePaths?.spec ?? ".spec.replicas"
        let statusPath = type.scalePaths?.status ?? ".status.replicas"
        var status: [String: JSONValue] = ["replicas": Self.value(in: object, at: statusPath) ?? 0]
        if type.isCustom {
            if let path = type.scalePaths?.selector, let text = Self.value(in: object, at: path) {
                status["selector"] = text
            }
        } else {
            let labels = object.at("spec", "selector", "matchLabels")?.objectValue ?? [:]
            let text = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.stringValue ?? "")" }
            status["selector"] = .string(text.joined(separator: ","))
        }
        var metadata: [String: JSONValue] = ["name": .string(object.name), "namespace": .string(object.namespace)]
        for field in ["uid", "resourceVersion", "creationTimestamp"] {
            metadata[field] = object.at("metadata", field)
        }
        return [
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": .object(metadata),
            "spec": ["replicas": Self.value(in: object, at: specPath) ?? 0], "status": .object(status),
        ]
    }

    private mutating func setScale(
        _ scale: JSONValue, _ request: APIRequest, _ path: ResourcePath, _ key: ObjectKey, now: Double
    ) throws(APIStatus) -> JSONValue {
        guard let live = store.get(path.type.storage, key)?.value else { throw .notFound(path.type, key.name) }
        guard let replicas = scale.at("spec", "replicas"), replicas.intValue != nil else {
            throw .badRequest("spec.replicas of the scale is not a number")
        }
        if let revision = scale.at("metadata", "resourceVersion")?.stringValue, !revision.isEmpty,
            revision != live.at("metadata", "resourceVersion")?.stringValue
        {
            throw .conflict(path.type, key.name, APIStatus.modified)
        }
        var new = live
        let steps = (path.type.scalePaths?.spec ?? ".spec.replicas").split(separator: ".").map(String.init)
        if steps.count == 2 { new.put(replicas, steps[0], steps[1]) }
        let author = Author(manager: request.manager, subresource: "scale")
        var updated = try update(new, of: path.type, key: key, author: author, now: now, dryRun: true)
        if updated != live {
            Defaults.eachItem(&updated, ["metadata", "managedFields"]) { entry in
                if entry["subresource"] == "scale" { entry["time"] = nil }
            }
            updated.put(ManagedFields(of: updated).entries, "metadata", "managedFields")
            if !request.isDryRun { updated = store.put(path.type.storage, updated, now: now) }
        }
        return try self.scale(of: updated, type: path.type)
    }

    private static func value(in object: JSONValue, at path: String) -> JSONValue? {
        var current: JSONValue? = object
        for step in path.split(separator: ".") { current = current?[String(step)] }
        return current
    }
}
