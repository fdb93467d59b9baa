internal import Metrics
internal import SwellModel
internal import SwellStore

/// Documents that agents asked for lately, so that a fleet which fetches one release costs the database one read of each of its documents.
///
/// Who asks while a document is read waits for that reading. Bounded by the bytes of what is kept: what was asked for longest ago goes, and a
/// document larger than the bound is read, but not kept. Whether a cluster may read a document is not its business.
actor DocumentCache {
    /// What there is under a digest; nil for nothing.
    typealias Read = @Sendable (ContentDigest) async throws(StoreError) -> [UInt8]?
    private typealias Reading = Result<ContentDocument?, StoreError>

    private let content: Read
    private var documents: RecentDocuments
    private var readings: [ContentDigest: Task<Reading, Never>] = [:]
    private let bytes = Gauge(label: "swell_document_cache_bytes")

    /// - Parameter capacity: How many bytes are kept at most.
    init(capacity: Int = 64 << 20, read: @escaping Read) {
        self.content = read
        self.documents = RecentDocuments(capacity: capacity)
    }

    /// The document; nil where there is none, which is not remembered.
    func document(_ digest: ContentDigest) async throws(StoreError) -> ContentDocument? {
        if let known = documents.find(digest) { return known }
        if let reading = readings[digest] { return try await reading.value.get() }
        // Nobody's child: who gives up waiting takes nothing from the others.
        let reading = Task { await read(digest) }
        readings[digest] = reading
        return try await reading.value.get()
    }

    private func read(_ digest: ContentDigest) async -> Reading {
        defer { readings[digest] = nil }
        do throws(StoreError) {
            guard let document = try await content(digest).map({ ContentDocument(content: $0) }) else {
                return .success(nil)
            }
            documents.keep(document)
            bytes.record(documents.bytes)
            return .success(document)
        } catch {
            return .failure(error)
        }
    }
}

/// Documents within a bound of bytes, those that were asked for last.
struct RecentDocuments {
    let capacity: Int
    private(set) var bytes = 0
    private var documents: [ContentDigest: (document: ContentDocument, usedAt: Int64)] = [:]
    private var uses: Int64 = 0

    init(capacity: Int) { self.capacity = capacity }

    /// How many there are.
    var count: Int { documents.count }

    mutating func find(_ digest: ContentDigest) -> ContentDocument? {
        guard let found = documents[digest]?.document else { return nil }
        uses += 1
        documents[digest]?.usedAt = uses
        return found
    }

    /// Keeps it in the place of those that were asked for longest ago; not where it is larger than all may be together.
    mutating func keep(_ document: ContentDocument) {
        guard documents[document.digest] == nil, document.content.count <= capacity else { return }
        while bytes + document.content.count > capacity,
            let oldest = documents.min(by: { $0.value.usedAt < $1.value.usedAt })
        {
            documents[oldest.key] = nil
            bytes -= oldest.value.document.content.count
        }
        uses += 1
        bytes += document.content.count
        documents[document.digest] = (document, uses)
    }
}
