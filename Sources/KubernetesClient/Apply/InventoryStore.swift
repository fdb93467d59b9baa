internal import KubernetesObjects

/// Keeps an inventory in a ConfigMap of the cluster, so that it is found by an applier that has lost everything else.
struct InventoryStore: Sendable {
    /// What is stored: the inventory, and the hooks that have run to success.
    struct Record: Sendable, Hashable {
        var inventory = Inventory()
        var finishedHooks: Set<String> = []
    }

    let api: KubernetesAPI
    let fieldManager: String
    let reference: ObjectReference

    init(api: KubernetesAPI, options: BundleOptions) {
        self.api = api
        self.fieldManager = options.fieldManager
        self.reference = ObjectReference(
            type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: options.inventoryNamespace,
            name: options.inventoryName)
    }

    /// What is stored; an empty record when nothing is.
    func read() async throws -> Record {
        guard let object = try await api.get(reference) else { return Record() }
        let data = (object["data"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
        let hooks = (data["hooks"] ?? "").split(separator: "\n").map { String($0) }
        return Record(inventory: try Inventory(data: data), finishedHooks: Set(hooks))
    }

    /// Stores a record.
    func write(_ record: Record) async throws {
        var object = KubernetesObject(type: reference.type, namespace: reference.namespace, name: reference.name)
        object.labels = ["app.kubernetes.io/managed-by": fieldManager]
        var data = record.inventory.data
        data["hooks"] = record.finishedHooks.sorted().joined(separator: "\n")
        object["data"] = .object(data.mapValues { .string($0) })
        _ = try await api.apply(object, ApplyOptions(fieldManager: fieldManager, force: true))
    }
}
