internal import Testing

@testable internal import KubernetesClient

/// Limits that count only the time in which something could be seen.
@Suite struct SightedTimeTests {
    private let start = ContinuousClock.now

    /// Passes seconds one by one.
    private func pass(_ time: inout SightedTime, _ seconds: Range<Int>, isInSight: Bool = true) {
        for second in seconds { time.pass(to: start + .seconds(second + 1), isInSight: isInSight) }
    }

    @Test func itEndsAfterItsLimit() {
        var time = SightedTime(.seconds(20), from: start)
        pass(&time, 0..<19)
        #expect(!time.isOver)
        pass(&time, 19..<20)
        #expect(time.isOver)
    }

    @Test func timeWithoutSightDoesNotCount() {
        var time = SightedTime(.seconds(100), from: start)
        pass(&time, 0..<50)
        pass(&time, 50..<950, isInSight: false)
        pass(&time, 950..<999)
        #expect(!time.isOver)
        pass(&time, 999..<1_015)
        #expect(time.isOver, "what was left, or the grace")
    }

    @Test func whatWasNotSeenHasTimeToShow() {
        var time = SightedTime(.seconds(20), from: start)
        pass(&time, 0..<20, isInSight: true)
        pass(&time, 20..<30, isInSight: false)
        pass(&time, 30..<39)
        #expect(!time.isOver)
        pass(&time, 39..<40)
        #expect(time.isOver)
    }

    @Test func aProcessThatWasStoppedDidNotLook() {
        var time = SightedTime(.seconds(20), from: start)
        pass(&time, 0..<10)
        time.pass(to: start + .seconds(130), isInSight: true)
        pass(&time, 130..<139)
        #expect(!time.isOver)
    }

    @Test func blinkingComesToAnEnd() {
        var time = SightedTime(.seconds(20), from: start)
        for round in 0..<20 {
            pass(&time, round * 10..<round * 10 + 8)
            pass(&time, round * 10 + 8..<round * 10 + 10, isInSight: false)
        }
        #expect(time.isOver)
    }
}
