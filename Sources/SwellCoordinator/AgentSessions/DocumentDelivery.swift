internal import AsyncSupport
internal import GRPCCore
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import Synchronization

/// Brings documents to agents, a few at a time, in pieces. What a cluster does not run, and may not fall back to, is not
/// found, whether it exists or not.
struct DocumentDelivery: Sendable {
    let store: any AgentStore
    let cache: DocumentCache
    /// Deliveries at a time: each holds one document in memory, which the cache may hold too.
    let limiter: ConcurrencyLimiter
    /// Calls of one cluster at a time, so that one agent that does not read holds up nobody else.
    let shares: ClusterShares
    /// How long one document may take to be read by the agent.
    let limit: Interval

    /// Writes the documents in the order asked for.
    func deliver(
        _ digests: [ContentDigest], to cluster: ClusterName,
        _ write: @escaping @Sendable (Swell_V1_DocumentChunk) async throws -> Void
    ) async throws {
        guard shares.take(cluster) else {
            throw RPCError(code: .resourceExhausted, message: "Too many documents are under way to this cluster.")
        }
        defer { shares.giveBack(cluster) }
        for digest in digests {
            try await limiter.run {
                let document = try await document(digest, for: cluster)
                try await send(document, write)
            }
        }
    }

    private func document(_ digest: ContentDigest, for cluster: ClusterName) async throws -> ContentDocument {
        guard try await store.mayRead(digest, cluster: cluster), let document = try await cache.document(digest) else {
            throw RPCError(
                code: .notFound, message: "Document \(digest) is no part of what cluster '\(cluster)' should run.")
        }
        return document
    }

    private func send(
        _ document: ContentDocument, _ write: @escaping @Sendable (Swell_V1_DocumentChunk) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for chunk in Swell_V1_DocumentChunk.chunks(of: document) { try await write(chunk) }
            }
            group.addTask {
                try await Task.sleep(for: limit.duration)
                throw RPCError(code: .deadlineExceeded, message: "The document was not read within \(limit).")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

/// How many calls of each cluster are under way.
final class ClusterShares: Sendable {
    private let limit: Int
    private let underWay = Mutex<[ClusterName: Int]>([:])

    init(limit: Int) { self.limit = limit }

    /// Takes one, if the cluster has not too many already.
    func take(_ cluster: ClusterName) -> Bool {
        underWay.withLock { calls in
            guard calls[cluster, default: 0] < limit else { return false }
            calls[cluster, default: 0] += 1
            return true
        }
    }

    func giveBack(_ cluster: ClusterName) {
        underWay.withLock { calls in
            let left = calls[cluster, default: 1] - 1
            calls[cluster] = left > 0 ? left : nil
        }
    }
}
