internal import KubernetesObjects
internal import SwellModel
internal import Synchronization

/// A release's content as the cache has it.
struct ReleaseContent: Sendable {
    let cache: DocumentCache
    private let known = Known()

    /// The documents of the releases that were asked for last, for all copies; bounded by them.
    private final class Known: Sendable {
        let documents = Mutex<[ContentDigest: [ContentDigest]]>([:])
    }

    init(cache: DocumentCache) { self.cache = cache }

    /// Which documents of a release are not stored: the index alone where that is missing.
    ///
    /// - Throws: ``AgentError`` with code `contentUnavailable` when the index is stored and cannot be understood.
    func lacking(_ release: ContentDigest) async throws -> [ContentDigest] {
        guard let bundle = try await bundle(release) else { return [release] }
        var lacking: [ContentDigest] = []
        var seen: Set<ContentDigest> = []
        for digest in bundle.documents where seen.insert(digest).inserted {
            if await !cache.contains(digest) { lacking.append(digest) }
        }
        return lacking
    }

    /// A release's index, if it is stored.
    func bundle(_ release: ContentDigest) async throws -> Bundle? {
        guard let bytes = try await cache.read(release) else { return nil }
        do {
            return try Bundle(content: bytes)
        } catch {
            throw AgentError(
                .contentUnavailable, "the index of release \(release.short) cannot be understood", cause: error)
        }
    }

    /// The digests of these releases and of all their documents, as far as the indexes are stored.
    func closure(of releases: Set<ContentDigest>) async -> Set<ContentDigest> {
        let former = known.documents.withLock(\.self)
        var current: [ContentDigest: [ContentDigest]] = [:]
        for release in releases {
            // What a digest stands for never changes; it is asked for all of a cluster's releases at each one that comes.
            if let documents = former[release] {
                current[release] = documents
            } else if let bundle = try? await bundle(release) {
                current[release] = bundle.documents
            }
        }
        known.documents.withLock { $0 = current }
        return releases.union(current.values.joined())
    }

    /// The objects that the release means on this cluster.
    ///
    /// - Throws: ``AgentError``: `contentUnavailable` when a document is not stored; `refusedByCluster` when it cannot be rendered.
    func render(_ release: ContentDigest, for cluster: Cluster) async throws -> (Bundle, [KubernetesObject]) {
        guard let bundle = try await bundle(release) else {
            throw AgentError(.contentUnavailable, "the index of release \(release.short) is not stored")
        }
        var documents: [JSONValue] = []
        documents.reserveCapacity(bundle.documents.count)
        for digest in bundle.documents {
            guard let bytes = try await cache.read(digest) else {
                throw AgentError(
                    .contentUnavailable, "document \(digest.short) of release \(release.short) is not stored")
            }
            do {
                documents.append(try JSONValue(parsing: bytes))
            } catch {
                throw AgentError(.refusedByCluster, "document \(digest.short) is not JSON", cause: error)
            }
        }
        do {
            return (bundle, try ReleaseRenderer(bundle).render(documents, for: cluster))
        } catch {
            throw AgentError(.refusedByCluster, "the release cannot be rendered: \(error)")
        }
    }
}
