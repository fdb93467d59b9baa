internal import SwellModel
internal import Testing

@testable internal import SwellEngine

@Suite("Which rollouts are decided, when, and how many at once")
struct DecisionQueueTests {
    private func at(_ milliseconds: Int64) -> Tick { Tick(milliseconds: milliseconds) }

    private func offer(_ queue: inout DecisionQueue, _ due: [DueRollout], at now: Tick) {
        let look = queue.beginLook(now: now)
        queue.offer(due, from: look, now: now)
    }

    /// The moments at which decisions on one rollout begin that is offered at every millisecond of these and costs so much.
    private func begins(cost: Int64, _ urgency: DueRollout.Urgency, within moments: ClosedRange<Int64>) -> [Int64] {
        var queue = DecisionQueue()
        var begun: [Int64] = []
        var endsAt: Int64?
        for moment in moments {
            if endsAt == moment {
                queue.done("shop", .decided, now: at(moment))
                endsAt = nil
            }
            offer(&queue, [DueRollout("shop", urgency)], at: at(moment))
            while endsAt == nil, queue.next(now: at(moment)) == "shop" {
                begun.append(moment)
                if cost > 0 { endsAt = moment + cost } else { queue.done("shop", .decided, now: at(moment)) }
            }
        }
        return begun
    }

    @Test(
        "Where reports trickle in, decisions are as far apart as they cost",
        arguments: [
            (cost: 0, apart: 25), (2, 25), (5, 25), (20, 100), (100, 500), (900, 4_500), (4_000, 5_000),
        ] as [(Int64, Int64)])
    func gathers(cost: Int64, apart: Int64) throws {
        let begun = begins(cost: cost, .report, within: 0...40_000)
        #expect(begun.first == 0)
        let gaps = zip(begun.dropFirst(), begun).map { $0 - $1 }
        #expect(gaps.suffix(4).allSatisfy { $0 == apart }, "\(gaps.suffix(8))")
        // What was saved is used up at first, and no gap is ever longer than the rule has it.
        #expect(gaps.allSatisfy { $0 <= max(apart, 25) }, "\(gaps.prefix(8))")
    }

    @Test("The last report of a stage pays no more than a moment where nothing happened before")
    func savesUp() {
        var queue = DecisionQueue()
        for burst in 0..<20 as Range<Int64> {
            for step in 0..<3 as Range<Int64> {
                let moment = burst * 700 + step * 40
                offer(&queue, [DueRollout("shop", .report)], at: at(moment))
                #expect(queue.next(now: at(moment)) == "shop", "report \(step) of stage \(burst)")
                queue.done("shop", .decided, now: at(moment + 20))
            }
        }
    }

    @Test("An order is decided at once, though reports trickle in and decisions are slow")
    func orders() {
        var queue = DecisionQueue()
        offer(&queue, [DueRollout("shop", .report)], at: at(0))
        #expect(queue.next(now: at(0)) == "shop")
        queue.done("shop", .decided, now: at(2_000))
        offer(&queue, [DueRollout("shop", .report)], at: at(2_001))
        #expect(queue.next(now: at(2_001)) == nil)
        #expect(queue.wait(now: at(2_001)) == .milliseconds(2_999))
        offer(&queue, [DueRollout("shop", .order)], at: at(2_002))
        #expect(queue.wait(now: at(2_002)) == .zero)
        #expect(queue.next(now: at(2_002)) == "shop")
    }

    @Test("The most urgent goes first, of those alike the one that waits longest, and each fourth place is in turn")
    func ordered() {
        var queue = DecisionQueue()
        offer(&queue, [DueRollout("poll", .poll)], at: at(0))
        offer(&queue, [DueRollout("report-1", .report), DueRollout("report-2", .report)], at: at(1))
        offer(&queue, [DueRollout("back", .rollback)], at: at(2))
        offer(&queue, [DueRollout("order-1", .order), DueRollout("order-2", .order)], at: at(3))
        var order: [RolloutName] = []
        while let next = queue.next(now: at(4)) {
            order.append(next)
            queue.done(next, .decided, now: at(4))
        }
        #expect(order == ["order-1", "order-2", "back", "poll", "report-1", "report-2"])
    }

