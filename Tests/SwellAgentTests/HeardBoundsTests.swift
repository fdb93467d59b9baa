internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// What a coordinator may order of an agent's time.
@Suite struct HeardBoundsTests {
    @Test(arguments: [
        (Interval.zero, Interval.seconds(1)), (.milliseconds(999), .seconds(1)), (.seconds(1), .seconds(1)),
        (.minutes(10), .minutes(10)), (.minutes(10) + .milliseconds(1), .minutes(10)),
        (.hours(10 * 366 * 24), .minutes(10)),
    ])
    func noAgentIsSentAwayForEverNorToComeBackWithoutPause(said: Interval, taken: Interval) {
        let (value, remark) = HeardBounds.bound(said, to: HeardBounds.away, "a wait")
        #expect(value == taken)
        #expect((remark == nil) == (said == taken))
    }

    @Test func pacesStayWithinWhatKeepsASessionAlive() {
        var paces = SessionPaces(heartbeat: .hours(10 * 366 * 24), gathering: .hours(1))
        #expect(HeardBounds.bound(&paces).count == 2)
        #expect(paces == SessionPaces(heartbeat: .seconds(60), gathering: .seconds(5)))
        paces = SessionPaces(heartbeat: .zero, gathering: .zero)
        #expect(HeardBounds.bound(&paces).count == 2)
        #expect(paces == SessionPaces(heartbeat: .milliseconds(100), gathering: .milliseconds(10)))
        paces = SessionPaces(heartbeat: .seconds(10), gathering: .milliseconds(500))
        #expect(HeardBounds.bound(&paces).isEmpty)
    }

    @Test func noDeadlineIsBeyondWhatAnybodyWaitsFor() {
        var assignment = Assignment(
            cluster: "east-1", application: "shop", generation: 1, epoch: 1, rollout: "shop-1", goal: .remove,
            settings: AssignmentSettings(
                minHealthyTime: .hours(9_999), progressDeadline: .hours(99_999), selfRollback: true))
        #expect(HeardBounds.bound(&assignment).count == 2)
        #expect(assignment.settings.progressDeadline == .hours(720))
        #expect(assignment.settings.minHealthyTime == .hours(168))
        #expect(HeardBounds.bound(&assignment).isEmpty)
    }

    @Test func aFloodIsHeardAtASteadyPace() {
        var pace = HearingPace()
        let begin = ContinuousClock.now
        for _ in 0..<HeardBounds.messagesPerSecond { #expect(pace.hear(at: begin) == .zero) }
        #expect(pace.hear(at: begin + .milliseconds(400)) == .milliseconds(600))
        #expect(pace.hear(at: begin + .seconds(1)) == .zero)
    }
}
