internal import SwellModel
internal import Testing

@testable internal import SwellEngine

/// The queue with a store and workers played around it, a millisecond at a time.
private struct PlayedWork {
    struct Rollout {
        var urgency: DueRollout.Urgency
        /// What a decision on it takes, in milliseconds.
        var cost: ClosedRange<Int64>
        /// How long after a decision it is due again.
        var again: Int64
        var dueAt: Int64 = 0
        var decided = 0
        var longestWait: Int64 = 0
    }

    var queue: DecisionQueue
    var rollouts: [RolloutName: Rollout] = [:]
    var work: [RolloutName: (begunAt: Int64, endsAt: Int64)] = [:]
    var busiest = 0
    var now: Int64 = 0
    var random: SplitMix

    init(concurrency: Int, seed: UInt64) {
        queue = DecisionQueue(concurrency: concurrency)
        random = SplitMix(state: seed)
    }

    mutating func run(
        until end: Int64, outcome: (RolloutName, inout SplitMix) -> DecisionQueue.Outcome = { _, _ in .decided }
    )
        throws
    {
        while now < end {
            let tick = Tick(milliseconds: now)
            // In an order of their own: a dictionary's differs from run to run, and the history with it.
            for (name, span) in work.sorted(by: { $0.key < $1.key }) where span.endsAt <= now {
                work[name] = nil
                let outcome = outcome(name, &random)
                queue.done(name, outcome, now: tick)
                guard outcome == .decided else { continue }
                rollouts[name]?.decided += 1
                let again = rollouts[name]?.again ?? 0
                rollouts[name]?.dueAt = now + again
            }
            let look = queue.beginLook(now: tick)
            let due = rollouts.filter { $0.value.dueAt <= now }
                .sorted { ($0.value.dueAt, $0.key) < ($1.value.dueAt, $1.key) }
            queue.offer(due.map { DueRollout($0.key, $0.value.urgency) }, from: look, now: tick)
            while true {
                let wait = queue.wait(now: tick)
                guard let next = queue.next(now: tick) else {
                    // It says rightly when it has something to hand out.
                    if let wait, now % 16 == 0 {
                        try #require(wait > .zero)
                        var later = queue
                        try #require(later.next(now: tick + wait) != nil)
                        later = queue
                        try #require(later.next(now: tick + wait - .milliseconds(1)) == nil)
                    }
                    break
                }
                try #require(wait == .zero)
                try #require(work[next] == nil, "\(next) is in work twice")
                let rollout = try #require(rollouts[next])
                rollouts[next]?.longestWait = max(rollout.longestWait, now - rollout.dueAt)
                work[next] = (now, now + Int64.random(in: rollout.cost, using: &random))
            }
            try #require(work.count <= queue.concurrency && queue.load.running == work.count)
            busiest = max(busiest, work.count)
            now += 1
        }
    }
}

@Suite("Which rollouts are decided when, played through")
struct DecisionQueueHistoryTests {
    @Test("A hundred rollouts that always hear something have the same share, whatever a giant among them takes")
    func isFair() throws {
        var played = PlayedWork(concurrency: 8, seed: 1)
        for index in 0..<100 {
            played.rollouts[RolloutName(stringLiteral: "r\(index)")] = .init(urgency: .report, cost: 4...12, again: 0)
        }
        played.rollouts["giant"] = .init(urgency: .report, cost: 3_000...4_000, again: 0)
        try played.run(until: 6_000)
        let counts = played.rollouts.filter { $0.key != "giant" }.map(\.value.decided)
        let (least, most) = (try #require(counts.min()), try #require(counts.max()))
        #expect(least > 30 && most <= least * 5 / 4, "between \(least) and \(most)")
        #expect(try #require(played.rollouts["giant"]).decided >= 1)
        #expect(played.busiest >= 7)
    }

    @Test("Among them a poll and a rollback do not starve, and an order waits for no more than a place")
    func nobodyStarves() throws {
        var played = PlayedWork(concurrency: 4, seed: 2)
        for index in 0..<100 {
            played.rollouts[RolloutName(stringLiteral: "r\(index)")] = .init(urgency: .report, cost: 20...200, again: 0)
        }
        played.rollouts["poll"] = .init(urgency: .poll, cost: 5...5, again: 1_000)
        played.rollouts["back"] = .init(urgency: .rollback, cost: 5...5, again: 100)
        played.rollouts["order"] = .init(urgency: .order, cost: 5...5, again: 50)
        try played.run(until: 25_000)
        #expect(try #require(played.rollouts["order"]).longestWait <= 10)
        #expect(try #require(played.rollouts["back"]).longestWait <= 30)
        let poll = try #require(played.rollouts["poll"])
        #expect(poll.decided >= 3 && poll.longestWait <= 15_000, "\(poll)")
        #expect(played.rollouts.values.allSatisfy { $0.decided > 0 })
    }

    @Test(
        "Whatever comes of decisions, none is in work twice, no place too many is used, and all are tried again",
        arguments: 0..<8 as Range<UInt64>)
    func byChance(seed: UInt64) throws {
        var played = PlayedWork(concurrency: Int(seed % 5) + 1, seed: seed)
        for index in 0..<30 {
            let urgency = try #require(DueRollout.Urgency.allCases.randomElement(using: &played.random))
            played.rollouts[RolloutName(stringLiteral: "r\(index)")] = .init(
                urgency: urgency, cost: 0...Int64.random(in: 0...60, using: &played.random),
                again: Int64.random(in: 0...300, using: &played.random))
        }
        // Who meets a failure first is held off for up to eight seconds.
        try played.run(until: 12_000) { _, random in
            Int.random(in: 0..<3, using: &random) > 0
                ? .decided : DecisionQueue.Outcome.allCases.randomElement(using: &random) ?? .failed
        }
        // Those that ended are due again only in this test.
        #expect(
            played.rollouts.values.allSatisfy { $0.decided > 0 }, "\(played.rollouts.filter { $0.value.decided == 0 })")
    }
}