    @Test("How long the oldest waits is known, from when it became due until it is in work")
    func oldest() {
        var queue = DecisionQueue(concurrency: 1)
        #expect(queue.longestWaiting(now: at(0)) == .zero)
        offer(&queue, [DueRollout("a", .order)], at: at(0))
        offer(&queue, [DueRollout("b", .poll)], at: at(100))
        // That it is due still, or more urgently, makes it no younger.
        offer(&queue, [DueRollout("a", .order), DueRollout("b", .order)], at: at(200))
        #expect(queue.longestWaiting(now: at(300)) == .milliseconds(300))
        #expect(queue.next(now: at(300)) == "a")
        #expect(queue.longestWaiting(now: at(400)) == .milliseconds(300))
        queue.done("a", .decided, now: at(400))
        #expect(queue.next(now: at(400)) == "b")
        queue.done("b", .decided, now: at(500))
        #expect(queue.longestWaiting(now: at(900)) == .zero)
        offer(&queue, [DueRollout("b", .order)], at: at(900))
        #expect(queue.longestWaiting(now: at(950)) == .milliseconds(50))
    }

    @Test("A more urgent word of a rollout that waits already lets it go ahead")
    func becomesUrgent() {
        var queue = DecisionQueue(concurrency: 1)
        offer(&queue, [DueRollout("a", .report), DueRollout("b", .poll)], at: at(0))
        offer(&queue, [DueRollout("b", .order), DueRollout("a", .poll)], at: at(1))
        #expect(queue.next(now: at(1)) == "b")
        #expect(queue.next(now: at(1)) == nil)
        queue.done("b", .decided, now: at(2))
        #expect(queue.next(now: at(2)) == "a")
    }

    @Test(
        "Slow decisions leave a place for an order and for a rollback",
        arguments: [DueRollout.Urgency.order, .rollback])
    func keepsAPlace(urgency: DueRollout.Urgency) {
        var queue = DecisionQueue(concurrency: 4)
        let slow = (0..<8).map { DueRollout(RolloutName(stringLiteral: "slow-\($0)"), $0 % 2 == 0 ? .report : .poll) }
        offer(&queue, slow, at: at(0))
        var begun = 0
        while queue.next(now: at(0)) != nil { begun += 1 }
        #expect(begun == 3 && queue.wait(now: at(0)) == nil)
        offer(&queue, [DueRollout("hotfix", urgency)], at: at(5))
        #expect(queue.wait(now: at(5)) == .zero)
        #expect(queue.next(now: at(5)) == "hotfix")
        #expect(queue.load == (waiting: 5, running: 4))
    }

    @Test("With orders without end, polls and reports still have their turn")
    func nothingStarves() {
        var queue = DecisionQueue(concurrency: 2)
        let orders = (0..<40).map { DueRollout(RolloutName(stringLiteral: "order-\($0)"), .order) }
        offer(&queue, [DueRollout("poll", .poll), DueRollout("report", .report)], at: at(0))
        var picks: [RolloutName] = []
        for moment in 1...20 as ClosedRange<Int64> {
            offer(&queue, orders, at: at(moment))
            guard let next = queue.next(now: at(moment)) else { continue }
            picks.append(next)
            queue.done(next, .decided, now: at(moment))
        }
        #expect(picks.firstIndex(of: "poll") == 3 && picks.firstIndex(of: "report") == 7)
    }

    @Test("A look that began before a decision ended does not make the rollout due again")
    func staleLook() {
        var queue = DecisionQueue()
        offer(&queue, [DueRollout("shop", .order)], at: at(0))
        #expect(queue.next(now: at(0)) == "shop")
        let stale = queue.beginLook(now: at(1))
        queue.offer([DueRollout("shop", .order)], from: stale, now: at(1))
        queue.done("shop", .decided, now: at(2))
        queue.offer([DueRollout("shop", .order)], from: stale, now: at(2))
        #expect(queue.next(now: at(2)) == nil)
        offer(&queue, [DueRollout("shop", .order)], at: at(2))
        #expect(queue.next(now: at(2)) == "shop")
    }

