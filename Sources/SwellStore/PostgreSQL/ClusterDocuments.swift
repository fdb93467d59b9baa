internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// The documents of the fleet's clusters as they were at one moment, kept between readings.
///
/// Equal stamps mean equal documents: the database draws them with every change and never the same again, also where it went back to
/// an earlier state and on from there. Bounded by the fleet; see ``Bounds/rememberedClusters``.
struct ClusterDocuments: Sendable {
    struct Entry: Sendable {
        var stamp: String
        /// Or why it cannot be read.
        var document: Result<Cluster, StoreError>
    }

    /// The stamp of all of them; nil where nothing was read yet.
    private(set) var stamp: String?
    private(set) var entries: [ClusterName: Entry] = [:]

    /// Those of which another document is kept than the one of this stamp, or none.
    func outdated(by stamps: [ClusterName: String]) -> [ClusterName] {
        stamps.filter { entries[$0.key]?.stamp != $0.value }.map(\.key)
    }

    /// The documents as of another moment: what is `read` counts, what stands stays, and what is not listed has left.
    func updated(to stamp: String, listed: [ClusterName: String], read: [ClusterName: Entry]) -> ClusterDocuments {
        var next = ClusterDocuments()
        next.stamp = stamp
        next.entries.reserveCapacity(listed.count)
        for (name, current) in listed {
            if let entry = read[name] {
                next.entries[name] = entry
            } else if let entry = entries[name], entry.stamp == current {
                next.entries[name] = entry
            }
        }
        return next
    }

    /// The clusters that can be read and that `isWanted` picks.
    func names(where isWanted: (Cluster) -> Bool) -> [ClusterName] {
        entries.compactMap { name, entry in
            guard case .success(let cluster) = entry.document, isWanted(cluster) else { return nil }
            return name
        }
    }

    /// A cluster's document; nil where it is not in the fleet. Throws where it cannot be read.
    func cluster(_ name: ClusterName) throws(StoreError) -> Cluster? {
        switch entries[name]?.document {
        case nil: nil
        case .success(let cluster): cluster
        case .failure(let error): throw .unreadable(name, error)
        }
    }
}

/// What is kept of the fleet by all transactions of a store. Two that bring it up to date at once do the same work twice; what the later one
/// keeps holds as well as the other's, for what is kept counts only where its stamp is the database's.
final class ClusterMemory: Sendable {
    private let latest = Mutex(ClusterDocuments())
    let targets = DecodedColumn<TargetState>()
    let assignments = DecodedColumn<Assignment>()
    let reports = DecodedColumn<ApplicationReport>()

    var documents: ClusterDocuments { latest.withLock { $0 } }

    func keep(_ documents: ClusterDocuments) {
        guard documents.entries.count <= Bounds.rememberedClusters else { return }
        latest.withLock { $0 = documents }
    }
}
