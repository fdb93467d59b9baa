internal import FoundationEssentials
package import SwellModel
internal import SwiftProtobuf

extension Swell_V1_DocumentChunk {
    /// The pieces in which a document goes over the wire, in order. An empty document is one empty piece.
    package static func chunks(of document: ContentDocument) -> [Swell_V1_DocumentChunk] {
        var chunks: [Swell_V1_DocumentChunk] = []
        var offset = 0
        repeat {
            let end = min(offset + WireLimits.chunkSize, document.content.count)
            chunks.append(
                .with {
                    $0.digest = document.digest.rawValue
                    $0.offset = Int64(offset)
                    $0.content = Data(document.content[offset..<end])
                    $0.size = Int64(document.content.count)
                })
            offset = end
        } while offset < document.content.count
        return chunks
    }
}

/// Puts documents together again from their pieces, and believes none whose bytes do not have its digest.
package struct DocumentAssembler: Sendable {
    private var awaited: Set<ContentDigest>
    private var current: (digest: ContentDigest, size: Int, content: [UInt8])?

    /// An assembler for the answer to a request for `digests`.
    package init(awaiting digests: [ContentDigest]) { self.awaited = Set(digests) }

    /// What has not arrived whole yet.
    package var missing: Set<ContentDigest> { awaited }

    /// Takes the next piece; gives the document that it completes, if it does.
    package mutating func add(_ chunk: Swell_V1_DocumentChunk) throws(WireError) -> ContentDocument? {
        let digest = try checkedDigest(chunk.digest, at: "digest")
        guard chunk.size >= 0, chunk.size <= Int64(WireLimits.documentSize) else {
            throw WireError(
                .tooLarge, at: "size",
                "\(chunk.size) bytes of \(digest.short): expected at most \(WireLimits.documentSize)")
        }
        guard chunk.content.count <= WireLimits.chunkSize else {
            throw WireError(
                .tooLarge, at: "content", "\(chunk.content.count) bytes: expected at most \(WireLimits.chunkSize)")
        }
        guard awaited.contains(digest) else {
            throw WireError(.invalidValue, at: "digest", "\(digest.short) was not asked for, or came already")
        }
        var document = current ?? (digest, Int(chunk.size), [])
        guard document.digest == digest, document.size == Int(chunk.size) else {
            throw WireError(
                .invalidValue, at: "digest", "\(digest.short) begins before \(document.digest.short) has ended")
        }
        guard chunk.offset == Int64(document.content.count),
            document.content.count + chunk.content.count <= document.size,
            !chunk.content.isEmpty || document.size == 0
        else {
            throw WireError(
                .invalidValue, at: "offset",
                "\(chunk.content.count) bytes at \(chunk.offset) of \(document.size): expected to go on at \(document.content.count)"
            )
        }
        document.content.append(contentsOf: chunk.content)
        guard document.content.count == document.size else {
            current = document
            return nil
        }
        current = nil
        let complete = ContentDocument(content: document.content)
        guard complete.digest == digest else {
            throw WireError(
                .invalidValue, at: "content", "the bytes of \(digest.short) have digest \(complete.digest.short)")
        }
        awaited.remove(digest)
        return complete
    }
}
