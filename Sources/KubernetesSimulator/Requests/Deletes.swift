internal import KubernetesObjects

/// What a DELETE asks for.
struct DeleteOptions: Sendable {
    var uid: String?
    var resourceVersion: String?
    /// `Background`, `Foreground`, `Orphan`; nil for the kind's own default.
    var propagation: String?
    var gracePeriod: Int?
    var isDryRun = false
}

extension ClusterState {
    /// Deletes an object, or marks it when something has to happen first.
    ///
    /// - Returns: the answer's body: `kind: Status` when the object is gone, else the marked object.
    mutating func delete(
        _ type: ResourceType, _ key: ObjectKey, options: DeleteOptions, now: Double
    ) throws(APIStatus) -> JSONValue {
        guard let old = store.get(type.storage, key)?.value else { throw .notFound(type, key.name) }
        if let uid = options.uid, uid != old.uid {
            throw APIStatus(
                code: 409, reason: "Conflict",
                message:
                    "Operation cannot be fulfilled on \(type.kind) \"\(key.name)\": the UID in the precondition (\(uid)) does not match the UID in record (\(old.uid)). The object might have been deleted and then recreated",
                details: APIStatus.details(name: key.name, group: type.group, kind: type.kind))
        }
        if let revision = options.resourceVersion, revision != old.at("metadata", "resourceVersion")?.stringValue {
            throw APIStatus(
                code: 409, reason: "Conflict",
                message:
                    "Operation cannot be fulfilled on \(type.kind) \"\(key.name)\": the ResourceVersion in the precondition (\(revision)) does not match the ResourceVersion in record (\(old.at("metadata", "resourceVersion")?.stringValue ?? "")). The object might have been modified",
                details: APIStatus.details(name: key.name, group: type.group, kind: type.kind))
        }
        let gone: JSONValue = [
            "kind": "Status", "apiVersion": "v1", "metadata": .object([:]), "status": "Success",
            "details": Self.successDetails(type, old),
        ]
        var object = old
        if type.kind == "Namespace" {
            if ["default", "kube-public", "kube-system"].contains(key.name) {
                throw APIStatus(
                    code: 403, reason: "Forbidden",
                    message: "namespaces \"\(key.name)\" is forbidden: this namespace may not be deleted",
                    details: APIStatus.details(name: key.name, group: "", kind: "namespaces"))
            }
            if !object.isBeingDeleted {
                object.put(.string(Timestamp.text(now)), "metadata", "deletionTimestamp")
                object.put("Terminating", "status", "phase")
                if !options.isDryRun { object = store.put(type.storage, object, now: now) }
            }
            return object
        }
        if type.kind == "CustomResourceDefinition" {
            return markDefinition(object, type: type, now: now, dryRun: options.isDryRun)
        }
        let fallback = type.kind == "Job" ? "Orphan" : "Background"
        var finalizers = object.finalizers
        switch options.propagation ?? (object.isBeingDeleted ? nil : fallback) {
        case "Foreground": finalizers = finalizers.filter { $0 != "orphan" } + ["foregroundDeletion"]
        case "Orphan" where !dependents(of: old.uid).isEmpty:
            finalizers = finalizers.filter { $0 != "foregroundDeletion" } + ["orphan"]
        default: break
        }
        finalizers = finalizers.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        var grace = 0
        if type.kind == "Pod" {
            grace = options.gracePeriod ?? object.int("spec", "terminationGracePeriodSeconds") ?? 30
            let phase = object.at("status", "phase")?.stringValue
            if phase == "Succeeded" || phase == "Failed" || object.at("spec", "nodeName") == nil { grace = 0 }
        }
        if finalizers.isEmpty, grace == 0 {
            if !options.isDryRun { store.remove(type.storage, key) }
            return gone
        }
        if !object.isBeingDeleted {
            object.put(.string(Timestamp.text(now + Double(grace))), "metadata", "deletionTimestamp")
            object.put(.integer(Int64(grace)), "metadata", "deletionGracePeriodSeconds")
            if object.generation > 0 { object.put(.integer(object.generation + 1), "metadata", "generation") }
        } else if let old = object.int("metadata", "deletionGracePeriodSeconds"), grace < old {
            object.put(.integer(Int64(grace)), "metadata", "deletionGracePeriodSeconds")
        }
        if finalizers != object.finalizers {
            object.put(.array(finalizers.map { .string($0) }), "metadata", "finalizers")
        }
        if options.isDryRun || object == old { return object }
        return store.put(type.storage, object, now: now)
    }

    private static func successDetails(_ type: ResourceType, _ object: JSONValue) -> JSONValue {
        var details = APIStatus.details(name: object.name, group: type.group, kind: type.plural)
        details["uid"] = .string(object.uid)
        return details
    }

    private mutating func markDefinition(
        _ object: JSONValue, type: ResourceType, now: Double, dryRun: Bool
    ) -> JSONValue {
        guard !object.isBeingDeleted else { return object }
        var marked = object
        marked.put(.string(Timestamp.text(now)), "metadata", "deletionTimestamp")
        var conditions = object.at("status", "conditions")?.arrayValue ?? []
        conditions.append([
            "type": "Terminating", "status": "True", "lastTransitionTime": .string(Timestamp.text(now)),
            "reason": "InstanceDeletionPending",
            "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        ])
        marked.put(.array(conditions), "status", "conditions")
        marked.put(["customresourcecleanup.apiextensions.k8s.io"], "metadata", "finalizers")
        return dryRun ? marked : store.put(type.storage, marked, now: now)
    }

    /// Objects that name this UID as an owner, with their kinds.
    func dependents(of uid: String) -> [(type: ResourceType, object: JSONValue)] {
        var result: [(type: ResourceType, object: JSONValue)] = []
        for type in storedTypes {
            for stored in store.all(type.storage) where stored.value.isOwned(by: uid) {
                result.append((type, stored.value))
            }
        }
        return result
    }

    /// One kind for each storage, the first registered version of it.
    var storedTypes: [ResourceType] {
        var seen: Set<String> = []
        return servedTypes.filter { seen.insert($0.storage).inserted }
    }
}
