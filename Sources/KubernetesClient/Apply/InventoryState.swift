internal import KubernetesObjects
internal import Synchronization

/// What is known of a stored inventory as long as one run writes it: what was read or written last, and what others did meanwhile.
///
/// Others do two things to it. An application takes objects over, which are not put back; another agent of the same application, which
/// nobody wants, notes more, which is not lost.
final class InventoryState: Sendable {
    /// The inventory as it was read or written last.
    struct Base: Sendable {
        var record = InventoryStore.Record()
        /// Nil where there is none yet.
        var version: String?
    }

    private struct Known {
        var base: Base?
        var taken: Set<ObjectIdentity> = []
        var added = InventoryStore.Record()
        var losses: [ObjectIdentity: InventoryStore.Loss] = [:]
        var orphans: Set<String> = []
    }

    private let state = Mutex(Known())

    var base: Base? { state.withLock { $0.base } }
    /// What others took over since the run began.
    var taken: Set<ObjectIdentity> { state.withLock { $0.taken } }
    /// Parts that were written, and that the inventory came not to name.
    var orphans: Set<String> { state.withLock { $0.orphans } }

    /// Notes what was read first, or was written.
    func note(_ base: Base) { state.withLock { $0.base = base } }

    /// Notes parts that are about to be named.
    func note(parts: [String]) { state.withLock { $0.orphans.formUnion(parts) } }

    /// Forgets them: all but those that are named are gone.
    func endOrphans() { state.withLock { $0.orphans = [] } }

    /// Notes what was read after somebody else had written: what is not in it any more was taken, and what is new was added.
    func note(found: Base) {
        state.withLock { state in
            // One that somebody has deleted says nothing of who has what.
            if let known = state.base?.record, found.version != nil {
                let (before, after) = (known.inventory.identities, found.record.inventory.identities)
                state.taken.formUnion(before.subtracting(after))
                state.added = state.added.including(found.record, of: after.subtracting(before))
                state.added.finished.formUnion(found.record.finished, since: known.finished)
                state.added.returned = state.added.returned.union(found.record.returned.subtracting(known.returned))
                state.taken.subtract(after)
                state.losses.merge(found.record.losses.filter { known.losses[$0.key] != $0.value }) { _, new in new }
            }
            state.base = found
        }
    }

    /// What is to be stored of a record: without what was taken, and with what was added.
    func settled(_ record: InventoryStore.Record) -> InventoryStore.Record {
        state.withLock { state in
            var settled = record.without(state.taken).including(
                state.added,
                of: state.added.inventory.identities.subtracting(record.inventory.identities)
                    .subtracting(state.taken))
            settled.finished.formUnion(state.added.finished, since: FinishedWork())
            settled.returned = settled.returned.union(state.added.returned)
            settled.losses.merge(state.losses.filter { state.taken.contains($0.key) }) { _, new in new }
            if !settled.losses.isEmpty {
                let applied = settled.applied.identities
                settled.losses = settled.losses.filter { !applied.contains($0.key) }
            }
            return settled
        }
    }

    /// Notes that the run itself has taken an object, back or for the first time.
    func noteOwn(_ identity: ObjectIdentity) { state.withLock { _ = $0.taken.remove(identity) } }
}

extension InventoryStore.Record {
    /// With some of another's objects, and what that notes of them.
    func including(_ other: Self, of identities: Set<ObjectIdentity>) -> Self {
        guard !identities.isEmpty else { return self }
        func those(_ part: Inventory) -> Inventory {
            Inventory(part.references.filter { identities.contains($0.identity) })
        }
        var record = self
        record.inventory = inventory.union(those(other.inventory))
        record.pending = pending.union(those(other.pending))
        record.leaving = leaving.union(those(other.leaving))
        record.created = created.union(those(other.created))
        record.adopted = adopted.union(those(other.adopted))
        record.bare = bare.union(those(other.bare))
        record.uids.merge(other.uids.filter { identities.contains($0.key) }) { own, _ in own }
        return record
    }

    /// Without what others took over.
    func without(_ taken: Set<ObjectIdentity>) -> Self {
        guard !taken.isEmpty else { return self }
        var record = self
        record.inventory.references = inventory.references.filter { !taken.contains($0.identity) }
        return record.tidied
    }
}
