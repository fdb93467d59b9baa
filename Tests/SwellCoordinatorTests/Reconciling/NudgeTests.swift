internal import Testing

@testable internal import SwellCoordinator

@Suite struct NudgeTests {
    @Test func aSendBeforeTheWaitIsKeptAndManyAreOne() async {
        let nudge = Nudge()
        nudge.send()
        nudge.send()
        await nudge.wait(upTo: .seconds(600))
        let clock = ContinuousClock()
        let took = await clock.measure { await nudge.wait(upTo: .milliseconds(20)) }
        #expect(took >= .milliseconds(20), "the second send was a signal of its own")
    }

    @Test func aSendEndsAWait() async {
        let nudge = Nudge()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await nudge.wait(upTo: .seconds(600)) }
            nudge.send()
        }
        // Coming here is the proof: the wait would have taken ten minutes.
        #expect(!Task.isCancelled)
    }

    @Test func aCancelledWaitEndsAndTakesNothingFromTheNext() async {
        let nudge = Nudge()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await nudge.wait(upTo: .seconds(600)) }
            group.cancelAll()
        }
        nudge.send()
        let clock = ContinuousClock()
        let took = await clock.measure { await nudge.wait(upTo: .seconds(60)) }
        #expect(took < .seconds(60))
    }
}
