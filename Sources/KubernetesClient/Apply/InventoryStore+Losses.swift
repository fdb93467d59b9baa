internal import KubernetesObjects

/// What one application takes over from another, and gives back once it wants it no more.
///
/// Who has lost an object notes it: as long as the bundle that was begun there wants it, it is to have the object again, and
/// nobody deletes it as his own. A bundle that lacks it, or a removal, gives it up for good.
extension InventoryStore {
    /// An object that another application has taken over.
    struct Loss: Sendable, Hashable {
        var reference: ObjectReference
        /// The name of the inventory that it was taken into, without the prefix. It may have gone on from there since.
        var taker: String
        /// What was noted of it until then; nil for nothing.
        var wasThereBefore: Bool?
    }

    /// The inventory's own name, as others know it.
    var name: String { prefix.map { String(reference.name.dropFirst($0.count)) } ?? reference.name }

    /// Who has lost objects, and wants them: of each the one that lost it to this application or, where it went through more hands since,
    /// the first by name. Asked only of what nobody but this application holds.
    func losers(in losses: [String: [ObjectIdentity: Loss]]) -> [ObjectIdentity: String] {
        var losers: [ObjectIdentity: (name: String, isDirect: Bool)] = [:]
        for (loser, lost) in losses.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            for (identity, loss) in lost {
                let isDirect = loss.taker == name
                if let known = losers[identity], known.isDirect || !isDirect { continue }
                losers[identity] = (loser, isDirect)
            }
        }
        return losers.mapValues(\.name)
    }

    /// Whether another application has taken an object over since the run began.
    func isTaken(_ identity: ObjectIdentity) async throws -> Bool {
        state.note(found: try await stored())
        return state.taken.contains(identity)
    }

    /// Takes an object out of another application's inventory: from then on that one neither changes nor deletes it.
    ///
    /// One that is gone holds nothing, and is not made again.
    func takeOver(_ taken: ObjectReference, from hold: OtherHold) async throws {
        guard prefix != nil else { return }
        _ = try await rewrite(hold.name) { record in
            guard record.inventory.identities.contains(taken.identity) else { return nil }
            return record.losing(taken, to: name)
        }
        state.noteOwn(taken.identity)
    }

    /// Puts an object back into the inventory that it was taken from, with what was noted of it there.
    ///
    /// - Parameter wasThereBefore: What is known of it here, which counts where nothing was noted there.
    /// - Returns: Whether that one wants it still.
    func giveBack(
        _ live: KubernetesObject, _ identity: ObjectIdentity, to loser: String, wasThereBefore: Bool?
    ) async throws -> Bool {
        try await rewrite(loser) { record in
            // To whomever it was lost: nobody else holds it by now.
            guard var loss = record.losses[identity] else { return nil }
            loss.wasThereBefore = loss.wasThereBefore ?? wasThereBefore
            return record.regaining(loss, uid: live.uid)
        }
    }

    /// Changes another application's inventory. What that one has written since it was read here is not written over: then it is read
    /// again.
    ///
    /// - Returns: Whether it was changed.
    private func rewrite(_ name: String, _ change: (Record) -> Record?) async throws -> Bool {
        guard let prefix else { return false }
        let other = another(named: prefix + name)
        var attempt = 1
        while true {
            let base = try await other.stored()
            guard base.version != nil, let changed = change(base.record) else { return false }
            do {
                _ = try await other.write(changed, over: base)
                return true
            } catch let error as KubernetesError
                where error.status == 409 && ApplyConflict.list(in: error).isEmpty && attempt < Self.writeAttempts
            {
                attempt += 1
            }
        }
    }
}

extension InventoryStore.Record {
    /// Without an object that another application takes over.
    fileprivate func losing(_ taken: ObjectReference, to taker: String) -> Self {
        let identity = taken.identity
        // What was only meant to be applied was never had, and what goes is not missed.
        guard applied.identities.contains(identity), !unwanted.identities.contains(identity) else {
            return without([identity])
        }
        let loss = InventoryStore.Loss(
            reference: taken, taker: taker,
            wasThereBefore: origin(of: identity))
        var record = without([identity])
        record.losses[identity] = loss
        return record
    }

    /// With an object that was lost.
    fileprivate func regaining(_ loss: InventoryStore.Loss, uid: String?) -> Self {
        let identity = loss.reference.identity
        var record = self
        record.losses[identity] = nil
        record.inventory = inventory.union(Inventory([loss.reference]))
        record.pending = pending.subtracting(Inventory([loss.reference]))
        record.leaving = leaving.subtracting(Inventory([loss.reference]))
        record.returned = returned.union(Inventory([loss.reference]))
        if loss.wasThereBefore == true { record = record.noting(adopted: [loss.reference]) }
        if loss.wasThereBefore == false { record = record.noting(created: [loss.reference]) }
        record.uids[identity] = uid
        return record
    }

    /// What is noted of whether an object was there before it was applied the first time; nil for nothing.
    func origin(of identity: ObjectIdentity) -> Bool? {
        adopted.identities.contains(identity) ? true : created.identities.contains(identity) ? false : nil
    }

    /// The record with what a bundle wants and left to those who have it: it is to have it again once they do not want it.
    ///
    /// - Parameter holders: What those note of it.
    func noting(
        leftTo takers: [ObjectReference: String], _ holders: [ObjectIdentity: InventoryStore.OtherHold] = [:]
    ) -> Self {
        var record = self
        for (reference, taker) in takers where record.losses[reference.identity] == nil {
            record.losses[reference.identity] = InventoryStore.Loss(
                reference: reference, taker: taker,
                wasThereBefore: holders[reference.identity]?.wasThereBefore ?? origin(of: reference.identity))
        }
        return record
    }

    /// One line a loss: by whom it was taken, what was noted, and the object as an inventory writes it.
    var lossText: String {
        losses.values.map { loss in
            let noted = loss.wasThereBefore.map { $0 ? "adopted" : "created" } ?? ""
            return "\(loss.taker)|\(noted)|\(Inventory([loss.reference]).data["objects"] ?? "")"
        }.sorted().joined(separator: "\n")
    }

    /// Reads what ``lossText`` writes. A line that cannot be read is left out: nothing is given back that nobody knows.
    static func losses(from text: String) -> [ObjectIdentity: InventoryStore.Loss] {
        var losses: [ObjectIdentity: InventoryStore.Loss] = [:]
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: "|"), maxSplits: 2, omittingEmptySubsequences: false)
                .map { String(Substring($0)) }
            guard parts.count == 3, !parts[0].isEmpty,
                let reference = try? Inventory(data: ["format": "1", "objects": parts[2]]).references.first
            else { continue }
            losses[reference.identity] = InventoryStore.Loss(
                reference: reference, taker: parts[0],
                wasThereBefore: ["adopted": true, "created": false][parts[1]])
        }
        return losses
    }
}
