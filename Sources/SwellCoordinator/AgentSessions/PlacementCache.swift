internal import SwellModel
internal import SwellStore

/// Where the fleet's clusters are, as read from the store a moment ago: a connecting agent need not make the store read
/// the whole fleet.
actor PlacementCache {
    private let store: any FleetStore
    private var places: [ClusterName: Cluster] = [:]
    /// How many reads have begun and ended, so that those who wait for news share one.
    private var readsBegun = 0
    private var readsEnded = 0

    init(store: any FleetStore) { self.store = store }

    /// Where `cluster` is; nil where it is not in the fleet. One that is not known yet makes for a look at the store.
    func place(of cluster: ClusterName) async throws(StoreError) -> Cluster? {
        if let place = places[cluster] { return place }
        _ = try await refresh()
        return places[cluster]
    }

    /// Reads again.
    func refresh() async throws(StoreError) -> [ClusterName: Cluster] {
        readsBegun += 1
        let read = readsBegun
        let records = try await store.clusters()
        // A read that began earlier and ended later knows less.
        if read > readsEnded {
            readsEnded = read
            places = Dictionary(uniqueKeysWithValues: records.map { ($0.cluster.name, $0.cluster) })
        }
        return places
    }
}
