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

@Suite(.timeLimit(.minutes(1))) struct TurnsTests {
    @Test func aFewAtATimeAndThoseBehindTooManyAreTurnedAway() async throws {
        let turns = Turns(1, waitingLimit: 1)
        let (gate, open) = AsyncStream<Void>.makeStream()
        let order = Journal<Int>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await turns.run {
                    order.add(1)
                    for await _ in gate {}
                }
            }
            try await soon("the first has its turn") { order.entries == [1] }
            group.addTask { try await turns.run { order.add(2) } }
            try await soon("the second waits, the third is turned away") {
                await withTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        do {
                            try await turns.run {}
                            return false
                        } catch {
                            return error is Turns.Overloaded
                        }
                    }
                    // If it took the second's place in the queue, it leaves it by being cancelled.
                    group.addTask {
                        try? await Task.sleep(for: .milliseconds(20))
                        return false
                    }
                    let isTurnedAway = await group.next() ?? false
                    group.cancelAll()
                    return isTurnedAway
                }
            }
            open.finish()
            try await group.waitForAll()
        }
        #expect(order.entries.first == 1)
        try await turns.run { order.add(3) }
        #expect(order.entries.last == 3)
    }

    @Test func whoIsCancelledWhileWaitingLeavesTheQueue() async throws {
        let turns = Turns(1, waitingLimit: 1)
        let (gate, open) = AsyncStream<Void>.makeStream()
        let running = Journal<Int>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await turns.run {
                    running.add(1)
                    for await _ in gate {}
                }
            }
            try await soon("the first has its turn") { running.entries == [1] }
            await withTaskGroup(of: Void.self) { waiting in
                waiting.addTask {
                    await #expect(throws: CancellationError.self) { try await turns.run { running.add(2) } }
                }
                waiting.cancelAll()
            }
            open.finish()
            try await group.waitForAll()
        }
        try await turns.run { running.add(3) }
        #expect(running.entries == [1, 3])
    }
}
