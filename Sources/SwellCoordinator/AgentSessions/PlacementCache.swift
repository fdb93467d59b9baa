internal import SwellModel
internal import SwellStore

/// Where the fleet's clusters are, as read from the store a moment ago: a connecting agent need not make the store read
/// the whole fleet.
actor PlacementCache {
    private typealias Reading = Result<[ClusterName: Cluster], StoreError>

    private let fleet: @Sendable () async throws(StoreError) -> Listing<ClusterRecord>
    private var places: [ClusterName: Cluster] = [:]
    /// The read that has not begun yet, which all who come now share; the one under way may not see what they ask for.
    private var coming: Task<Reading, Never>?
    /// The last that was ordered: one goes on at a time.
    private var latest: Task<Reading, Never>?

    /// - Parameter fleet: reads the whole fleet. A cluster whose document cannot be read stays where it was last known to be, and keeps no
    ///   other's agent out.
    init(_ fleet: @escaping @Sendable () async throws(StoreError) -> Listing<ClusterRecord>) { self.fleet = fleet }

    /// Where `cluster` is; nil where it is not in the fleet. One that is not known yet makes for a look at the store.
    func place(of cluster: ClusterName) async throws(StoreError) -> Cluster? {
        if let place = places[cluster] { return place }
        return try await refresh()[cluster]
    }

    /// Reads again. However many wait, there are two reads at most: the one under way, and one that all of them share.
    func refresh() async throws(StoreError) -> [ClusterName: Cluster] {
        if let coming { return try await coming.value.get() }
        // Nobody's child: who gives up waiting takes nothing from the others.
        let task = Task { [latest] in
            _ = await latest?.value
            return await read()
        }
        coming = task
        latest = task
        return try await task.value.get()
    }

    private func read() async -> Reading {
        coming = nil
        do throws(StoreError) {
            let listing = try await fleet()
            let former = places
            // What is stored may say one name twice; that ends no replica.
            places = Dictionary(listing.items.map { ($0.cluster.name, $0.cluster) }) { first, _ in first }
            for row in listing.unreadable {
                guard let name = try? ClusterName(row.name) else { continue }
                places[name] = former[name]
            }
            return .success(places)
        } catch {
            return .failure(error)
        }
    }
}
