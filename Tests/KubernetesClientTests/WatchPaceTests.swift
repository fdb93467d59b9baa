internal import Testing

@testable internal import KubernetesClient

/// When a server is asked again for the sake of those who wait.
@Suite struct WatchPaceTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private func step(
        _ pace: inout WatchPace, comer: Double? = nil, needsList: Bool = false, recovery: Double? = nil, at now: Double
    ) -> WatchPace.Step? {
        pace.step(for: comer.map(at), needsList: needsList, recovery: recovery.map(at), at: at(now))
    }

    @Test func oneThatTellsIsAskedAgainOnlyForWhatItDoesNotTell() {
        var pace = WatchPace()
        pace.asks(at: at(0))
        pace.isAnswered()
        let steps = [
            step(&pace, comer: 0, at: 100), step(&pace, recovery: 99, at: 100),
            step(&pace, comer: 0, needsList: true, at: 100),
        ]
        #expect(steps == [nil, nil, .listAgain])
        #expect(!pace.isUnsettled)
    }

    @Test func aListIsLetBeForTwiceAsLongEachTime() {
        var pace = WatchPace()
        pace.asks(at: at(0))
        #expect(pace.isUnsettled)
        var given: [Double] = []
        var now = 0.0
        while now < 400 {
            now += 0.5
            guard step(&pace, comer: 0, at: now) == .listAgain else { continue }
            given.append(now)
            pace.asks(at: at(now))
        }
        #expect(given == [5, 15, 35, 75, 135, 195, 255, 315, 375])
        pace.isAnswered()
        pace.asks(at: at(400))
        let steps = [step(&pace, at: 500), step(&pace, comer: 400, at: 404), step(&pace, comer: 400, at: 405)]
        #expect(steps == [nil, nil, .listAgain], "not where nobody waits; and once more as at first")
    }

    @Test func whatWasAskedBeforeAServerCameBackIsAskedAgain() {
        var pace = WatchPace()
        pace.asks(at: at(10))
        let steps = [step(&pace, recovery: 9, at: 11), step(&pace, recovery: 10.5, at: 11)]
        #expect(steps == [nil, .listAgain])
        pace.pauses(at: at(12))
        let later = [step(&pace, recovery: 11, at: 13), step(&pace, recovery: 12.5, at: 13)]
        #expect(later == [nil, .goOn])
    }

    @Test func whoComesEndsAPauseOnceAndTogetherTheyDoSoOnceASecond() {
        var pace = WatchPace()
        pace.asks(at: at(0))
        pace.pauses(at: at(0.1))
        let waiting = step(&pace, comer: 0, at: 60)
        #expect(waiting == nil, "it was asked for that one")
        var given: [Double] = []
        for tick in 0..<100 {
            let now = 60 + Double(tick) / 10
            guard step(&pace, comer: now - 0.5, at: now) == .goOn else { continue }
            given.append(now)
            pace.asks(at: at(now))
            pace.pauses(at: at(now + 0.01))
        }
        #expect((7...10).contains(given.count))
        #expect(zip(given, given.dropFirst()).allSatisfy { $1 - $0 >= 1 })
    }
}
