internal import SwellModel
internal import Testing

@testable internal import SwellCoordinator

/// What is remembered of agents that were not let in.
@Suite struct RefusalMemoryTests {
    @Test func theLastReasonOfEachIsKeptAndTheOldestGoes() throws {
        let memory = RefusalMemory()
        func name(_ number: Int) throws -> ClusterName { try ClusterName("east-\(number)") }
        for number in 0..<RefusalMemory.limit {
            memory.note("first", of: try name(number), at: Timestamp(milliseconds: Int64(number)))
        }
        memory.note(String(repeating: "x", count: 5_000), of: try name(0), at: Timestamp(milliseconds: 1_000_000))
        #expect(memory.last(of: try name(0))?.reason.count == RefusalMemory.reasonLimit)
        memory.note("one more", of: try name(9_999), at: Timestamp(milliseconds: 1_000_001))
        #expect(memory.last(of: try name(1)) == nil, "refused longest ago")
        #expect(memory.last(of: try name(0)) != nil)
        #expect(memory.last(of: try name(2))?.reason == "first")
    }
}
