internal import SwellModel
internal import Testing

@testable internal import SwellCoordinator

@Suite struct RateLimitTests {
    private static let start = Timestamp(milliseconds: 1_000_000)

    @Test func aBurstThenOneEachInterval() {
        var limit = RateLimit<String>(burst: 3, interval: .seconds(1))
        func admits(_ key: String, after: Interval) -> Bool { limit.admits(key, at: Self.start + after) }
        #expect((0..<5).map { _ in admits("a", after: .zero) } == [true, true, true, false, false])
        #expect(admits("b", after: .zero))
        #expect(!admits("a", after: .milliseconds(999)))
        #expect(admits("a", after: .seconds(1)))
        #expect(!admits("a", after: .seconds(1)))
        #expect((0..<4).map { _ in admits("a", after: .seconds(60)) } == [true, true, true, false])
    }

    @Test func unknownKeysAreRefusedWhenAllKnownOnesAreInDebt() {
        var limit = RateLimit<Int>(burst: 2, interval: .seconds(1), keyLimit: 2)
        let admitted = [1, 2, 3, 1].map { limit.admits($0, at: Self.start) }
        #expect(admitted == [true, true, false, true])
        let later = limit.admits(3, at: Self.start + .seconds(1))
        #expect(later)
    }
}
