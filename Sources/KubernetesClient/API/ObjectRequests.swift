public import KubernetesObjects
internal import NIOHTTP1

/// How an object is applied.
public struct ApplyOptions: Sendable, Hashable {
    /// Who owns the fields that are sent.
    public var fieldManager: String
    /// Whether to take fields from other managers instead of failing.
    public var force: Bool
    /// Whether to only ask what would come of it.
    public var dryRun: Bool
    /// The version that is written over, where it must be that one: the server answers 409 where it is another by now.
    public var version: String?

    /// Creates options.
    public init(fieldManager: String, force: Bool = false, dryRun: Bool = false, version: String? = nil) {
        self.fieldManager = fieldManager
        self.force = force
        self.dryRun = dryRun
        self.version = version
    }
}

/// A change of an existing object.
public enum ObjectPatch: Sendable, Hashable {
    /// RFC 7386.
    case merge(JSONValue)
    /// RFC 6902.
    case json(JSONPatch)
}

/// How an object is deleted.
public struct DeleteOptions: Sendable, Hashable {
    /// What becomes of the objects that it owns.
    public enum Propagation: String, Sendable, Hashable {
        /// They are deleted afterwards.
        case background = "Background"
        /// They are deleted first, and the object waits for them.
        case foreground = "Foreground"
        /// They are left alone.
        case orphan = "Orphan"
    }

    /// Delete only the object with this uid, not another of the same name.
    public var uid: String?
    /// Delete only this state of the object.
    public var resourceVersion: String?
    /// What becomes of the objects that it owns.
    public var propagation: Propagation
    /// Whether to only ask what would come of it.
    public var dryRun: Bool

    /// Creates options.
    public init(
        uid: String? = nil, resourceVersion: String? = nil, propagation: Propagation = .background, dryRun: Bool = false
    ) {
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.propagation = propagation
        self.dryRun = dryRun
    }
}

/// What a delete led to.
public enum DeleteOutcome: Sendable, Hashable {
    /// The object is gone.
    case deleted
    /// The object is marked and goes once its finalizers are done.
    case terminating(KubernetesObject)
    /// There was none.
    case absent
}

extension KubernetesAPI {
    /// An object, or nil when there is none. That its path is not served says nothing of it, and is an error.
    public func get(_ reference: ObjectReference) async throws -> KubernetesObject? {
        try await at(reference.type) { resource in
            let path = try resource.path(namespace: reference.namespace, name: reference.name)
            do {
                return try await object(KubernetesRequest(.GET, path, timeout: options.requestTimeout))
            } catch let error as KubernetesError where error.isNotFound && !error.isPathUnserved {
                return nil
            }
        }
    }

    /// Creates an object. Not sent again when no answer came: it may have been carried out.
    public func create(
        _ object: KubernetesObject, fieldManager: String? = nil, dryRun: Bool = false
    ) async throws -> KubernetesObject {
        try await at(object.type) { resource in
            if resource.isNamespaced, object.namespace == nil {
                _ = try resource.path(namespace: nil, name: object.name)
            }
            let permit = try await permit(.create, object.reference, in: resource, sending: object)
            var request = KubernetesRequest(
                .POST, resource.collectionPath(namespace: object.namespace), permit: permit,
                contentType: "application/json", body: object.json.serializedBytes(), timeout: options.requestTimeout)
            if let fieldManager { request.query.append(("fieldManager", fieldManager)) }
            if dryRun { request.query.append(("dryRun", "All")) }
            return try await self.object(request, isRepeatable: false, about: object)
        }
    }

    /// Replaces an object. A 409 means that it has changed since it was read.
    public func replace(_ object: KubernetesObject) async throws -> KubernetesObject {
        try await at(object.reference, .replace, sending: object) { path, permit in
            try await self.object(
                KubernetesRequest(
                    .PUT, path, permit: permit, contentType: "application/json", body: object.json.serializedBytes(),
                    timeout: options.requestTimeout), about: object)
        }
    }

