internal import KubernetesObjects

/// Remembers objects that an apply would not change, so that the server need not be asked again while nothing moved.
///
/// What a server-side apply leads to depends on what is sent, on the live object without its status, and on the server's
/// own admission. The first two are compared; the third may change at any time, which is why a memory is good for some
/// minutes only. Overflow rule: past ``capacity`` objects everything is forgotten, which costs requests and nothing else.
actor SettledObjects {
    private struct Key: Hashable {
        var identity: ObjectIdentity
        var manager: String
    }

    private struct Entry {
        var fingerprint: Int
        var since: ContinuousClock.Instant
    }

    private static let capacity = 20_000
    private static let lifetime = Duration.seconds(600)
    private var entries: [Key: Entry] = [:]

    /// Whether applying an object to this live state is known to change nothing.
    func contains(_ wanted: KubernetesObject, live: KubernetesObject, manager: String) -> Bool {
        let key = Key(identity: wanted.reference.identity, manager: manager)
        guard let entry = entries[key] else { return false }
        guard entry.since.duration(to: .now) < Self.lifetime else {
            entries[key] = nil
            return false
        }
        return entry.fingerprint == Self.fingerprint(wanted, live)
    }

    /// Remembers that applying an object to this live state changes nothing.
    func remember(_ wanted: KubernetesObject, live: KubernetesObject, manager: String) {
        if entries.count >= Self.capacity { entries = [:] }
        entries[Key(identity: wanted.reference.identity, manager: manager)] = Entry(
            fingerprint: Self.fingerprint(wanted, live), since: .now)
    }

    /// A number that differs whenever one of the two does; seeded anew in each process.
    private static func fingerprint(_ wanted: KubernetesObject, _ live: KubernetesObject) -> Int {
        var still = live
        still.status = nil
        still.setMetadata("resourceVersion", nil)
        let fields = live.metadata["managedFields"]?.arrayValue ?? []
        still.setMetadata("managedFields", .array(fields.filter { $0["subresource"]?.stringValue != "status" }))
        var hasher = Hasher()
        hasher.combine(wanted.json)
        hasher.combine(still.json)
        return hasher.finalize()
    }
}
