public import KubernetesObjects

/// Objects kept current from lists and watch events. Pure: a value.
public struct ObjectCache: Sendable, Hashable {
    /// A difference that an input made.
    public enum Change: Sendable, Hashable {
        /// An object is new or has changed.
        case updated(KubernetesObject)
        /// An object is gone; as it last was.
        case removed(KubernetesObject)
    }

    private struct Key: Hashable {
        var namespace: String?
        var name: String
    }

    private var byKey: [Key: KubernetesObject] = [:]

    /// The moment that the objects are of; nil before the first list.
    public private(set) var resourceVersion: String?

    /// Creates an empty cache.
    public init() {}

    /// The objects, by namespace and name.
    public var objects: [KubernetesObject] {
        byKey.values.sorted { ($0.namespace ?? "", $0.name) < ($1.namespace ?? "", $1.name) }
    }

    /// An object.
    public subscript(namespace: String?, name: String) -> KubernetesObject? {
        byKey[Key(namespace: namespace, name: name)]
    }

    /// Takes a whole list in place of what was known, and returns what that changed.
    public mutating func replace(with list: ObjectList) -> [Change] {
        var changes: [Change] = []
        var fresh: [Key: KubernetesObject] = [:]
        for object in list.objects {
            let key = Key(namespace: object.namespace, name: object.name)
            fresh[key] = object
            if byKey[key] != object { changes.append(.updated(object)) }
        }
        for (key, object) in byKey where fresh[key] == nil { changes.append(.removed(object)) }
        byKey = fresh
        resourceVersion = list.resourceVersion
        return changes
    }

    /// Takes an event, and returns what it changed.
    public mutating func take(_ event: WatchEvent) -> Change? {
        if let version = event.resourceVersion, !version.isEmpty { resourceVersion = version }
        switch event {
        case .added(let object), .modified(let object):
            let key = Key(namespace: object.namespace, name: object.name)
            return byKey.updateValue(object, forKey: key) == object ? nil : .updated(object)
        case .deleted(let object):
            let key = Key(namespace: object.namespace, name: object.name)
            return byKey.removeValue(forKey: key) == nil ? nil : .removed(object)
        case .bookmark:
            return nil
        }
    }
}
