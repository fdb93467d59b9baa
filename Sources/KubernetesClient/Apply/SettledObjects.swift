internal import KubernetesObjects

/// Remembers objects of which the server has said that applying them changes nothing, so that it need not be asked again
/// while nothing moved that the answer rested on.
///
/// What an apply leads to rests on what is sent, on the live object and on the server's own admission. Of the live object
/// only those fields matter that the applier owns or would own, and that it still owns them: what others write beside
/// them, such as a controller its annotations, is kept by an apply and changes nothing of its outcome. Values are compared
/// with what the server had made of them, so that defaulted fields and rewritten quantities need no understanding here.
/// Admission may change its mind at any time, which is why a memory is good for some minutes only.
///
/// Overflow rule: past ``capacity`` objects everything is forgotten, which costs requests and nothing else.
actor SettledObjects {
    private struct Key: Hashable {
        var identity: ObjectIdentity
        var manager: String
    }

    private struct Entry {
        var fingerprint: Int
        /// What the applier would own after applying, where that is not what it owns.
        var owned: OwnedFields?
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
        guard let owned = OwnedFields(of: live, manager: manager) else { return false }
        return entry.fingerprint == Self.fingerprint(wanted, live, owned, entry.owned ?? owned)
    }

    /// Remembers that applying an object to this live state changes nothing.
    ///
    /// - Parameter answer: What the server answered to the apply, or to its dry run.
    func remember(_ wanted: KubernetesObject, live: KubernetesObject, answer: KubernetesObject, manager: String) {
        let key = Key(identity: wanted.reference.identity, manager: manager)
        guard let owned = OwnedFields(of: live, manager: manager),
            let after = OwnedFields(of: answer, manager: manager), after.cover(wanted),
            let fingerprint = Self.fingerprint(wanted, live, owned, after)
        else {
            entries[key] = nil
            return
        }
        if entries.count >= Self.capacity { entries = [:] }
        entries[key] = Entry(fingerprint: fingerprint, owned: after == owned ? nil : after, since: .now)
    }

    /// A number that differs whenever one of its parts does; seeded again in each process.
    private static func fingerprint(
        _ wanted: KubernetesObject, _ live: KubernetesObject, _ owned: OwnedFields, _ after: OwnedFields
    ) -> Int? {
        guard let values = after.values(in: live) else { return nil }
        var hasher = Hasher()
        hasher.combine(wanted.json)
        hasher.combine(live.uid)
        hasher.combine(owned)
        hasher.combine(after)
        hasher.combine(values)
        return hasher.finalize()
    }
}
