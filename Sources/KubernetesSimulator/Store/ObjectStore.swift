internal import DequeModule
internal import KubernetesObjects

/// Where an object lives within its kind.
struct ObjectKey: Sendable, Hashable, Comparable {
    var namespace: String
    var name: String

    static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

/// An object as it is kept.
struct StoredObject: Sendable {
    var value: JSONValue
    /// When it was created, to a fraction of a second.
    let bornAt: Double
    /// When its deletion was asked for.
    var deletedAt: Double?
    /// When its status last became ready, for kinds whose readiness is timed.
    var readyAt: Double?
}

/// One write, as watches see it.
struct ChangeRecord: Sendable {
    enum Kind: Sendable { case added, modified, deleted }

    var revision: UInt64
    var storage: String
    var key: ObjectKey
    var kind: Kind
    var object: JSONValue
    var previous: JSONValue?
}

/// All objects of one cluster and the latest writes.
///
/// The log of writes is bounded: the oldest are dropped, and a watch from before them gets 410 Gone.
struct ObjectStore: Sendable {
    /// The most writes that watches can look back on.
    static let logLimit = 4096

    private(set) var revision: UInt64 = 1
    private(set) var objects: [String: [ObjectKey: StoredObject]] = [:]
    private(set) var log: Deque<ChangeRecord> = []
    private(set) var oldestRevision: UInt64 = 1

    func get(_ storage: String, _ key: ObjectKey) -> StoredObject? { objects[storage]?[key] }

    /// All objects of a kind, in the order of their keys.
    func all(_ storage: String, namespace: String? = nil) -> [StoredObject] {
        guard let kind = objects[storage] else { return [] }
        let chosen = namespace.map { wanted in kind.filter { $0.key.namespace == wanted } } ?? kind
        return chosen.sorted { $0.key < $1.key }.map(\.value)
    }

    /// All objects of a kind as they were at a revision, in the order of their keys; nil when it is before the log begins, or
    /// still to come.
    func all(_ storage: String, namespace: String? = nil, asOf moment: UInt64) -> [JSONValue]? {
        guard moment >= oldestRevision, moment <= revision, let later = changes(after: moment) else { return nil }
        var kind = (objects[storage] ?? [:]).mapValues(\.value)
        for change in later.reversed() where change.storage == storage { kind[change.key] = change.previous }
        return kind.filter { namespace == nil || $0.key.namespace == namespace }.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The number of objects of all kinds.
    var count: Int { objects.values.reduce(0) { $0 + $1.count } }

    /// Adds or replaces an object under the next revision and returns it with that revision in it.
    @discardableResult
    mutating func put(_ storage: String, _ value: JSONValue, now: Double) -> JSONValue {
        revision += 1
        var value = value
        value.put(.string(String(revision)), "metadata", "resourceVersion")
        let key = value.key
        let old = objects[storage]?[key]
        var stored = StoredObject(
            value: value, bornAt: old?.bornAt ?? now, deletedAt: old?.deletedAt, readyAt: old?.readyAt)
        if value.isBeingDeleted, stored.deletedAt == nil { stored.deletedAt = now }
        objects[storage, default: [:]][key] = stored
        note(
            ChangeRecord(
                revision: revision, storage: storage, key: key, kind: old == nil ? .added : .modified, object: value,
                previous: old?.value))
        return value
    }

    /// Notes when an object became ready, beside the object itself.
    mutating func setReady(_ storage: String, _ key: ObjectKey, at instant: Double?) {
        objects[storage]?[key]?.readyAt = instant
    }

    /// Removes an object; the last state that watches see carries the revision of its removal.
    mutating func remove(_ storage: String, _ key: ObjectKey) {
        guard let old = objects[storage]?.removeValue(forKey: key) else { return }
        revision += 1
        var last = old.value
        last.put(.string(String(revision)), "metadata", "resourceVersion")
        note(
            ChangeRecord(
                revision: revision, storage: storage, key: key, kind: .deleted, object: last, previous: old.value))
    }

    /// Removes all objects of a kind without a trace in the log, once nothing serves it any more.
    mutating func forget(_ storage: String) {
        objects[storage] = nil
    }

    private mutating func note(_ record: ChangeRecord) {
        log.append(record)
        while log.count > Self.logLimit {
            let dropped = log.removeFirst()
            oldestRevision = dropped.revision
        }
    }

    /// The writes after a revision; nil when they reach further back than the log.
    func changes(after revision: UInt64) -> ArraySlice<ChangeRecord>? {
        guard revision >= oldestRevision || revision == 0 else { return nil }
        var low = log.startIndex
        var high = log.endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if log[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return Array(log[low...])[...]
    }

    /// Drops the whole log, as a compaction does: every watch from before now gets 410 Gone.
    mutating func compact() {
        log.removeAll()
        oldestRevision = revision
    }
}
