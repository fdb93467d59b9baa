/// A field that a controller owns by Kubernetes' own rules, whatever a manifest says: it is left to it from the start. Pure.
public struct ControllerField: Sendable {
    /// When a field is a controller's.
    enum Condition: Sendable {
        case always
        case has([String])
        /// One of ``injectors`` says who injects it.
        case isInjected
    }

    let kind: GroupKind
    /// Keys from the outside in; `*` is each element of a list.
    let path: [String]
    var condition = Condition.always
    /// Who owns it, in words.
    public let owner: String

    /// Annotations by which an object asks for its certificate authority to be filled in.
    private static let injectors = [
        "cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret",
        "cert-manager.io/inject-apiserver-ca", "service.beta.openshift.io/inject-cabundle",
    ]

    /// The fields of an object that are a controller's.
    public static func all(of object: KubernetesObject) -> [ControllerField] {
        (byKind[object.type.groupKind] ?? []).filter { $0.applies(to: object) }
    }

    private func applies(to object: KubernetesObject) -> Bool {
        switch condition {
        case .always: true
        case .has(let keys): object.json.value(at: FieldPath(keys.map { .key($0) })) != nil
        case .isInjected: Self.injectors.contains { object.annotations[$0] != nil }
        }
    }

    /// The field's places in an object, present or not.
    public func paths(in object: KubernetesObject) -> [FieldPath] {
        var paths = [FieldPath.root]
        for step in path {
            paths = paths.flatMap { path -> [FieldPath] in
                guard step == "*" else { return [path.appending(step)] }
                return (object.json.value(at: path)?.arrayValue ?? []).indices.map { path.appending($0) }
            }
        }
        return paths
    }

    static let table: [ControllerField] = [
        ControllerField(
            kind: GroupKind(group: "rbac.authorization.k8s.io", kind: "ClusterRole"), path: ["rules"],
            condition: .has(["aggregationRule"]), owner: "the control plane, which gathers them by aggregationRule"),
        // Manifests that were read from a cluster carry the controller's counter.
        ControllerField(
            kind: GroupKind(group: "apps", kind: "Deployment"),
            path: ["metadata", "annotations", "deployment.kubernetes.io/revision"], owner: "the deployment controller"),
        authority(
            "apiextensions.k8s.io", "CustomResourceDefinition", ["spec", "conversion", "webhook", "clientConfig"]),
        authority("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", ["webhooks", "*", "clientConfig"]),
        authority("admissionregistration.k8s.io", "MutatingWebhookConfiguration", ["webhooks", "*", "clientConfig"]),
        authority("apiregistration.k8s.io", "APIService", ["spec"]),
    ]

    private static func authority(_ group: String, _ kind: String, _ path: [String]) -> ControllerField {
        ControllerField(
            kind: GroupKind(group: group, kind: kind), path: path + ["caBundle"], condition: .isInjected,
            owner: "who injects its certificate authority")
    }

    private static let byKind = Dictionary(grouping: table, by: \.kind)
}

extension FieldPath {
    /// `spec.replicas`, which whoever scales an object owns beside its manifest.
    public static let replicas: FieldPath = ["spec", "replicas"]
}

extension KubernetesObject {
    /// What an autoscaler of any make scales, by its `spec.scaleTargetRef`; what a canary scales, which runs another one in its place; nil
    /// for what is none.
    public var scaleTarget: ObjectIdentity? {
        if let target = identity(at: "scaleTargetRef") { return target }
        if let target = judgedTarget { return target }
        // Argo's rollout of a Deployment takes its pods over, where it is told to scale it down.
        let ends = spec?["workloadRef"]?["scaleDown"]?.stringValue
        guard type.groupKind == GroupKind(group: "argoproj.io", kind: "Rollout"),
            ends == "onsuccess" || ends == "progressively"
        else { return nil }
        return identity(at: "workloadRef")
    }

    /// The object whose revisions a canary of Flagger's judges: it runs copies of it, and scales it to none between.
    public var judgedTarget: ObjectIdentity? {
        guard type.groupKind == GroupKind(group: "flagger.app", kind: "Canary") else { return nil }
        return identity(at: "targetRef")
    }

    private func identity(at field: String) -> ObjectIdentity? {
        guard let target = spec?[field], let name = target["name"]?.stringValue else { return nil }
        let type = GroupVersionKind(
            apiVersion: target["apiVersion"]?.stringValue ?? "apps/v1",
            kind: target["kind"]?.stringValue ?? "Deployment")
        return ObjectIdentity(type: type.groupKind, namespace: namespace, name: name)
    }
}

/// A field of an object that is left to somebody else.
public struct LeftField: Sendable, Hashable {
    public let path: FieldPath
    /// To whom, in words; nil where the application says so itself.
    public var owner: String?
    /// Whether the manifest's value is what the object is created with.
    public var isInitial: Bool

    public init(path: FieldPath, owner: String? = nil, isInitial: Bool = false) {
        self.path = path
        self.owner = owner
        self.isInitial = isInitial
    }

    /// What to say of it where the manifest has a value there that is not sent; nil for nothing.
    public func note(on object: KubernetesObject) -> String? {
        guard let owner, object.value(at: path) != nil else { return nil }
        return "\(path) is left to \(owner)\(isInitial ? ", but for its creation" : "")"
    }
}
