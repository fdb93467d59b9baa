internal import KubernetesObjects

/// Keeps an inventory in a ConfigMap of the cluster, so that it is found by an applier that has lost everything else.
struct InventoryStore: Sendable {
    /// What is stored: the inventory, the hooks that have run to success, and of each object whose it is.
    struct Record: Sendable, Hashable {
        var inventory = Inventory()
        var finishedHooks: Set<String> = []
        /// What of the inventory is only intended: an apply that would bring it has not ended well. It may be somebody else's.
        var pending = Inventory()
        /// What was not there before it was applied the first time.
        var created = Inventory()
        /// What was there before it was applied the first time. It is never deleted.
        var adopted = Inventory()
        /// When the inventory itself was made; nil where there is none yet. Not written.
        var since: KubernetesTime?

        /// What is known to have been applied.
        var applied: Inventory { inventory.subtracting(pending) }

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

        /// The record without notes on what the inventory does not hold.
        var tidied: Record {
            let held = inventory.identities
            func tidied(_ part: Inventory) -> Inventory {
                Inventory(part.references.filter { held.contains($0.identity) })
            }
            var record = self
            record.pending = tidied(pending)
            record.created = tidied(created)
            record.adopted = tidied(adopted)
            return record
        }
    }

    let api: KubernetesAPI
    let fieldManager: String
    let reference: ObjectReference
    private let prefix: String?

    init(api: KubernetesAPI, options: BundleOptions) {
        self.api = api
        self.fieldManager = options.fieldManager
        self.prefix = options.inventoryPrefix
        self.reference = ObjectReference(
            type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: options.inventoryNamespace,
            name: options.inventoryName)
    }

    /// What is stored; an empty record when nothing is.
    func read() async throws -> Record {
        guard let object = try await api.get(reference) else { return Record() }
        return try record(of: object)
    }

    private func record(of object: KubernetesObject) throws -> Record {
        let data = (object["data"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
        let hooks = (data["hooks"] ?? "").split(separator: "\n").map { String($0) }
        let inventory = try Inventory(data: data)
        return Record(
            inventory: inventory, finishedHooks: Set(hooks), pending: try inventory.part(at: data["pending"] ?? ""),
            created: try inventory.part(at: data["created"] ?? ""),
            adopted: try inventory.part(at: data["adopted"] ?? ""),
            since: object.creationTimestamp.flatMap(KubernetesTime.init(parsing:)))
    }

    /// What another inventory holds of an object.
    struct OtherHold: Sendable, Hashable {
        /// The name of the inventory, without the prefix.
        var name: String
        /// What it notes of the object; nil for nothing.
        var wasThereBefore: Bool?
    }

    /// What other inventories beside this one hold as applied.
    func others() async throws -> [ObjectIdentity: OtherHold] {
        guard let prefix else { return [:] }
        var held: [ObjectIdentity: OtherHold] = [:]
        let selection = ObjectSelection(
            type: reference.type, namespace: reference.namespace,
            labelSelector: "app.kubernetes.io/managed-by=\(fieldManager)")
        for object in try await api.list(selection).objects
        where object.name.hasPrefix(prefix) && object.name != reference.name {
            let record = try record(of: object)
            let (created, adopted) = (record.created.identities, record.adopted.identities)
            for identity in record.applied.identities {
                held[identity] = OtherHold(
                    name: String(object.name.dropFirst(prefix.count)),
                    wasThereBefore: adopted.contains(identity) ? true : created.contains(identity) ? false : nil)
            }
        }
        return held
    }

    /// Stores a record.
    func write(_ record: Record) async throws {
        var object = KubernetesObject(type: reference.type, namespace: reference.namespace, name: reference.name)
        object.labels = ["app.kubernetes.io/managed-by": fieldManager]
        var data = record.inventory.data
        data["hooks"] = record.finishedHooks.sorted().joined(separator: "\n")
        data["pending"] = record.inventory.places(of: record.pending)
        data["created"] = record.inventory.places(of: record.created)
        data["adopted"] = record.inventory.places(of: record.adopted)
        object["data"] = .object(data.mapValues { .string($0) })
        _ = try await api.apply(object, ApplyOptions(fieldManager: fieldManager, force: true))
    }
}
