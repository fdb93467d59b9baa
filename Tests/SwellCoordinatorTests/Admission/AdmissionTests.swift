internal import SwellModel
internal import SwellStore
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

@Suite struct EnrolmentLimitTests {
    private static let now = Timestamp(milliseconds: 1_000_000)

    @Test func guessesOfManyAddressesShutNoHolderOut() async throws {
        let reads = Journal<Bool>()
        let limit = EnrolmentLimit {
            reads.add(true)
            return ["known"]
        }
        #expect(await limit.admits(token: "guess", at: Self.now))
        for _ in 0..<1_000 { await limit.noteFailure(at: Self.now) }
        for _ in 0..<100 { #expect(await !limit.admits(token: "guess", at: Self.now)) }
        #expect(await limit.admits(token: "known", at: Self.now))
        // A flood of guesses asks the store once a second.
        #expect(reads.entries.count == 1)
        for _ in 0..<1_000 { await limit.noteFailure(at: Self.now + .seconds(2)) }
        #expect(await !limit.admits(token: "guess", at: Self.now + .seconds(2)))
        #expect(reads.entries.count == 2)
        #expect(await limit.admits(token: "guess", at: Self.now + .seconds(30)))
    }
}

@Suite struct CallLimitTests {
    @Test func oneCertificatesCallsAreFewAndAnothersOfItsClusterAreItsOwn() {
        let limit = CallLimit()
        let now = Timestamp(milliseconds: 1_000_000)
        let stolen = CertificateUse("east-1", serial: "01")
        let admitted = (0..<1_000).count { _ in limit.admits(stolen, at: now) }
        #expect(admitted == CallLimit.burst)
        #expect(limit.admits(CertificateUse("east-1", serial: "02"), at: now))
        #expect(limit.admits(stolen, at: now + CallLimit.interval))
    }
}
