internal import Logging
internal import SwellModel

/// Documents on disk by digest. What is read is checked, and what does not have its digest is thrown away. With a key they are sealed, all
/// of them: what is in a cluster's releases is nobody's business who comes by the disk alone.
///
/// Bounded in size: beyond the limit the least recently used documents go, but never one that is pinned.
actor DocumentCache {
    private let directory: String
    private let sizeLimit: Int
    private let sealing: (any DocumentSealing)?
    private let logger: Logger
    /// The size of each stored document, and when it was last used, in uses.
    private var entries: [ContentDigest: (size: Int, usedAt: UInt64)] = [:]
    private var uses: UInt64 = 0
    private var pinned: Set<ContentDigest> = []
    /// How many times the limit what must not go may take.
    private static let pinnedFactor = 4

    /// A cache in `stateDirectory`; takes stock of what is there, and seals what is in clear from before there was a key.
    init(
        stateDirectory: String, sizeLimit: Int = 256 << 20, sealing: (any DocumentSealing)? = nil, logger: Logger
    ) throws(AgentError) {
        self.sealing = sealing
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
            let path = directory + "/" + name
            try Self.bring(path, digest, under: sealing)
            entries[digest] = (AtomicFile.size(of: path), 0)
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
        guard let bytes = bytes.flatMap({ open($0, digest) }), ContentDigest(of: bytes) == digest else {
            entries[digest] = nil
            AtomicFile.remove(path)
            logger.warning(
                "stored document is damaged, or sealed with another key, and was thrown away",
                metadata: ["digest": "\(digest.short)"])
            return nil
        }
        uses += 1
        entries[digest] = (bytes.count, uses)
        return bytes
    }

    /// Stores a document.
    ///
    /// - Throws: ``AgentError`` with code `contentUnavailable` where it would fill the disk: what must not go counts, too, and is
    ///   only as much as the coordinator says.
    func store(_ document: ContentDocument) async throws {
        guard size + document.content.count <= sizeLimit * Self.pinnedFactor else {
            throw AgentError(
                .contentUnavailable,
                "what runs here takes \(size >> 20) MiB of documents already; an agent keeps at most "
                    + "\((sizeLimit * Self.pinnedFactor) >> 20) MiB")
        }
        let path = path(of: document.digest)
        let content =
            try sealing.map { SealedFile.bytes(try $0.seal(document.content, as: document.digest)) }
            ?? document.content
        // No flush: what a crash leaves behind is found out by its digest.
        try await AtomicFile.offload { try AtomicFile.write(content, to: path, isDurable: false) }
        uses += 1
        entries[document.digest] = (content.count, uses)
        evict()
    }

    private func open(_ bytes: [UInt8], _ digest: ContentDigest) -> [UInt8]? {
        guard SealedFile.isSealed(bytes) else { return bytes }
        return SealedFile.sealed(bytes).flatMap { try? sealing?.open($0, as: digest) }
    }

    /// Seals a file that is in clear, and one that is sealed with a former key once more: both with the key that seals now.
    private static func bring(
        _ path: String, _ digest: ContentDigest, under sealing: (any DocumentSealing)?
    ) throws(AgentError) {
        let keyID = SealedFile.keyID(ofHead: try AtomicFile.head(of: path, count: SealedFile.headSize))
        guard let sealing else {
            guard keyID == nil else {
                throw AgentError(
                    .invalidSetting,
                    "the documents in the state directory are sealed, and no key was given: give --secrets-key-file, or empty "
                        + "the folder documents to keep them in clear from now on")
            }
            return
        }
        guard keyID != sealing.sealingKey, let bytes = try AtomicFile.read(path, limit: 64 << 20) else { return }
        do {
            let sealed =
                if SealedFile.isSealed(bytes) {
                    try SealedFile.sealed(bytes).flatMap { try sealing.rekeyed($0, as: digest) }
                } else {
                    Optional(try sealing.seal(bytes, as: digest))
                }
            guard let sealed else { return }
            try AtomicFile.write(SealedFile.bytes(sealed), to: path, isDurable: false)
        } catch let error as AgentError {
            throw error
        } catch {
            // Nobody can read it: it is fetched again.
            AtomicFile.remove(path)
        }
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
