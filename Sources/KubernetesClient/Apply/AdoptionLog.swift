internal import KubernetesObjects

/// Notes in the inventory which objects were there before they were applied the first time, before anything is written to them: who
/// comes after an interruption could not tell any more, and would delete what is not his. Of what is taken from another inventory, what
/// that one knows is noted.
///
/// Notes that come while one is being stored are stored together.
actor AdoptionLog {
    private let store: InventoryStore
    private let base: InventoryStore.Record
    private let writing = RequestLimiter(maximumRunning: 1, maximumWaiting: Inventory.maximumCount)
    /// Objects, by whether they were there before.
    private var noted: [ObjectReference: Bool] = [:]
    private var stored: [ObjectReference: Bool] = [:]
    /// What was taken over, and from whom.
    private(set) var takenOver: [ObjectReference: String] = [:]

    /// - Parameter record: What is stored; nobody else stores anything as long as this is in use.
    init(record: InventoryStore.Record, store: InventoryStore) {
        self.base = record
        self.store = store
    }

    /// What is stored now.
    var record: InventoryStore.Record { base.noting(origins: stored) }

    /// Takes an object out of another inventory, one at a time: two may come from the same one.
    func takeOver(_ reference: ObjectReference, from hold: InventoryStore.OtherHold) async throws {
        if let wasThereBefore = hold.wasThereBefore { try await note(reference, wasThereBefore) }
        try await writing.run { try await store.takeOver(reference, from: hold) }
        takenOver[reference] = hold.name
    }

    /// Whether another inventory has taken an object over, by what is stored between two writes.
    func isTaken(_ identity: ObjectIdentity) async throws -> Bool {
        try await writing.run { try await store.isTaken(identity) }
    }

    /// Notes an object that was there. It is on record when this returns.
    func note(_ live: KubernetesObject) async throws {
        let reference = live.reference
        guard !base.adopted.identities.contains(reference.identity) else { return }
        // A namespace may hold no field that can be owned, so one that an earlier run has made looks like another's. Of that, its age
        // tells, and what is in it is looked at before it goes.
        if reference.type.groupKind == GroupKind(kind: "Namespace"), base.since != nil,
            !base.wasThereBefore(reference.identity, live)
        {
            return
        }
        // Whoever had it until now knows better.
        if noted[reference] == nil { try await note(reference, true) }
    }

    private func note(_ reference: ObjectReference, _ wasThereBefore: Bool) async throws {
        if (wasThereBefore ? base.adopted : base.created).identities.contains(reference.identity) { return }
        noted[reference] = wasThereBefore
        try await writing.run {
            if stored[reference] == wasThereBefore { return }
            let all = noted
            try await store.write(base.noting(origins: all))
            stored = all
        }
    }
}
