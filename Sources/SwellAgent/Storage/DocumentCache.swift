internal import Logging
internal import SwellModel

/// Documents on disk by digest. What is read is checked, and what does not have its digest is thrown away.
///
/// Bounded in size: beyond the limit the least recently used documents go, but never one that is pinned.
actor DocumentCache {
    private let directory: String
    private let sizeLimit: Int
    private let logger: Logger
    /// The size of each stored document, and when it was last used, in uses.
    private var entries: [ContentDigest: (size: Int, usedAt: UInt64)] = [:]
    private var uses: UInt64 = 0
    private var pinned: Set<ContentDigest> = []

    /// A cache in `stateDirectory`; takes stock of what is there.
    init(stateDirectory: String, sizeLimit: Int = 256 << 20, logger: Logger) throws(AgentError) {
        self.directory = stateDirectory + "/documents"
        self.sizeLimit = sizeLimit
        self.logger = logger
        try AtomicFile.makeDirectory(directory)
        for name in AtomicFile.names(in: directory) {
            guard let digest = try? ContentDigest("sha256:" + name) else {
                // A leftover of a write that was cut short.
                AtomicFile.remove(directory + "/" + name)
                continue
            }
            entries[digest] = (AtomicFile.size(of: directory + "/" + name), 0)
        }
    }

    /// The documents that must not go, whatever the size.
    func pin(_ digests: Set<ContentDigest>) { pinned = digests }

    /// The bytes stored at present.
    var size: Int { entries.values.reduce(0) { $0 + $1.size } }

    /// Whether a document is stored; its bytes are checked when they are read.
    func contains(_ digest: ContentDigest) -> Bool { entries[digest] != nil }

    /// A document's bytes; nil where it is not stored, or what was stored is not it.
    func read(_ digest: ContentDigest) async throws -> [UInt8]? {
        guard entries[digest] != nil else { return nil }
        let path = path(of: digest)
        let bytes = try await AtomicFile.offload { try AtomicFile.read(path, limit: 64 << 20) }
        guard let bytes, ContentDigest(of: bytes) == digest else {
            entries[digest] = nil
            AtomicFile.remove(path)
            logger.warning("stored document is damaged and was thrown away", metadata: ["digest": "\(digest.short)"])
            return nil
        }
        uses += 1
        entries[digest] = (bytes.count, uses)
        return bytes
    }

    /// Stores a document.
    func store(_ document: ContentDocument) async throws {
        let path = path(of: document.digest)
        let content = document.content
        // No flush: what a crash leaves behind is found out by its digest.
        try await AtomicFile.offload { try AtomicFile.write(content, to: path, isDurable: false) }
        uses += 1
        entries[document.digest] = (content.count, uses)
        evict()
    }

    private func evict() {
        var total = size
        guard total > sizeLimit else { return }
        let candidates = entries.filter { !pinned.contains($0.key) && $0.value.usedAt < uses }
            .sorted { $0.value.usedAt < $1.value.usedAt }
        for (digest, entry) in candidates where total > sizeLimit {
            AtomicFile.remove(path(of: digest))
            entries[digest] = nil
            total -= entry.size
            logger.debug("document evicted", metadata: ["digest": "\(digest.short)", "bytes": "\(entry.size)"])
        }
    }

    private func path(of digest: ContentDigest) -> String { directory + "/" + digest.rawValue.dropFirst(7) }
}
