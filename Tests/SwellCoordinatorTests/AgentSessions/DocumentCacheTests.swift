internal import AsyncSupport
internal import SwellModel
internal import SwellStore
internal import Synchronization
internal import Testing

@testable internal import SwellCoordinator

@Suite(.timeLimit(.minutes(2))) struct DocumentCacheTests {
    private static func document(_ text: String, bytes: Int = 10) -> ContentDocument {
        ContentDocument(content: Array(text.utf8) + Array(repeating: 46, count: bytes - text.utf8.count))
    }

    private final class Tally: Sendable {
        private let number = Mutex(0)
        var value: Int { number.withLock(\.self) }
        func add() { number.withLock { $0 += 1 } }
    }

    /// A store whose readings wait until they are let.
    private final class SlowStore: Sendable {
        private let reads = Mutex(0)
        private let gate = Signal()
        private let answers: @Sendable (Int) throws(StoreError) -> [UInt8]?

        init(_ answers: @escaping @Sendable (Int) throws(StoreError) -> [UInt8]?) { self.answers = answers }

        var count: Int { reads.withLock(\.self) }
        func open() { gate.send() }

        func read() async throws(StoreError) -> [UInt8]? {
            let number = reads.withLock { count in
                count += 1
                return count
            }
            await gate.wait()
            return try answers(number)
        }
    }

    @Test func twoHundredAgentsThatAskAtOnceCostOneRead() async throws {
        let document = Self.document("deployment")
        let store = SlowStore { _ in document.content }
        let cache = DocumentCache { _ throws(StoreError) in try await store.read() }
        let asked = Tally()
        try await withThrowingTaskGroup(of: ContentDocument?.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    asked.add()
                    return try await cache.document(document.digest)
                }
            }
            try await ReplicaFixture.eventually("all have asked") { asked.value == 200 && store.count == 1 }
            store.open()
            var answers = 0
            for try await answer in group where answer == document { answers += 1 }
            #expect(answers == 200)
        }
        #expect(store.count == 1)
        #expect(try await cache.document(document.digest) == document)
        #expect(store.count == 1)
    }

    @Test func whoGoesAwayWhileHeReadsTakesNobodyAlong() async throws {
        let document = Self.document("deployment")
        let store = SlowStore { _ in document.content }
        let cache = DocumentCache { _ throws(StoreError) in try await store.read() }
        let first = Task { try await cache.document(document.digest) }
        try await ReplicaFixture.eventually("the first reads") { store.count == 1 }
        first.cancel()
        let second = Task { try await cache.document(document.digest) }
        store.open()
        #expect(try await second.value == document)
        #expect(store.count == 1)
    }

    @Test func whatCannotBeReadIsSaidToAllAndReadAgainByTheNext() async throws {
        let document = Self.document("deployment")
        let store = SlowStore { number throws(StoreError) in
            guard number > 2 else { throw StoreError(code: .unavailable, message: "the database is away") }
            return number == 3 ? nil : document.content
        }
        let cache = DocumentCache { _ throws(StoreError) in try await store.read() }
        for reads in [1, 2] {
            store.open()
            await #expect(throws: StoreError.self) { try await cache.document(document.digest) }
            #expect(store.count == reads)
        }
        store.open()
        #expect(try await cache.document(document.digest) == nil)
        store.open()
        #expect(try await cache.document(document.digest) == document)
    }

    @Test func itKeepsWhatWasAskedForLastWithinItsBytes() {
        var recent = RecentDocuments(capacity: 30)
        let documents = ["a", "b", "c", "d"].map { Self.document($0) }
        for document in documents.prefix(3) { recent.keep(document) }
        #expect(recent.bytes == 30 && recent.find(documents[0].digest) == documents[0])
        recent.keep(documents[3])
        #expect(recent.bytes == 30 && recent.count == 3)
        #expect(recent.find(documents[1].digest) == nil, "b was asked for longest ago")
        #expect(recent.find(documents[0].digest) != nil && recent.find(documents[2].digest) != nil)
        recent.keep(documents[0])
        #expect(recent.bytes == 30)
        recent.keep(Self.document("large", bytes: 31))
        #expect(recent.count == 3)
        recent.keep(Self.document("all of it", bytes: 30))
        #expect(recent.bytes == 30 && recent.count == 1)
    }
}
