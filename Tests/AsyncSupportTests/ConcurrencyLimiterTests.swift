internal import Testing

@testable internal import AsyncSupport

@Suite(.timeLimit(.minutes(1))) struct ConcurrencyLimiterTests {
    @Test func itBoundsWhatRunsAtOnceAndSurvivesCancellation() async throws {
        let limiter = ConcurrencyLimiter(running: 2, waiting: 20)
        let gauge = Gauge()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask { try await limiter.run { await gauge.enter { await Task.yield() } } }
            }
            try await group.waitForAll()
        }
        #expect(await gauge.most == 2)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { try? await limiter.run { await Task.yield() } } }
            group.cancelAll()
        }
        #expect(limiter.load == (0, 0), "whatever was cancelled, both places are free again")
        try await limiter.run { try await limiter.run { #expect(limiter.load == (2, 0)) } }
    }

    @Test func theyGoInOrderAndThoseBehindTooManyAreTurnedAway() async throws {
        let limiter = ConcurrencyLimiter(running: 1, waiting: 2)
        let gate = Signal()
        let order = Recorder()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 1...3 {
                group.addTask {
                    try await limiter.run {
                        await order.add(index)
                        if index == 1 { await gate.wait() }
                    }
                }
                try await soon("\(index) has its place") { limiter.load == (1, index - 1) }
            }
            await #expect(throws: ConcurrencyLimiter.Overloaded(waiting: 2)) { try await limiter.run {} }
            gate.send()
            try await group.waitForAll()
        }
        #expect(await order.entries == [1, 2, 3])
        #expect(limiter.load == (0, 0))
    }

    @Test func whoIsCancelledWhileWaitingLeavesTheQueueAndRunsNothing() async throws {
        let limiter = ConcurrencyLimiter(running: 1, waiting: 1)
        let gate = Signal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await limiter.run { await gate.wait() } }
            try await soon("the first runs") { limiter.load == (1, 0) }
            try await withThrowingTaskGroup(of: Void.self) { waiting in
                waiting.addTask {
                    do {
                        try await limiter.run { _ = Issue.record("it ran although it was cancelled") }
                        Issue.record("it waited to no end")
                    } catch is CancellationError {}
                }
                try await soon("the second waits") { limiter.load == (1, 1) }
                waiting.cancelAll()
                try await waiting.waitForAll()
            }
            #expect(limiter.load == (1, 0))
            gate.send()
            try await group.waitForAll()
        }
    }

    @Test func anErrorGivesThePlaceBack() async throws {
        struct Failure: Error {}
        let limiter = ConcurrencyLimiter(running: 1, waiting: 0)
        await #expect(throws: Failure.self) { try await limiter.run { throw Failure() } }
        #expect(limiter.load == (0, 0))
    }

    /// A turn that is handed over in the moment of its owner's cancellation is not lost: the owner runs, and gives it back.
    @Test func aTurnHandedOverBeforeTheCancellationCounts() {
        var state = LimiterState(running: 1, waiting: 1)
        #expect(state.enter() == .runs)
        guard case .waits(let id) = state.enter() else {
            Issue.record("the second waits")
            return
        }
        #expect(state.enter() == .overloaded)
        state.leave()
        state.cancelled(id)
        #expect(state.waiters.suspend(id) == true)
        #expect((state.running, state.waiting) == (1, 0))
        state.leave()
        #expect(state.running == 0)
    }

    @Test func aListIsGoneThroughAFewSideBySide() async throws {
        let gauge = Gauge()
        var sum = 0
        try await forEachConcurrently(Array(1...50), atMost: 3) { item in
            await gauge.enter { await Task.yield() }
            return item
        } onResult: {
            sum += $0
        }
        #expect(sum == 50 * 51 / 2)
        #expect(await gauge.most <= 3)
    }
}
