/// A Kubernetes object of any type, over its JSON form.
///
/// Reading never fails: a field that is missing or of another type is nil. ``ObjectValidation`` tells what is wrong.
public struct KubernetesObject: Sendable, Hashable {
    /// The object's JSON form; always a JSON object.
    public private(set) var json: JSONValue

    /// Wraps a JSON object.
    ///
    /// - Throws: ``KubernetesObjectError`` when the value is not an object.
    public init(json: JSONValue) throws {
        guard case .object = json else {
            throw KubernetesObjectError(
                code: .invalidObject, message: "a Kubernetes object is a JSON object, not \(json.typeName)")
        }
        self.json = json
    }

    /// Creates an object with its identity and nothing else.
    public init(type: GroupVersionKind, namespace: String? = nil, name: String) {
        var metadata: [String: JSONValue] = ["name": .string(name)]
        metadata["namespace"] = namespace.map(JSONValue.string)
        self.json = .object([
            "apiVersion": .string(type.apiVersion), "kind": .string(type.kind), "metadata": .object(metadata),
        ])
    }

    /// Parses JSON text.
    public init(parsing bytes: some Sequence<UInt8>) throws {
        try self.init(json: JSONValue(parsing: bytes, duplicateKeys: .keepLast))
    }

    /// The member of the object's top level. Setting it to nil removes it.
    public subscript(key: String) -> JSONValue? {
        get { json[key] }
        set { json[key] = newValue }
    }

    /// `apiVersion`; empty when missing.
    public var apiVersion: String { json["apiVersion"]?.stringValue ?? "" }
    /// `kind`; empty when missing.
    public var kind: String { json["kind"]?.stringValue ?? "" }
    /// The object's type.
    public var type: GroupVersionKind { GroupVersionKind(apiVersion: apiVersion, kind: kind) }
    /// Which object this is.
    public var reference: ObjectReference { ObjectReference(type: type, namespace: namespace, name: name) }

    /// `metadata`.
    public var metadata: [String: JSONValue] { json["metadata"]?.objectValue ?? [:] }
    /// `metadata.name`; empty when missing.
    public var name: String { metadataText("name") ?? "" }
    /// `metadata.uid`.
    public var uid: String? { metadataText("uid") }
    /// `metadata.resourceVersion`.
    public var resourceVersion: String? { metadataText("resourceVersion") }
    /// `metadata.generation`.
    public var generation: Int64? { json["metadata"]?["generation"]?.intValue }
    /// `metadata.creationTimestamp`, in RFC 3339.
    public var creationTimestamp: String? { metadataText("creationTimestamp") }
    /// `metadata.deletionTimestamp`, in RFC 3339; set while the object waits for its finalizers.
    public var deletionTimestamp: String? { metadataText("deletionTimestamp") }
    /// `metadata.finalizers`.
    public var finalizers: [String] { json["metadata"]?["finalizers"]?.arrayValue?.compactMap(\.stringValue) ?? [] }

    /// `metadata.namespace`.
    public var namespace: String? {
        get { metadataText("namespace").flatMap { $0.isEmpty ? nil : $0 } }
        set { setMetadata("namespace", newValue.map(JSONValue.string)) }
    }

    /// `metadata.labels`; setting it to an empty dictionary removes the field.
    public var labels: [String: String] {
        get { metadataMap("labels") }
        set { setMetadataMap("labels", newValue) }
    }

    /// `metadata.annotations`; setting it to an empty dictionary removes the field.
    public var annotations: [String: String] {
        get { metadataMap("annotations") }
        set { setMetadataMap("annotations", newValue) }
    }

    /// The owners named in `metadata.ownerReferences`.
    public var owners: [OwnerReference] {
        (json["metadata"]?["ownerReferences"]?.arrayValue ?? []).map(OwnerReference.init)
    }

    /// `spec`.
    public var spec: JSONValue? {
        get { json["spec"] }
        set { json["spec"] = newValue }
    }

    /// `status`.
    public var status: JSONValue? {
        get { json["status"] }
        set { json["status"] = newValue }
    }

    /// The value at a path of the whole object.
    public func value(at path: FieldPath) -> JSONValue? { json.value(at: path) }

    /// Sets the value at a path of the whole object. See ``JSONValue/set(_:at:)``.
    public mutating func set(_ value: JSONValue, at path: FieldPath) throws {
        var copy = json
        try copy.set(value, at: path)
        self = try KubernetesObject(json: copy)
    }

    /// Removes the value at a path and returns it; the object itself cannot be removed.
    @discardableResult
    public mutating func remove(at path: FieldPath) -> JSONValue? {
        path.components.isEmpty ? nil : json.remove(at: path)
    }

    /// Sets a member of `metadata`; nil removes it.
    public mutating func setMetadata(_ key: String, _ value: JSONValue?) {
        var metadata = json["metadata"] ?? .object([:])
        metadata[key] = value
        json["metadata"] = metadata
    }

    private func metadataText(_ key: String) -> String? { json["metadata"]?[key]?.stringValue }

    private func metadataMap(_ key: String) -> [String: String] {
        (json["metadata"]?[key]?.objectValue ?? [:]).compactMapValues(\.stringValue)
    }

    private mutating func setMetadataMap(_ key: String, _ map: [String: String]) {
        setMetadata(key, map.isEmpty ? nil : .object(map.mapValues(JSONValue.string)))
    }
}

extension KubernetesObject: CustomStringConvertible {
    /// The reference only: an object may hold secrets.
    public var description: String { reference.description }
}
