internal import KubernetesObjects

/// Keeps an inventory in a ConfigMap of the cluster, so that it is found by an applier that has lost everything else.
struct InventoryStore: Sendable {
    /// What is stored: the inventory, and the hooks that have run to success.
    struct Record: Sendable, Hashable {
        var inventory = Inventory()
        var finishedHooks: Set<String> = []
        /// What of the inventory is only intended: an apply that would bring it has not ended well. It may be somebody else's.
        var pending = Inventory()

        /// What is known to have been applied.
        var applied: Inventory { inventory.subtracting(pending) }
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
            inventory: inventory, finishedHooks: Set(hooks), pending: try inventory.part(at: data["pending"] ?? ""))
    }

    /// What other inventories beside this one hold as applied, with the name of the one that does.
    func others() async throws -> [ObjectIdentity: String] {
        guard let prefix else { return [:] }
        var held: [ObjectIdentity: String] = [:]
        let selection = ObjectSelection(
            type: reference.type, namespace: reference.namespace,
            labelSelector: "app.kubernetes.io/managed-by=\(fieldManager)")
        for object in try await api.list(selection).objects
        where object.name.hasPrefix(prefix) && object.name != reference.name {
            for identity in try record(of: object).applied.identities {
                held[identity] = String(object.name.dropFirst(prefix.count))
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
        object["data"] = .object(data.mapValues { .string($0) })
        _ = try await api.apply(object, ApplyOptions(fieldManager: fieldManager, force: true))
    }
}