    @Test("What cannot be decided is tried again later and later, and at once where something more urgent comes")
    func backsOff() {
        var queue = DecisionQueue()
        var now = at(0)
        for wait in [1_000, 2_000, 4_000, 8_000, 8_000] as [Int64] {
            offer(&queue, [DueRollout("broken", .report)], at: now)
            #expect(queue.next(now: now) == "broken")
            queue.done("broken", .failed, now: now)
            offer(&queue, [DueRollout("broken", .report)], at: now)
            #expect(queue.wait(now: now) == .milliseconds(wait))
            #expect(queue.next(now: now + .milliseconds(wait - 1)) == nil)
            now = now + .milliseconds(wait)
        }
        #expect(queue.next(now: now) == "broken")
        queue.done("broken", .failed, now: now)
        offer(&queue, [DueRollout("broken", .order)], at: now)
        #expect(queue.next(now: now) == "broken")
        queue.done("broken", .failed, now: now)
        offer(&queue, [DueRollout("broken", .order)], at: now)
        #expect(queue.next(now: now) == nil)
        now = now + .seconds(8)
        #expect(queue.next(now: now) == "broken")
        queue.done("broken", .decided, now: now)
        offer(&queue, [DueRollout("broken", .report)], at: now + .milliseconds(25))
        #expect(queue.next(now: now + .milliseconds(25)) == "broken")
    }

    @Test(
        "Others' rollouts, and all of them while the store is away, are left alone for a moment",
        arguments: [
            (DecisionQueue.Outcome.elsewhere, 10, 1_000), (.stopped, 10, 1_000), (.stopped, 30_000, 30_000),
        ] as [(DecisionQueue.Outcome, Int64, Int64)])
    func holdsOff(outcome: DecisionQueue.Outcome, cost: Int64, wait: Int64) {
        var queue = DecisionQueue()
        offer(&queue, [DueRollout("theirs", .report)], at: at(0))
        #expect(queue.next(now: at(0)) == "theirs")
        queue.done("theirs", outcome, now: at(cost))
        offer(&queue, [DueRollout("theirs", .report), DueRollout("ours", .poll)], at: at(cost))
        #expect(queue.next(now: at(cost)) == "ours")
        queue.done("ours", .ended, now: at(cost))
        #expect(queue.wait(now: at(cost)) == .milliseconds(wait))
        #expect(queue.next(now: at(cost + wait)) == "theirs")
    }

    @Test("Beyond its bound the least urgent and youngest is left out, and found again by a later look")
    func overflows() {
        var queue = DecisionQueue()
        let polls = (0..<DecisionQueue.capacity + 10).map {
            DueRollout(RolloutName(stringLiteral: "poll-\($0)"), .poll)
        }
        offer(&queue, polls, at: at(0))
        #expect(queue.known == DecisionQueue.capacity)
        offer(&queue, [DueRollout("order", .order)], at: at(1))
        #expect(queue.known == DecisionQueue.capacity)
        #expect(queue.next(now: at(1)) == "order")
        queue.done("order", .decided, now: at(1))
        var decided: Set<RolloutName> = []
        for moment in stride(from: 1_000 as Int64, to: 40_000, by: 1_000) {
            offer(&queue, polls.filter { !decided.contains($0.name) }, at: at(moment))
            while decided.count < polls.count, let next = queue.next(now: at(moment)) {
                decided.insert(next)
                queue.done(next, .decided, now: at(moment))
            }
            #expect(queue.known <= DecisionQueue.capacity)
        }
        #expect(decided == Set(polls.map(\.name)))
    }

    @Test("What nothing is known of any more is forgotten")
    func forgets() {
        var queue = DecisionQueue()
        for (index, outcome) in DecisionQueue.Outcome.allCases.enumerated() {
            let name = RolloutName(stringLiteral: "r\(index)")
            offer(&queue, [DueRollout(name, .report)], at: at(0))
            #expect(queue.next(now: at(0)) == name)
            queue.done(name, outcome, now: at(50))
        }
        #expect(queue.known == DecisionQueue.Outcome.allCases.count)
        _ = queue.beginLook(now: at(60_000))
        #expect(queue.known == 0)
    }
}
