public import KubernetesObjects

/// Makes the objects that one cluster gets of a release. Pure: the same bundle on the same cluster gives the same objects, everywhere.
///
/// In this order: patches and images of the overrides that match the cluster, override by override as the application lists them;
/// then parameters, of which later overrides win; then the default namespace.
public struct ReleaseRenderer: Sendable {
    private let bundle: Bundle
    private let release: ContentDigest

    /// Renders a bundle; its digest is computed from it.
    public init(_ bundle: Bundle) {
        self.bundle = bundle
        self.release = bundle.digest
    }

    /// The objects of one cluster, in the bundle's order.
    ///
    /// - Parameter documents: The bundle's documents as JSON, in the bundle's order.
    /// - Throws: What is wrong, naming the object and the path of the field.
    public func render(_ documents: [JSONValue], for cluster: Cluster) throws(ModelError) -> [KubernetesObject] {
        guard documents.count == bundle.documents.count else {
            throw ModelError(
                code: .invalidValue,
                message: "the bundle has \(bundle.documents.count) documents, but \(documents.count) were given")
        }
        let overrides = bundle.application.overrides.filter { $0.match.matches(cluster) }
        let substitution = substitution(for: cluster, overrides: overrides)
        var objects: [KubernetesObject] = []
        var places: Set<ObjectIdentity> = []
        var room = Substitution.maximumText
        for document in documents {
            let object = try render(document, overrides: overrides, substitution: substitution, room: &room)
            guard places.insert(object.reference.identity).inserted else {
                throw ModelError(
                    code: .duplicate, message: "\(object.reference) comes out twice on cluster '\(cluster.name)'")
            }
            objects.append(object)
        }
        return objects
    }

    /// The objects of one cluster from stored documents.
    ///
    /// - Parameter content: Gives the bytes of a document; nil where it is not there.
    public func render(
        for cluster: Cluster, content: (ContentDigest) -> [UInt8]?
    ) throws(ModelError) -> [KubernetesObject] {
        var documents: [JSONValue] = []
        documents.reserveCapacity(bundle.documents.count)
        for digest in bundle.documents {
            guard let bytes = content(digest) else {
                throw ModelError(code: .unknownReference, message: "document \(digest.short) of the release is missing")
            }
            do {
                documents.append(try JSONValue(parsing: bytes))
            } catch {
                throw ModelError(
                    code: .syntax, message: "document \(digest.short) of the release is not JSON: \(error)")
            }
        }
        return try render(documents, for: cluster)
    }

    private func render(
        _ document: JSONValue, overrides: [Override], substitution: Substitution, room: inout Int
    ) throws(ModelError) -> KubernetesObject {
        let subject = document.subject
        do throws(ModelError) {
            var value = document
            var seen: Set<String> = []
            for override in overrides {
                for patch in override.patches where patch.matches(document) {
                    value = try patch.applied(to: value)
                }
                value = value.overridingImages(override.images, seen: &seen)
            }
            value = try substitution.apply(to: value, room: &room)
            return try object(from: value)
        } catch {
            var named = error
            named.message = "\(subject): \(error.message)"
            throw named
        }
    }

    private func object(from value: JSONValue) throws(ModelError) -> KubernetesObject {
        do {
            var object = try KubernetesObject(json: value).withoutNullLabels
            try ObjectValidation.validate(object)
            if object.namespace == nil, !ObjectScopes.isClusterWide(object.type.groupKind) {
                object.namespace = bundle.application.namespace
            }
            return object
        } catch {
            throw ModelError(code: .invalidValue, message: "\(error)")
        }
    }

    private func substitution(for cluster: Cluster, overrides: [Override]) -> Substitution {
        let values = bundle.application.parameterValues(on: cluster, overrides: overrides, release: release)
        return Substitution(value: { values[$0] }, known: values.keys.sorted())
    }
}

extension Application {
    /// Every parameter with its value on a cluster.
    func parameterValues(on cluster: Cluster, overrides: [Override], release: ContentDigest) -> [String: String] {
        var values = parameters
        for override in overrides { values.merge(override.parameters) { _, later in later } }
        for (key, value) in cluster.labels { values[ParameterNames.labelPrefix + key] = value }
        values["cluster"] = cluster.name.rawValue
        values["region"] = cluster.region.rawValue
        values["environment"] = cluster.environment.rawValue
        values["application"] = name.rawValue
        values["namespace"] = namespace
        values["release"] = release.short
        return values
    }
}

extension ObjectPatch {
    /// Whether the patch is for an object, by kind and by the name as the manifest spells it.
    func matches(_ document: JSONValue) -> Bool {
        document["kind"]?.stringValue == kind && (name == nil || document["metadata"]?["name"]?.stringValue == name)
    }

    func applied(to document: JSONValue) throws(ModelError) -> JSONValue {
        var result = document
        if let merge { result = result.applying(mergePatch: merge) }
        if let json {
            do {
                result = try JSONPatch(json: json).apply(to: result)
            } catch {
                throw ModelError(code: .invalidValue, message: "the patch cannot be applied: \(error)")
            }
        }
        for path in [["apiVersion"], ["kind"], ["metadata", "name"], ["metadata", "namespace"]] {
            let path = FieldPath(path.map { .key($0) })
            guard result.value(at: path) == document.value(at: path) else {
                throw ModelError(
                    code: .invalidValue, message: "a patch may not change which object this is", path: "\(path)")
            }
        }
        return result
    }
}

extension JSONValue {
    /// `Deployment web`, for errors.
    var subject: String {
        let metadata = self["metadata"]
        let name = metadata?["name"]?.stringValue ?? metadata?["generateName"]?.stringValue.map { "\($0)…" }
        return "\(self["kind"]?.stringValue ?? "object") \(name ?? "without a name")"
    }
}

/// Which built-in kinds live outside of namespaces. Of custom kinds only the API server knows.
enum ObjectScopes {
    private static let clusterWide: [String: Set<String>] = [
        "": ["Namespace", "Node", "PersistentVolume", "ComponentStatus"],
        "apiextensions.k8s.io": ["CustomResourceDefinition"],
        "rbac.authorization.k8s.io": ["ClusterRole", "ClusterRoleBinding"],
        "admissionregistration.k8s.io": [
            "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
        ],
        "apiregistration.k8s.io": ["APIService"],
        "storage.k8s.io": ["StorageClass", "CSIDriver", "CSINode", "VolumeAttachment", "VolumeAttributesClass"],
        "scheduling.k8s.io": ["PriorityClass"],
        "networking.k8s.io": ["IngressClass", "IPAddress", "ServiceCIDR"],
        "node.k8s.io": ["RuntimeClass"],
        "flowcontrol.apiserver.k8s.io": ["FlowSchema", "PriorityLevelConfiguration"],
        "certificates.k8s.io": ["CertificateSigningRequest", "ClusterTrustBundle"],
    ]

    static func isClusterWide(_ type: GroupKind) -> Bool { clusterWide[type.group]?.contains(type.kind) == true }
}
