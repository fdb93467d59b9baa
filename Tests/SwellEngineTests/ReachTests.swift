internal import SwellModel
internal import Testing

@testable internal import SwellEngine

/// How far orders take an agent: never to where no later order could follow.
@Suite struct ReachTests {
    private static let reach = AgentMachine.reach
    private static let step = AgentMachine.step

    @Test(
        arguments: [
            (1, reach, true), (1, reach + 1, false), (1, Int64(1) << 53, false), (reach, reach + step, true),
            (reach, reach + step + 1, false), (reach + 5, reach + 6, true),
        ] as [(Int64, Int64, Bool)])
    func anOrderBeyondReachIsRefused(known: Int64, next: Int64, isFollowed: Bool) {
        for isEpoch in [false, true] {
            var agent = AgentDriver()
            agent.send(.restarted)
            agent.send(.connected)
            var first = agent.assignment(isEpoch ? 1 : known, "one")
            first.epoch = isEpoch ? known : 1
            agent.send(.assigned([first]))
            var second = agent.assignment(isEpoch ? 2 : next, "two")
            second.epoch = isEpoch ? next : 1
            let actions = agent.send(.assigned([second]))
            let isAcknowledged = actions.contains(
                .acknowledge("shop", generation: second.generation, epoch: second.epoch))
            #expect(isAcknowledged == isFollowed)
        }
    }

    /// Of an application that it does not know any number is as good as another: it may have lost its disk.
    @Test func theFirstOrderIsFollowedWhateverItsNumber() {
        var agent = AgentDriver()
        agent.send(.restarted)
        agent.send(.connected)
        let far = agent.assignment(Self.reach + 12_345, "one")
        #expect(
            agent.send(.assigned([far])).contains(.acknowledge("shop", generation: far.generation, epoch: far.epoch)))
    }

    @Test func noMoreApplicationsAreRememberedThanCanBeReadBack() {
        var machine = AgentMachine(rules: AgentRules(applications: 3))
        let driver = AgentDriver()
        _ = machine.handle(.restarted, now: Timestamp(milliseconds: 0))
        func order(_ name: ApplicationName, _ generation: Int64) -> [AgentAction] {
            var assignment = driver.assignment(generation, "one")
            assignment.application = name
            return machine.handle(.assigned([assignment]), now: Timestamp(milliseconds: 1))
        }
        for name in ["a", "b", "c"] as [ApplicationName] {
            #expect(order(name, 1).contains(.acknowledge(name, generation: 1, epoch: 1)))
        }
        #expect(!order("d", 1).contains(.acknowledge("d", generation: 1, epoch: 1)))
        #expect(machine.journal.applications.count == 3)
        #expect(order("a", 2).contains(.acknowledge("a", generation: 2, epoch: 1)))
    }
}
