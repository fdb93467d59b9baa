internal import FoundationEssentials
internal import SwellModel

/// Where the cluster is, as the coordinator last said: rendering needs it while the coordinator is away too.
actor PlacementFile {
    /// Nil where it is kept for as long as the process lives.
    private let path: String?
    private var current: Cluster?
    private var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    private var nextWaiter: UInt64 = 0

    /// Reads what was stored; a file that cannot be read counts as none, since the next session brings it again.
    init(stateDirectory: String?) {
        self.path = stateDirectory.map { $0 + "/placement.json" }
        if let path, let bytes = try? AtomicFile.read(path, limit: 1 << 20) {
            self.current = try? JSONDecoder().decode(Cluster.self, from: Data(bytes))
        }
    }

    /// Takes in what the coordinator says.
    func update(_ cluster: Cluster) async throws {
        guard current != cluster else { return }
        current = cluster
        for waiter in waiters.values { waiter.resume() }
        waiters = [:]
        guard let path else { return }
        let bytes = Array(try JSONEncoder().encode(cluster))
        try await AtomicFile.offload { try AtomicFile.write(bytes, to: path, isDurable: true) }
    }

    /// The cluster's place, once it is known.
    func place() async throws -> Cluster {
        while true {
            if let current { return current }
            try Task.checkCancellation()
            nextWaiter += 1
            let id = nextWaiter
            await withTaskCancellationHandler {
                await withCheckedContinuation { waiters[id] = $0 }
            } onCancel: {
                // An actor can only be reached from a task; it ends at once.
                Task { await self.release(id) }
            }
        }
    }

    private func release(_ id: UInt64) { waiters.removeValue(forKey: id)?.resume() }
}
