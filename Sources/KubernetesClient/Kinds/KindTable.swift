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
    /// Whether a `spec.replicas` that a manifest no longer has keeps its live value: the server would reset it to 1.
    var keepsReplicas = false
    /// What belongs to one form of a part of it, and is refused beside another form.
    var form: FormMember?
    /// Other groups under which servers serve, or served, the very same objects.
    var otherGroups: [String] = []
    let why: String
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
            why: "all objects of its kind would go"),
        KindFacts(
            kind: GroupKind(kind: "PersistentVolumeClaim"), isReplaceable: false, prune: .onlyWhenTold,
            why: "its volume goes with it, and nothing brings the data back"),
        KindFacts(
            kind: GroupKind(kind: "PersistentVolume"), isReplaceable: false, prune: .onlyWhenTold,
            why: "where it is reclaimed by deletion, the disk goes with it"),
        KindFacts(
            kind: GroupKind(group: "apps", kind: "StatefulSet"), isReplaceable: false, keepsReplicas: true,
            form: FormMember(parent: ["spec", "updateStrategy"], member: "rollingUpdate", form: "RollingUpdate"),
            why: "its pods would all go at once"),
        KindFacts(
            kind: GroupKind(group: "apps", kind: "Deployment"), keepsReplicas: true,
            form: FormMember(parent: ["spec", "strategy"], member: "rollingUpdate", form: "RollingUpdate"),
            otherGroups: ["extensions"], why: "dropped replicas would be one"),
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
    ]

    private static let byKind = Dictionary(uniqueKeysWithValues: rows.map { ($0.kind, $0) })

    private static let canonicalKinds = Dictionary(
        uniqueKeysWithValues: rows.flatMap { row in
            row.otherGroups.map { (GroupKind(group: $0, kind: row.kind.kind), row.kind) }
        })
}
