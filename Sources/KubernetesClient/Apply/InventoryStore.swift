internal import KubernetesObjects

/// Keeps an inventory in a ConfigMap of the cluster, so that it is found by an applier that has lost everything else.
struct InventoryStore: Sendable {
    let api: KubernetesAPI
    let fieldManager: String
    private(set) var reference: ObjectReference
    let prefix: String?
    let isPart: String
    /// What is known of it, by all copies of this value.
    private(set) var state = InventoryState()

    init(api: KubernetesAPI, options: BundleOptions) {
        self.api = api
        self.fieldManager = options.fieldManager
        self.prefix = options.inventoryPrefix
        self.isPart = "\(options.annotations.prefix)/inventory-part"
        self.reference = ObjectReference(
            type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: options.inventoryNamespace,
            name: options.inventoryName)
    }

    /// What is stored; an empty record when nothing is. What is written next is written over it.
    func read() async throws -> Record {
        let stored = try await stored()
        state.note(stored)
        return stored.record
    }

    /// What is stored, with its version.
    func stored() async throws -> InventoryState.Base {
        guard let object = try await api.get(reference) else { return InventoryState.Base() }
        return InventoryState.Base(record: try await record(of: object), version: object.resourceVersion)
    }

    func record(of object: KubernetesObject) async throws -> Record {
        var data = (object["data"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
        var parts: [String] = []
        if let names = data["parts"] {
            parts = names.split(separator: "\n").map { String($0) }
            data = try await assembled(parts)
        }
        let inventory = try Inventory(data: data)
        var record = Record(
            inventory: inventory, finished: FinishedWork(text: data["hooks"] ?? ""),
            pending: try inventory.part(at: data["pending"] ?? ""),
            leaving: try inventory.part(at: data["leaving"] ?? ""),
            created: try inventory.part(at: data["created"] ?? ""),
            adopted: try inventory.part(at: data["adopted"] ?? ""),
            bare: try inventory.part(at: data["bare"] ?? ""), parts: parts,
            since: object.creationTimestamp.flatMap(KubernetesTime.init(parsing:)))
        let uids = (data["uids"] ?? "").split(separator: "\n", omittingEmptySubsequences: false)
        if uids.count == inventory.references.count {
            for (reference, uid) in zip(inventory.sorted, uids) where !uid.isEmpty {
                record.uids[reference.identity] = String(uid)
            }
        }
        // Earlier versions looked at the cluster instead; until the release is applied once more, nothing is allowed.
        record.permits.withData = try inventory.part(at: data["deletable"] ?? "")
        record.permits.namespaceDefaults = Permits.namespaceDefaults(from: data["namespaceDefaults"] ?? "")
        record.permits.replaceable = try inventory.part(at: data["replaceable"] ?? "")
        record.unwanted = try inventory.part(at: data["unwanted"] ?? "")
        record.returned = try inventory.part(at: data["returned"] ?? "")
        record.losses = Record.losses(from: data["losses"] ?? "")
        // Inventories of earlier versions do not say; where something was applied, it was most likely applied whole.
        record.isInstalled = data["installed"].map { $0 == "true" } ?? !record.applied.references.isEmpty
        return record
    }

    /// What another inventory holds of an object.
    struct OtherHold: Sendable, Hashable {
        /// The name of the inventory, without the prefix.
        var name: String
        /// What it notes of the object; nil for nothing.
        var wasThereBefore: Bool?
        /// Whether it was only meant to be applied.
        var isPending = false
    }

    /// What other inventories hold, and the names of those that cannot be read: nobody knows what they hold.
    struct Others: Sendable {
        var held: [ObjectIdentity: OtherHold] = [:]
        /// Of what is only leaving, and held by nobody for that, or was taken from there by this inventory: whether it was there before
        /// it was applied the first time.
        var origins: [ObjectIdentity: Bool] = [:]
        /// From whom objects were taken that are wanted there still: who is to have them once nobody else does.
        var losers: [ObjectIdentity: String] = [:]
        var unreadable: [String] = []
    }

    /// What other inventories beside this one hold, by the kinds' present groups.
    ///
    /// One that cannot be read is named and stops nobody: it may be of a newer version, or written by hand.
    func others() async throws -> Others {
        guard let prefix else { return Others() }
        var others = Others()
        var losses: [String: [ObjectIdentity: Loss]] = [:]
        let selection = ObjectSelection(
            type: reference.type, namespace: reference.namespace,
            labelSelector: "app.kubernetes.io/managed-by=\(fieldManager)")
        for object in try await api.list(selection).objects
        where object.name.hasPrefix(prefix) && object.name != reference.name {
            guard let record = try await otherRecord(of: object) else {
                others.unreadable.append(object.name)
                continue
            }
            losses[String(object.name.dropFirst(prefix.count))] = record.losses
            for (identity, loss) in record.losses where loss.taker == name && others.origins[identity] == nil {
                others.origins[identity] = loss.wasThereBefore
            }
            let (created, adopted) = (record.created.identities, record.adopted.identities)
            let (pending, leaving) = (record.pending.identities, record.leaving.identities)
            for identity in record.inventory.identities {
                let wasThereBefore = adopted.contains(identity) ? true : created.contains(identity) ? false : nil
                if leaving.contains(identity) {
                    others.origins[identity] = wasThereBefore
                    continue
                }
                let hold = OtherHold(
                    name: String(object.name.dropFirst(prefix.count)), wasThereBefore: wasThereBefore,
                    isPending: pending.contains(identity))
                // Who has applied it goes before who only meant to.
                if let known = others.held[identity], !known.isPending { continue }
                others.held[identity] = hold
            }
        }
        others.losers = losers(in: losses)
        return others
    }

    /// Reads another's inventory, again where its parts changed meanwhile; nil where it cannot be read.
    private func otherRecord(of object: KubernetesObject) async throws -> Record? {
        var object = object
        for _ in 0..<3 {
            do {
                return try await record(of: object)
            } catch let error as KubernetesError where error.code == .invalidInput {
                guard object.value(at: ["data", "parts"]) != nil, let again = try await api.get(object.reference) else {
                    return nil
                }
                object = again
            } catch is KubernetesObjectError {
                return nil
            }
        }
        return nil
    }

    /// The store of another inventory.
    func another(named name: String) -> InventoryStore {
        var other = self
        other.reference.name = name
        other.state = InventoryState()
        return other
    }
}
