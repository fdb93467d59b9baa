public import KubernetesObjects

/// What somebody wants to be told of a kind in a namespace, or outside of namespaces.
public struct WatchInterest: Sendable, Hashable {
    /// A workload by which its pods and replica sets are told from others'.
    public struct Workload: Sendable, Hashable {
        /// Its kind.
        public var type: GroupKind
        /// Its name.
        public var name: String
        /// The labels that it selects its pods by; empty where the server gives it a selector.
        public var labels: [String: String]

        /// Creates a workload.
        public init(type: GroupKind, name: String, labels: [String: String] = [:]) {
            self.type = type
            self.name = name
            self.labels = labels
        }
    }

    /// Where; what is told is told under it.
    public var selection: ObjectSelection
    /// The objects that are wanted whole, but for who owns which of their fields.
    public var names: Set<String>
    /// The workloads whose pods or replica sets are wanted, in outline.
    public var workloads: Set<Workload>

    /// Creates an interest.
    public init(selection: ObjectSelection, names: Set<String> = [], workloads: Set<Workload> = []) {
        self.selection = selection
        self.names = names
        self.workloads = workloads
    }

    /// The one object that all of it is about; nil where it is about others, too.
    var only: String? { workloads.isEmpty && names.count == 1 ? names.first : nil }
}

extension WatchInterest.Workload {
    /// Whether an object may be one of its pods or replica sets; of some that are not this is true as well, which costs memory only.
    func mayOwn(labels: [String: String], owners: [OwnerReference]) -> Bool {
        if !self.labels.isEmpty, self.labels.allSatisfy({ labels[$0.key] == $0.value }) { return true }
        return owners.contains { owner in
            if owner.type.groupKind == type { return owner.name == name }
            // Pods of a Deployment are its replica sets', which are named after it.
            return type.kind == "Deployment" && owner.type.kind == "ReplicaSet" && owner.name.hasPrefix("\(name)-")
        }
    }
}

/// One interest of one subscriber.
struct WatchMember: Sendable, Hashable {
    let subscriber: Int
    let selection: ObjectSelection

    static func == (left: Self, right: Self) -> Bool {
        left.subscriber == right.subscriber && left.selection == right.selection
    }

    // A subscriber has few selections, and they are long.
    func hash(into hasher: inout Hasher) { hasher.combine(subscriber) }
}

/// Who wants which objects of a kind. Pure: a value.
struct InterestIndex: Sendable {
    private struct Place: Hashable {
        var namespace: String?
        var name: String
    }

    private var named: [Place: Set<WatchMember>] = [:]
    private var workloads: [String?: [WatchMember: Set<WatchInterest.Workload>]] = [:]

    mutating func add(_ member: WatchMember, _ interest: WatchInterest) {
        let namespace = interest.selection.namespace
        for name in interest.names { named[Place(namespace: namespace, name: name), default: []].insert(member) }
        if !interest.workloads.isEmpty { workloads[namespace, default: [:]][member] = interest.workloads }
    }

    mutating func remove(_ member: WatchMember, _ interest: WatchInterest) {
        let namespace = interest.selection.namespace
        for name in interest.names {
            let place = Place(namespace: namespace, name: name)
            named[place]?.remove(member)
            if named[place]?.isEmpty == true { named[place] = nil }
        }
        workloads[namespace]?[member] = nil
        if workloads[namespace]?.isEmpty == true { workloads[namespace] = nil }
    }

    /// Who wants an object.
    func interested(in object: KubernetesObject) -> Set<WatchMember> {
        let namespace = object.namespace
        let wanting = named[Place(namespace: namespace, name: object.name)] ?? []
        guard let others = workloads[namespace] else { return wanting }
        let (labels, owners) = (object.labels, object.owners)
        return others.reduce(into: wanting) { wanting, entry in
            if entry.value.contains(where: { $0.mayOwn(labels: labels, owners: owners) }) { wanting.insert(entry.key) }
        }
    }

    /// What is kept of an object; nil where nobody wants it.
    func kept(_ object: KubernetesObject) -> KubernetesObject? {
        let namespace = object.namespace
        if named[Place(namespace: namespace, name: object.name)] != nil { return HealthWatches.whole(object) }
        guard let others = workloads[namespace] else { return nil }
        let (labels, owners) = (object.labels, object.owners)
        let isWanted = others.values.contains { $0.contains { $0.mayOwn(labels: labels, owners: owners) } }
        return isWanted ? HealthWatches.outline(of: object) : nil
    }
}
