@testable internal import KubernetesClient

// One of several applications in a simulated cluster, each with an inventory of its own.

/// What applies the application of this name.
func applier(
    _ server: SimulatedServer, of name: String, _ change: (inout BundleOptions) -> Void = { _ in }
) -> BundleApplier {
    server.applier {
        $0.inventoryPrefix = "inv-"
        $0.inventoryName = "inv-\(name)"
        $0.runsFailureHooks = false
        change(&$0)
    }
}

/// What the inventory of the application of this name says.
func record(_ server: SimulatedServer, of name: String) async throws -> InventoryStore.Record {
    try await InventoryStore(api: server.api, options: applier(server, of: name).options).read()
}
