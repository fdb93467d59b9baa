internal import KubernetesObjects

// MARK: - Creating and changing objects

extension ClusterState {
    /// Adds an object: defaults, owners, the server's own fields, validation.
    ///
    /// - Parameter keepsStatus: whether a status that comes with the object counts (the cluster's own objects).
    mutating func create(
        _ given: JSONValue, of type: ResourceType, namespace: String?, author: Author, now: Double,
        dryRun: Bool = false, keepsStatus: Bool = false
    ) throws(APIStatus) -> JSONValue {
        var object = given
        if let namespace {
            try requireNamespace(namespace, for: type)
            object.put(.string(namespace), "metadata", "namespace")
        } else {
            object.put(nil, "metadata", "namespace")
        }
        if object.name.isEmpty, let prefix = object.at("metadata", "generateName")?.stringValue, !prefix.isEmpty {
            object.put(.string(prefix + random.suffix(5)), "metadata", "name")
        }
        for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "selfLink"] {
            object.put(nil, "metadata", field)
        }
        object = Defaults.applied(to: object, resource: type)
        if !author.applies {
            object.put(nil, "metadata", "managedFields")
            let blank: JSONValue = type.isCustom ? ["metadata": .object([:])] : .object([:])
            object = bookkeeping(type, author, now).update(object, from: blank, as: author.identity(type))
        }
        object.put(.string(random.uuid()), "metadata", "uid")
        object.put(.string(Timestamp.text(now)), "metadata", "creationTimestamp")
        if type.countsGenerations { object.put(1, "metadata", "generation") }
        CreationStrategy.prepare(&object, resource: type, state: &self, keepsStatus: keepsStatus)
        let causes = Validation.causes(in: object, resource: type, old: nil)
        guard causes.isEmpty else { throw .invalid(type, object.name, causes) }
        if !author.applies, (given.at("metadata", "resourceVersion")?.stringValue ?? "").isEmpty == false {
            throw APIStatus(
                code: 500, reason: "", message: "resourceVersion should not be set on objects to be created")
        }
        guard store.get(type.storage, object.key) == nil else { throw .alreadyExists(type, object.name) }
        try admit(object, type)
        if dryRun { return object }
        return store.put(type.storage, object, now: now)
    }

    /// What the server's admission plugins refuse of a new object.
    private func admit(_ object: JSONValue, _ type: ResourceType) throws(APIStatus) {
        guard type.kind == "Pod", let name = object.at("spec", "priorityClassName")?.stringValue, !name.isEmpty,
            store.get("priorityclasses.scheduling.k8s.io", ObjectKey(namespace: "", name: name)) == nil
        else { return }
        throw APIStatus(
            code: 403, reason: "Forbidden",
            message: "pods \"\(object.name)\" is forbidden: no PriorityClass with name \(name) was found",
            details: APIStatus.details(name: object.name, group: "", kind: "pods"))
    }

    /// Adds an object that the cluster itself brings.
    @discardableResult
    mutating func createSystemObject(_ storage: String, _ object: JSONValue, now: Double) throws(APIStatus)
        -> JSONValue
    {
        guard let type = builtIn(storage) else { throw .noSuchResource }
        var value = object
        value["apiVersion"] = .string(type.apiVersion)
        value["kind"] = .string(type.kind)
        let namespace = type.isNamespaced ? value.namespace : nil
        let created = try create(
            value, of: type, namespace: namespace, author: .controllerManager, now: now, keepsStatus: true)
        if type.kind == "Namespace" { try furnishNamespace(created.name, now: now) }
        return created
    }

    /// What every namespace holds from the start.
    mutating func furnishNamespace(_ name: String, now: Double) throws(APIStatus) {
        let description =
            "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
        try createSystemObject(
            "configmaps",
            [
                "metadata": [
                    "name": "kube-root-ca.crt", "namespace": .string(name),
                    "annotations": ["kubernetes.io/description": .string(description)],
                ],
                "data": ["ca.crt": ""],
            ], now: now)
        try createSystemObject(
            "configmaps",
            [
                "metadata": [
                    "name": "openshift-service-ca.crt", "namespace": .string(name),
                    "annotations": ["service.beta.openshift.io/inject-cabundle": "true"],
                ],
                "data": ["service-ca.crt": ""],
            ], now: now)
        try createSystemObject(
            "serviceaccounts", ["metadata": ["name": "default", "namespace": .string(name)]], now: now)
    }

    /// Replaces an object (or the part that a subresource stands for) by a new version of it.
    mutating func update(
        _ given: JSONValue, of type: ResourceType, key: ObjectKey, author: Author, now: Double, dryRun: Bool = false
    ) throws(APIStatus) -> JSONValue {
        guard let old = store.get(type.storage, key)?.value else { throw .notFound(type, key.name) }
        if let uid = given.at("metadata", "uid")?.stringValue, uid != old.uid {
            throw .conflict(
                type, key.name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(old.uid)")
        }
        if let revision = given.at("metadata", "resourceVersion")?.stringValue, !revision.isEmpty,
            revision != old.at("metadata", "resourceVersion")?.stringValue
        {
            throw .conflict(type, key.name, APIStatus.modified)
        }
        var new = given
        for field in [
            "uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "namespace",
            "name", "resourceVersion", "generateName",
        ] {
            new.put(old.at("metadata", field), "metadata", field)
        }
        if author.subresource == "status" {
            if type.isCustom {
                let status = new["status"]
                let managed = new.at("metadata", "managedFields")
                new = old
                new["status"] = status
                new.put(managed, "metadata", "managedFields")
            } else {
                new["spec"] = old["spec"]
                new.put(old.at("metadata", "labels"), "metadata", "labels")
            }
        } else if type.hasStatus {
            new["status"] = old["status"]
        }
        new = Defaults.applied(to: new, resource: type)
        carryOver(&new, from: old, type: type)
        if author.subresource.isEmpty { CreationStrategy.countStoredVersions(of: &new, type: type) }
        if !author.applies {
            var blank = new
            // A client may hand fields over by writing the list itself; that is how kubectl migrates to server-side apply.
            let handed = author.subresource.isEmpty ? given.at("metadata", "managedFields") : nil
            blank.put(handed ?? old.at("metadata", "managedFields"), "metadata", "managedFields")
            new = bookkeeping(type, author, now).update(blank, from: old, as: author.identity(type))
        }
        if author.subresource != "status", type.countsGenerations, isNewGeneration(new, old, type: type) {
            new.put(.integer(old.generation + 1), "metadata", "generation")
        }
        if type.kind == "DaemonSet" { CreationStrategy.countTemplates(of: &new, after: old) }
        let causes = Validation.causes(in: new, resource: type, old: old)
        guard causes.isEmpty else { throw .invalid(type, key.name, causes) }
        if Self.isSameButForTimes(new, old) { return old }
        return commit(new, type: type, now: now, dryRun: dryRun)
    }

    /// Stores a changed object, or ends it when its last finalizer is gone.
    mutating func commit(_ object: JSONValue, type: ResourceType, now: Double, dryRun: Bool) -> JSONValue {
        if dryRun { return object }
        let isEnding =
            object.isBeingDeleted && object.finalizers.isEmpty
            && (object.at("metadata", "deletionGracePeriodSeconds")?.intValue ?? 0) == 0
            && type.kind != "Namespace" && type.kind != "Pod"
        let stored = store.put(type.storage, object, now: now)
        if isEnding { store.remove(type.storage, object.key) }
        return stored
    }

    /// Applies a configuration by server-side apply: creates the object or merges into it.
    mutating func apply(
        _ given: JSONValue, of served: ResourceType, namespace: String?, name: String, author: Author,
        now: Double, dryRun: Bool
    ) throws(APIStatus) -> (object: JSONValue, isNew: Bool) {
        let type = served.storedType
        let place = namespace.map { "\($0)/\(name)" } ?? "/\(name)"
        let kind = "\(served.group)/\(served.version), Kind=\(type.kind)"
        if let problem = TypedValue.problem(in: given, shape: served.shape) {
            throw .unmergeable("failed to create typed patch object (\(place); \(kind)): \(problem)")
        }
        let configuration = served.toStored(given)
        let key = ObjectKey(namespace: namespace ?? "", name: name)
        let identity = author.identity(type)
        let merger = bookkeeping(type, author, now)
        do {
            if let live = store.get(type.storage, key)?.value {
                let merged = try merger.apply(configuration, to: live, as: identity, force: author.forces)
                if merged == live { return (live, false) }
                var normalizer = Normalizer()
                var clean = normalizer.normalize(merged, resource: type)
                try checkDecoded(normalizer, type, "\(place); \(kind)")
                clean.put(merged.at("metadata", "managedFields"), "metadata", "managedFields")
                return (try update(clean, of: type, key: key, author: author, now: now, dryRun: dryRun), false)
            }
            var blank: JSONValue = .object([:])
            blank["metadata"] = .object([:])
            let merged = try merger.apply(configuration, to: blank, as: identity, force: author.forces)
            var normalizer = Normalizer()
            var clean = normalizer.normalize(merged, resource: type)
            try checkDecoded(normalizer, type, "\(place); \(kind)")
            clean.put(merged.at("metadata", "managedFields"), "metadata", "managedFields")
            clean.put(.string(name), "metadata", "name")
            return (
                try create(clean, of: type, namespace: namespace, author: author, now: now, dryRun: dryRun), true
            )
        } catch let status as APIStatus {
            throw status
        } catch let stopped as ServerSideApply.Conflicts {
            throw .applyConflict(stopped.conflicts)
        } catch {
            throw .badRequest("\(error)")
        }
    }

    /// Values that merge as texts and are none of their type, such as a quantity that cannot be read.
    private func checkDecoded(
        _ normalizer: Normalizer, _ type: ResourceType, _ what: String
    ) throws(APIStatus) {
        guard let problem = normalizer.mismatch else { return }
        let kind = what.split(separator: "; ").last.map(String.init) ?? ""
        throw .unmergeable(
            "failed to convert new object (\(what)) to proper version: unable to convert unstructured object to \(kind): \(problem)"
        )
    }

    private func bookkeeping(_ type: ResourceType, _ author: Author, _ now: Double) -> ServerSideApply {
        ServerSideApply(shape: type.shape, time: Timestamp.text(now), ignored: author.ignoredFields(type))
    }

    private func requireNamespace(_ name: String, for type: ResourceType) throws(APIStatus) {
        let id = ObjectKey(namespace: "", name: name)
        guard let namespace = store.get("namespaces", id)?.value else {
            throw APIStatus(
                code: 404, reason: "NotFound", message: "namespaces \"\(name)\" not found",
                details: APIStatus.details(name: name, group: "", kind: "namespaces"))
        }
        if namespace.isBeingDeleted {
            let detail = APIStatus.Cause(
                reason: "NamespaceTerminating", message: "namespace \(name) is being terminated",
                field: "metadata.namespace")
            throw APIStatus(
                code: 403, reason: "Forbidden",
                message:
                    "\(type.qualifiedPlural) is forbidden: unable to create new content in namespace \(name) because it is being terminated",
                details: APIStatus.details(name: nil, group: type.group, kind: type.plural, causes: [detail]))
        }
    }

    /// Fields that the server chose at creation and a client may leave out afterwards.
    private func carryOver(_ new: inout JSONValue, from old: JSONValue, type: ResourceType) {
        switch type.kind {
        case "Service":
            for field in ["clusterIP", "clusterIPs", "healthCheckNodePort"] where new.at("spec", field) == nil {
                new.put(old.at("spec", field), "spec", field)
            }
            let ports = old.at("spec", "ports")?.arrayValue ?? []
            Defaults.eachItem(&new, ["spec", "ports"]) { port in
                if port["nodePort"] == nil,
                    let same = ports.first(where: { $0["port"] == port["port"] && $0["protocol"] == port["protocol"] })
                {
                    port["nodePort"] = same["nodePort"]
                }
            }
        case "Pod":
            for field in ["nodeName", "tolerations", "priority"] where new.at("spec", field) == nil {
                new.put(old.at("spec", field), "spec", field)
            }
        default: break
        }
    }

    private func isNewGeneration(_ new: JSONValue, _ old: JSONValue, type: ResourceType) -> Bool {
        if type.kind == "Deployment", new.at("metadata", "annotations") != old.at("metadata", "annotations") {
            return true
        }
        var left = new
        var right = old
        for field in ["metadata", "status"] {
            left[field] = nil
            right[field] = nil
        }
        return left != right
    }

    private static func isSameButForTimes(_ left: JSONValue, _ right: JSONValue) -> Bool {
        func timeless(_ object: JSONValue) -> JSONValue {
            var result = object
            Defaults.eachItem(&result, ["metadata", "managedFields"]) { $0["time"] = nil }
            return result
        }
        return timeless(left) == timeless(right)
    }
}
