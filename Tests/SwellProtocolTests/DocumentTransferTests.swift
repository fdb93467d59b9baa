internal import FoundationEssentials
internal import SwellModel
internal import Testing

@testable internal import SwellProtocol

@Suite struct DocumentTransferTests {
    private func document(_ size: Int, seed: UInt8 = 1) -> ContentDocument {
        ContentDocument(content: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) &+ seed })
    }

    @Test(arguments: [0, 1, WireLimits.chunkSize, WireLimits.chunkSize + 1, 3 * WireLimits.chunkSize])
    func documentsComeTogetherAgain(size: Int) throws {
        let documents = [document(size), document(10, seed: 9)]
        var assembler = DocumentAssembler(awaiting: documents.map(\.digest))
        var arrived: [ContentDocument] = []
        for chunk in documents.flatMap({ Swell_V1_DocumentChunk.chunks(of: $0) }) {
            #expect(chunk.content.count <= WireLimits.chunkSize)
            if let complete = try assembler.add(chunk) { arrived.append(complete) }
        }
        #expect(arrived == documents)
        #expect(assembler.missing.isEmpty)
    }

    @Test func whatWasNotAskedForOrIsFalsifiedIsRefused() throws {
        let wanted = document(WireLimits.chunkSize + 5)
        let chunks = Swell_V1_DocumentChunk.chunks(of: wanted)

        var stranger = DocumentAssembler(awaiting: [document(1).digest])
        #expect(throws: WireError.self) { try stranger.add(chunks[0]) }

        var falsified = DocumentAssembler(awaiting: [wanted.digest])
        _ = try falsified.add(chunks[0])
        var last = chunks[1]
        last.content[0] ^= 1
        #expect(throws: WireError.self) { try falsified.add(last) }
        #expect(falsified.missing == [wanted.digest])

        var skipping = DocumentAssembler(awaiting: [wanted.digest])
        #expect(throws: WireError.self) { try skipping.add(chunks[1]) }

        var huge = DocumentAssembler(awaiting: [wanted.digest])
        var first = chunks[0]
        first.size = Int64(WireLimits.documentSize) + 1
        #expect(throws: WireError.self) { try huge.add(first) }

        var endless = DocumentAssembler(awaiting: [wanted.digest])
        var empty = chunks[0]
        empty.content = .init()
        #expect(throws: WireError.self) { try endless.add(empty) }
    }

    @Test func documentsDoNotInterleave() throws {
        let one = document(WireLimits.chunkSize + 5)
        let other = document(WireLimits.chunkSize + 5, seed: 7)
        var assembler = DocumentAssembler(awaiting: [one.digest, other.digest])
        _ = try assembler.add(Swell_V1_DocumentChunk.chunks(of: one)[0])
        #expect(throws: WireError.self) { try assembler.add(Swell_V1_DocumentChunk.chunks(of: other)[0]) }
    }
}
