internal import Testing

@testable internal import AsyncSupport

@Suite(.timeLimit(.minutes(1))) struct SignalTests {
    @Test func aSendBeforeTheWaitIsKeptAndManyAreOne() async {
        let signal = Signal()
        signal.send()
        signal.send()
        #expect(await signal.wait(upTo: .seconds(600)) == .sent)
        #expect(await signal.wait(upTo: .milliseconds(20)) == .timedOut, "the second send was a signal of its own")
    }

    @Test func aSendEndsAWaitWithALimitAndOneWithout() async {
        let signal = Signal()
        for limit in [nil, Duration.seconds(600)] {
            async let wake = signal.wait(upTo: limit)
            signal.send()
            #expect(await wake == .sent)
        }
    }

    @Test func aSendWakesAllWhoWait() async throws {
        let signal = Signal()
        let wakes = try await withThrowingTaskGroup(of: Wake.self) { group in
            for index in 0..<10 {
                group.addTask { await signal.wait(upTo: index.isMultiple(of: 2) ? .seconds(600) : nil) }
            }
            // A send that came before all ten were there is made good by the next.
            group.addTask {
                while !Task.isCancelled {
                    signal.send()
                    await Task.yield()
                }
                return .cancelled
            }
            var wakes: [Wake] = []
            while wakes.count < 10, let wake = try await group.next() { wakes.append(wake) }
            group.cancelAll()
            return wakes
        }
        #expect(wakes == Array(repeating: .sent, count: 10))
    }

    @Test(arguments: [nil, Duration.seconds(600)])
    func aCancelledWaitEndsAndTakesNothingFromTheNext(limit: Duration?) async {
        let signal = Signal()
        let wake = await withTaskGroup(of: Wake.self) { group in
            group.addTask { await signal.wait(upTo: limit) }
            group.cancelAll()
            return await group.next()
        }
        #expect(wake == .cancelled)
        signal.send()
        let late = await withTaskGroup(of: Wake.self) { group in
            group.cancelAll()
            group.addTask { await signal.wait(upTo: limit) }
            return await group.next()
        }
        #expect(late == .cancelled)
        #expect(await signal.wait(upTo: .seconds(60)) == .sent)
    }

    /// A consumer that waits, looks, and waits again sees the last of what was written, however sends and timeouts fall.
    @Test func noWakeUpIsLostBetweenALookAndAWait() async {
        let signal = Signal()
        let latest = LatestValue<Int>()
        let rounds = 20_000
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for value in 1...rounds {
                    latest.send(value)
                    signal.send()
                    if value.isMultiple(of: 64) { await Task.yield() }
                }
            }
            group.addTask {
                var seen = 0
                while seen < rounds {
                    seen = latest.take() ?? seen
                    if seen < rounds { await signal.wait() }
                }
            }
        }
        #expect(latest.take() == nil)
    }
}

/// Every order of what can happen to two waits, against a model that says it in other words.
@Suite struct SignalStateTests {
    private enum Event: CaseIterable { case send, begin, suspendFirst, suspendSecond, timeOutFirst, cancelSecond }

    private struct Walk {
        var state = SignalState()
        /// What each wait must come to: the first of what happened to it.
        var expected: [Wake?] = []
        var ids: [WaiterID] = []
        var outcomes: [Wake?] = []
        var isSuspended: [Bool] = []
        var isKept = false

        /// False where the event cannot happen now.
        mutating func take(_ event: Event) -> Bool {
            switch event {
            case .send:
                let open = expected.indices.filter { expected[$0] == nil }
                if open.isEmpty { isKept = true }
                for index in open { expected[index] = .sent }
                state.send()
            case .begin:
                guard ids.count < 2 else { return false }
                switch state.begin() {
                case .sent:
                    guard isKept else { return false }
                    isKept = false
                case .waits(let id):
                    #expect(!isKept, "a wait begins although a send is kept")
                    ids.append(id)
                    expected.append(nil)
                    outcomes.append(nil)
                    isSuspended.append(false)
                }
            case .suspendFirst, .suspendSecond:
                let index = event == .suspendFirst ? 0 : 1
                guard index < ids.count, !isSuspended[index] else { return false }
                isSuspended[index] = true
                outcomes[index] = state.waiters.suspend(ids[index])
            case .timeOutFirst:
                guard let id = ids.first else { return false }
                expected[0] = expected[0] ?? .timedOut
                state.timedOut(id)
            case .cancelSecond:
                guard ids.count == 2 else { return false }
                expected[1] = expected[1] ?? .cancelled
                state.cancelled(ids[1])
            }
            for (id, outcome) in state.waiters.takeResumable() {
                guard let index = ids.firstIndex(of: id) else { return false }
                #expect(outcomes[index] == nil, "resumed twice")
                outcomes[index] = outcome
            }
            for index in ids.indices where isSuspended[index] { #expect(outcomes[index] == expected[index]) }
            #expect(state.isSent == isKept)
            return true
        }
    }

    @Test func eachWaitComesToTheFirstThingThatHappensToItAndNoSendIsLost() {
        var walks = 0
        func go(_ walk: Walk, depth: Int) {
            walks += 1
            guard depth > 0 else { return }
            for event in Event.allCases {
                var next = walk
                if next.take(event) { go(next, depth: depth - 1) }
            }
        }
        go(Walk(), depth: 9)
        #expect(walks > 10_000)
    }
}