    /// Applies an object on the server's side: creates it, or changes the fields given and drops those given last time
    /// and not now.
    ///
    /// `status` and `metadata.managedFields` are left out of what is sent.
    public func apply(_ object: KubernetesObject, _ apply: ApplyOptions) async throws -> KubernetesObject {
        var sent = object
        sent.status = nil
        for key in ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"] {
            sent.setMetadata(key, nil)
        }
        if let version = apply.version { sent.setMetadata("resourceVersion", .string(version)) }
        var query = [(name: "fieldManager", value: apply.fieldManager)]
        if apply.force { query.append(("force", "true")) }
        if apply.dryRun { query.append(("dryRun", "All")) }
        let body = sent.json.serializedBytes()
        return try await at(object.reference, .apply, sending: object) { path, permit in
            let request = KubernetesRequest(
                .PATCH, path, permit: permit, query: query, contentType: "application/apply-patch+yaml", body: body,
                timeout: options.requestTimeout)
            return try await self.object(request, about: object)
        }
    }

    /// Changes an existing object.
    ///
    /// - Parameter subresource: `status` or `scale`, to change that alone.
    public func patch(
        _ reference: ObjectReference, _ patch: ObjectPatch, fieldManager: String? = nil, subresource: String? = nil
    ) async throws -> KubernetesObject {
        let type: String
        let body: JSONValue
        switch patch {
        case .merge(let value): (type, body) = ("application/merge-patch+json", value)
        case .json(let value): (type, body) = ("application/json-patch+json", value.json)
        }
        let suffix = subresource.map { "/" + KubernetesRequest.encoded($0) } ?? ""
        return try await at(reference, .patch) { path, permit in
            var request = KubernetesRequest(
                .PATCH, path + suffix, permit: permit, contentType: type, body: body.serializedBytes(),
                timeout: options.requestTimeout)
            if let fieldManager { request.query.append(("fieldManager", fieldManager)) }
            return try await object(request)
        }
    }

    /// Deletes an object; one that is not there is no error.
    public func delete(_ reference: ObjectReference, _ delete: DeleteOptions = DeleteOptions()) async throws
        -> DeleteOutcome
    {
        var body: [String: JSONValue] = [
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": .string(delete.propagation.rawValue),
        ]
        var preconditions: [String: JSONValue] = [:]
        preconditions["uid"] = delete.uid.map(JSONValue.string)
        preconditions["resourceVersion"] = delete.resourceVersion.map(JSONValue.string)
        if !preconditions.isEmpty { body["preconditions"] = .object(preconditions) }
        if delete.dryRun { body["dryRun"] = ["All"] }
        do {
            let answer = try await at(reference, .delete) { path, permit in
                try await exchange.json(
                    KubernetesRequest(
                        .DELETE, path, permit: permit, contentType: "application/json",
                        body: JSONValue.object(body).serializedBytes(), timeout: options.requestTimeout))
            }
            if answer["kind"]?.stringValue == "Status" { return .deleted }
            let object = try KubernetesObject(json: answer)
            // Without finalizers the answer is the object as it last was.
            return object.deletionTimestamp != nil && waits(object) ? .terminating(object) : .deleted
        } catch let error as KubernetesError where error.isNotFound && !error.isPathUnserved {
            return .absent
        }
    }

    private func waits(_ object: KubernetesObject) -> Bool {
        !object.finalizers.isEmpty || !(object.spec?["finalizers"]?.arrayValue ?? []).isEmpty
            || object.json["metadata"]?["deletionGracePeriodSeconds"]?.intValue ?? 0 > 0
    }

    /// Changes something at an object's path, with leave.
    private func at<Result>(
        _ reference: ObjectReference, _ verb: IntendedWrite.Verb, sending object: KubernetesObject? = nil,
        _ body: (_ path: String, _ permit: WritePermit) async throws -> Result
    ) async throws -> Result {
        try await at(reference.type) { resource in
            let path = try resource.path(namespace: reference.namespace, name: reference.name)
            return try await body(path, try await permit(verb, reference, in: resource, sending: object))
        }
    }

    /// - Parameter sent: The object that the request carries: a refusal may quote what is in it.
    func object(
        _ request: KubernetesRequest, isRepeatable: Bool = true, about sent: KubernetesObject? = nil
    ) async throws -> KubernetesObject {
        do {
            return try KubernetesObject(json: try await exchange.json(request, isRepeatable: isRepeatable))
        } catch let error as KubernetesError {
            throw sent.map { SecretMask.hidingValues(of: $0, in: error) } ?? error
        }
    }
}
