internal import KubernetesObjects

extension InventoryStore {
    /// What is stored: the inventory, the hooks that have run to success, and of each object whose it is.
    struct Record: Sendable, Hashable {
        var inventory = Inventory()
        /// Hooks and Jobs that have run to success, of this bundle and of former ones.
        var finished = FinishedWork()
        /// What of the inventory is only intended: an apply that would bring it has not ended well. It may be somebody else's.
        var pending = Inventory()
        /// What of the inventory is given up while another application is bringing it: whoever wants it has it, and nobody deletes it
        /// on its account until that is done. Only here it is tried again.
        var leaving = Inventory()
        /// What was not there before it was applied the first time, by this application or the one that it was taken from.
        var created = Inventory()
        /// What was there before it was applied the first time, by this application or the one that it was taken from. It is never
        /// deleted.
        var adopted = Inventory()
        /// What has no field that could be owned.
        var bare = Inventory()
        /// The server's own names of objects, as far as they were noted.
        var uids: [ObjectIdentity: String] = [:]
        /// What releases allow to be done with what they brought.
        var permits = Permits()
        /// What the bundle that was begun last lacks, and is not gone: who takes it over need not give it back.
        var unwanted = Inventory()
        /// What others took over, as long as the bundle that was begun last wants it.
        var losses: [ObjectIdentity: Loss] = [:]
        /// What was taken and given back, and not applied here since: it is as who had it last made it.
        var returned = Inventory()
        /// Whether a bundle has come to its end here: what comes then is an upgrade.
        var isInstalled = false
        /// The ConfigMaps that hold what one has no room for; empty where one has.
        var parts: [String] = []
        /// When the inventory itself was made; nil where there is none yet. Not written.
        var since: KubernetesTime?

        /// What is known to have been applied.
        var applied: Inventory { inventory.subtracting(pending).subtracting(leaving) }

        /// What is noted of an object, to know it again.
        func mark(of identity: ObjectIdentity) -> ObjectMark {
            ObjectMark(uid: uids[identity], isBare: bare.identities.contains(identity))
        }

        /// The record with what reports say of which objects were applied.
        func noting(marksOf reports: [BundleProgress]) -> Record {
            var record = self
            var (more, less): ([ObjectReference], [ObjectReference]) = ([], [])
            for report in reports {
                guard let uid = report.uid else { continue }
                record.uids[report.reference.identity] = uid
                if report.isBare { more.append(report.reference) } else { less.append(report.reference) }
            }
            record.bare = bare.subtracting(Inventory(less)).union(Inventory(more))
            return record
        }

        /// Whether an object was there before it was applied the first time.
        ///
        /// Of one that nothing is noted of, as in inventories of earlier versions, its age tells: an inventory is made before
        /// anything is applied, so what is older than it was there before, and what is younger counts as created. Where an
        /// inventory was lost and made again, this leaves things behind rather than deleting what may be somebody's.
        func wasThereBefore(_ identity: ObjectIdentity, _ live: KubernetesObject) -> Bool {
            if adopted.identities.contains(identity) { return true }
            if created.identities.contains(identity) { return false }
            guard let since, let born = live.creationTimestamp.flatMap(KubernetesTime.init(parsing:)) else {
                return false
            }
            return born < since
        }

        /// The record with more that was there before.
        func noting(adopted more: some Sequence<ObjectReference>) -> Record {
            var record = self
            record.adopted = adopted.union(Inventory(more))
            record.created = created.subtracting(record.adopted)
            return record
        }

        /// The record with more that was not there before; what was there, was.
        func noting(created more: some Sequence<ObjectReference>) -> Record {
            var record = self
            record.created = created.union(Inventory(more).subtracting(adopted))
            return record
        }

        /// The record with whether objects were there before.
        func noting(origins: [ObjectReference: Bool]) -> Record {
            noting(adopted: origins.filter(\.value).map(\.key))
                .noting(created: origins.filter { !$0.value }.map(\.key))
        }

        /// The record with what others note of objects that they are giving up, where it has no note of its own: by its age, what they
        /// made would have been there before.
        func noting(originsOf objects: Inventory, _ others: [ObjectIdentity: Bool]) -> Record {
            if others.isEmpty { return self }
            let noted = created.identities.union(adopted.identities)
            let unnoted = objects.references.filter { !noted.contains($0.identity) }
            return noting(adopted: unnoted.filter { others[$0.identity] == true })
                .noting(created: unnoted.filter { others[$0.identity] == false })
        }

        /// The record without notes on what the inventory does not hold.
        var tidied: Record {
            let held = inventory.identities
            func tidied(_ part: Inventory) -> Inventory {
                Inventory(part.references.filter { held.contains($0.identity) })
            }
            var record = self
            record.pending = tidied(pending)
            record.leaving = tidied(leaving)
            record.created = tidied(created)
            record.adopted = tidied(adopted)
            record.bare = tidied(bare)
            record.unwanted = tidied(unwanted)
            record.returned = tidied(returned)
            record.uids = uids.filter { held.contains($0.key) }
            record.permits.withData = tidied(permits.withData)
            record.permits.replaceable = tidied(permits.replaceable)
            record.permits.namespaceDefaults = permits.namespaceDefaults.filter { held.contains($0.key) }
            if !losses.isEmpty {
                let applied = record.applied.identities
                record.losses = losses.filter { !applied.contains($0.key) }
            }
            return record
        }
    }
}
