internal import Testing

@testable internal import SwellStore

/// What is kept of documents between decisions.
@Suite("Documents in columns, decoded once")
struct DecodedColumnTests {
    private static func document(_ number: Int) -> [UInt8] { Array("[\(1_000 + number)]".utf8) }

    @Test("A document says the same however often it is asked for, and one that cannot be read fails each time")
    func saysTheSame() throws {
        let column = DecodedColumn<[Int]>(limit: 1_024)
        for _ in 0..<3 {
            #expect(try column.decode(Array("[1,2]".utf8)) == [1, 2])
            #expect(try column.decode(Array("[1, 2]".utf8)) == [1, 2])
            #expect(try column.decode(Array("[1,3]".utf8)) == [1, 3])
            #expect(throws: (any Error).self) { try column.decode(Array("[1,".utf8)) }
        }
    }

    @Test("What is used stays, what nobody asks for goes, and no more than the limit is kept")
    func isBounded() {
        let each = Self.document(0).count
        var memory = DocumentMemory<Int>(limit: 20 * each)
        memory.keep(0, of: Self.document(0))
        for number in 1..<1_000 {
            #expect(memory.value(of: Self.document(0)) == 0)
            memory.keep(number, of: Self.document(number))
            #expect(memory.count <= 20)
        }
        #expect(memory.value(of: Self.document(999)) == 999)
        #expect(memory.value(of: Self.document(500)) == nil)
    }

    @Test("A document greater than the half of it all is not kept, and drives nothing out")
    func giant() {
        var memory = DocumentMemory<Int>(limit: 100)
        memory.keep(1, of: [1])
        memory.keep(2, of: [UInt8](repeating: 2, count: 51))
        #expect(memory.value(of: [UInt8](repeating: 2, count: 51)) == nil)
        #expect(memory.value(of: [1]) == 1)
        #expect(memory.count == 1)
    }
}
