internal import KubernetesObjects

/// What is particular about a kind when it is applied and deleted: a row of ``KindTable``.
struct KindFacts: Sendable {
    /// When an object that is no longer wanted may go.
    enum PruneRule: Sendable, Hashable {
        case whenUnwanted
        /// Only once the object itself is annotated to be pruned: with it go data that nothing brings back.
        case onlyWhenTold
    }

    let kind: GroupKind
    /// Whether it may be deleted and created again to change it, where its annotation allows that.
    var isReplaceable = true
    var prune = PruneRule.whenUnwanted
    /// Fields that a controller owns by Kubernetes' own rules, whatever a manifest says.
    var controllerFields: [ControllerField] = []
    /// Whether a `spec.replicas` that a manifest no longer has keeps its live value: the server would reset it to 1.
    var keepsReplicas = false
    /// Other groups under which servers serve, or served, the very same objects.
    var otherGroups: [String] = []
    let why: String
}

/// A field that is left to a controller from the start.
struct ControllerField: Sendable {
    enum Condition: Sendable {
        case always
        case has([String])
        /// One of these annotations names who injects it.
        case isInjected
    }

    /// Keys from the outside in; `*` is each element of a list.
    let path: [String]
    var condition = Condition.always
    /// Who owns it, in words.
    let owner: String

    /// Annotations by which an object asks for its certificate authority to be filled in.
    static let injectors = [
        "cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret",
        "cert-manager.io/inject-apiserver-ca", "service.beta.openshift.io/inject-cabundle",
    ]

    func applies(to object: KubernetesObject) -> Bool {
        switch condition {
        case .always: true
        case .has(let keys): object.json.value(at: FieldPath(keys.map { .key($0) })) != nil
        case .isInjected: Self.injectors.contains { object.annotations[$0] != nil }
        }
    }

    /// The field's places in an object, present or not.
    func paths(in object: KubernetesObject) -> [FieldPath] {
        var paths = [FieldPath.root]
        for step in path {
            paths = paths.flatMap { path -> [FieldPath] in
                guard step == "*" else { return [path.appending(step)] }
                return (object.json.value(at: path)?.arrayValue ?? []).indices.map { path.appending($0) }
            }
        }
        return paths
    }
}

/// What is particular about kinds, a row each with its reason; any other kind has none of it.
enum KindTable {
    static func facts(of kind: GroupKind) -> KindFacts { byKind[kind] ?? KindFacts(kind: kind, why: "as any other") }

    /// The kind under the group that its objects live under now: one object has one key, however it is asked for.
    static func canonical(_ kind: GroupKind) -> GroupKind { canonicalKinds[kind] ?? kind }

    static let rows: [KindFacts] = [
        KindFacts(
            kind: GroupKind(kind: "Namespace"), isReplaceable: false,
            why: "all that is in it would go, others' too"),
        KindFacts(
            kind: PruneGuard.definitionType, isReplaceable: false,
            controllerFields: [authority(["spec", "conversion", "webhook", "clientConfig"])],
            why: "all objects of its kind would go"),
        KindFacts(
            kind: GroupKind(kind: "PersistentVolumeClaim"), isReplaceable: false, prune: .onlyWhenTold,
            why: "its volume goes with it, and nothing brings the data back"),
        KindFacts(
            kind: GroupKind(kind: "PersistentVolume"), isReplaceable: false, prune: .onlyWhenTold,
            why: "where it is reclaimed by deletion, the disk goes with it"),
        KindFacts(
            kind: GroupKind(group: "apps", kind: "StatefulSet"), isReplaceable: false, keepsReplicas: true,
            why: "its pods would all go at once"),
        KindFacts(
            kind: GroupKind(group: "apps", kind: "Deployment"),
            controllerFields: [
                ControllerField(
                    path: ["metadata", "annotations", "deployment.kubernetes.io/revision"],
                    owner: "the deployment controller")
            ],
            keepsReplicas: true, otherGroups: ["extensions"],
            why: "manifests that were read from a cluster carry the controller's counter"),
        KindFacts(
            kind: GroupKind(group: "apps", kind: "ReplicaSet"), keepsReplicas: true, otherGroups: ["extensions"],
            why: "dropped replicas would be one"),
        KindFacts(
            kind: GroupKind(kind: "ReplicationController"), keepsReplicas: true, why: "dropped replicas would be one"),
        KindFacts(
            kind: GroupKind(group: "apps", kind: "DaemonSet"), otherGroups: ["extensions"], why: "it has moved"),
        KindFacts(
            kind: GroupKind(group: "networking.k8s.io", kind: "Ingress"), otherGroups: ["extensions"],
            why: "it has moved"),
        KindFacts(
            kind: GroupKind(group: "networking.k8s.io", kind: "NetworkPolicy"), otherGroups: ["extensions"],
            why: "it has moved"),
        KindFacts(
            kind: GroupKind(group: "events.k8s.io", kind: "Event"), otherGroups: [""], why: "it is in both"),
        KindFacts(
            kind: GroupKind(group: "rbac.authorization.k8s.io", kind: "ClusterRole"),
            controllerFields: [
                ControllerField(
                    path: ["rules"], condition: .has(["aggregationRule"]),
                    owner: "the control plane, which gathers them by aggregationRule")
            ],
            why: "what a manifest says of aggregated rules is written over by the control plane"),
        KindFacts(
            kind: GroupKind(group: "admissionregistration.k8s.io", kind: "ValidatingWebhookConfiguration"),
            controllerFields: [authority(["webhooks", "*", "clientConfig"])], why: "its authority is injected"),
        KindFacts(
            kind: GroupKind(group: "admissionregistration.k8s.io", kind: "MutatingWebhookConfiguration"),
            controllerFields: [authority(["webhooks", "*", "clientConfig"])], why: "its authority is injected"),
        KindFacts(
            kind: GroupKind(group: "apiregistration.k8s.io", kind: "APIService"),
            controllerFields: [authority(["spec"])], why: "its authority is injected"),
    ]

    private static func authority(_ path: [String]) -> ControllerField {
        ControllerField(
            path: path + ["caBundle"], condition: .isInjected, owner: "who injects its certificate authority")
    }

    private static let byKind = Dictionary(uniqueKeysWithValues: rows.map { ($0.kind, $0) })

    private static let canonicalKinds = Dictionary(
        uniqueKeysWithValues: rows.flatMap { row in
            row.otherGroups.map { (GroupKind(group: $0, kind: row.kind.kind), row.kind) }
        })
}
