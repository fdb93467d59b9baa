internal import SwellModel
internal import Testing

@testable internal import SwellEngine

@Suite struct IngestQueueTests {
    private let start = Tick(milliseconds: 1_000)

    private func reports(_ count: Int, from first: Int64 = 1, of application: ApplicationName = "shop")
        -> [ApplicationReport]
    {
        (0..<count).map { index in
            ApplicationReport(
                application: application, generation: first + Int64(index), digest: nil, epoch: 1, phase: .healthy,
                health: .healthy)
        }
    }

    private func entry(_ addition: IngestQueue.Addition) throws -> IngestQueue.EntryID {
        guard case .queued(let entry) = addition.result else {
            Issue.record("refused: \(addition.result)")
            throw CancellationError()
        }
        return entry
    }

    @Test func whoSaysLittleIsInTheFirstBatchHoweverMuchAnotherSays() throws {
        var queue = IngestQueue()
        _ = try entry(queue.add(reports(4_000), of: "loud"))
        let quiet = try (0..<9).map { try entry(queue.add(reports(50), of: ClusterName("quiet-\($0)"))) }
        let batch = queue.next(now: start)
        #expect(batch.count == 500)
        #expect(batch.count { $0.cluster == "loud" } == 50)
        let ended = queue.answered(.stored, now: start)
        #expect(Set(ended.keys) == Set(quiet))
    }

    @Test func eachClusterIsBoundedAndTheLongestMakesRoom() throws {
        var limits = IngestQueue.Limits()
        limits.perCluster = 10
        limits.total = 20
        var queue = IngestQueue(limits)
        _ = try entry(queue.add(reports(4), of: "a"))
        let newest = try entry(queue.add(reports(6), of: "a"))
        #expect(queue.add(reports(1), of: "a").result == .refused(.clusterFull(waiting: 10)))
        _ = try entry(queue.add(reports(8), of: "b"))
        let addition = queue.add(reports(3), of: "c")
        _ = try entry(addition)
        #expect(addition.evicted == [newest])
        #expect(queue.count == 15)
        // Nobody has more than this one would: then it is the one refused.
        _ = try entry(queue.add(reports(5), of: "d"))
        #expect(queue.add(reports(8), of: "e").result == .refused(.full(waiting: 20)))
        #expect(queue.next(now: start).count == 20)
        #expect(queue.answered(.stored, now: start).count == 4)
        #expect(queue.count == 0)
    }

    @Test func whatComesTooFastIsHeldAndNobodyElsesIs() throws {
        var limits = IngestQueue.Limits()
        limits.burst = 100
        limits.interval = .milliseconds(10)
        var queue = IngestQueue(limits)
        _ = try entry(queue.add(reports(300), of: "loud"))
        var taken = 0
        while case let batch = queue.next(now: start), !batch.isEmpty {
            taken += batch.count
            _ = queue.answered(.stored, now: start)
        }
        #expect((100...150).contains(taken))
        #expect(queue.takeSlowed() == ["loud"])
        #expect(queue.takeSlowed().isEmpty)
        _ = try entry(queue.add(reports(1), of: "quiet"))
        #expect(queue.pause(now: start) == .zero)
        #expect(queue.next(now: start).map(\.cluster) == ["quiet"])
        _ = queue.answered(.stored, now: start)
        let pause = try #require(queue.pause(now: start))
        #expect(pause > .zero && pause == queue.wait(of: "loud", now: start))
        #expect(queue.next(now: start + pause - .milliseconds(1)).isEmpty)
        #expect(!queue.next(now: start + pause).isEmpty)
        _ = queue.answered(.stored, now: start + pause)
        // At the end nothing is held back, and nothing more is taken in.
        queue.close()
        while !queue.next(now: start).isEmpty { _ = queue.answered(.stored, now: start) }
        #expect(queue.count == 0)
        #expect(queue.add(reports(1), of: "quiet").result == .refused(.closed))
    }

    @Test func aStoreThatIsAwayEndsWhatItWasGivenAndNothingElse() throws {
        var limits = IngestQueue.Limits()
        limits.batch = 60
        var queue = IngestQueue(limits)
        let long = try entry(queue.add(reports(120), of: "a"))
        let short = try entry(queue.add(reports(5), of: "b"))
        let late = try entry(queue.add(reports(30), of: "c"))
        #expect(queue.next(now: start).count == 60)
        #expect(
            queue.answered(.unavailable, now: start) == [long: .unavailable, short: .unavailable, late: .unavailable])
        #expect(queue.count == 0)
        #expect(queue.next(now: start).isEmpty)
    }

    @Test func anEntryOfManyBadStatusesIsGivenUp() throws {
        var queue = IngestQueue()
        let entry = try entry(queue.add(reports(500, of: "bad"), of: "liar"))
        var transactions = 0
        var outcome: IngestQueue.Outcome?
        while case let batch = queue.next(now: start), !batch.isEmpty {
            transactions += 1
            outcome = queue.answered(.refused, now: start)[entry] ?? outcome
        }
        guard case .refused(let reports) = outcome else {
            Issue.record("\(String(describing: outcome))")
            return
        }
        #expect(reports.count == IngestQueue.Limits().refusalsPerEntry)
        #expect(transactions < 40)
        #expect(queue.count == 0)
    }

    /// Whatever clusters say, and whichever statuses the store refuses: each entry ends once, each good status is stored once and in
    /// order, and only entries with bad statuses end refused.
    @Test(arguments: 1...60) func everyEntryEndsOnceAndTheGoodAreStored(seed: UInt64) throws {
        var random = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func draw(_ below: Int) -> Int {
            random ^= random << 13
            random ^= random >> 7
            random ^= random << 17
            return Int(random % UInt64(below))
        }
        var limits = IngestQueue.Limits()
        limits.batch = 1 + draw(40)
        limits.share = 1 + draw(10)
        limits.burst = 1 + draw(50)
        limits.refusalCost = 1 + draw(20)
        var queue = IngestQueue(limits)
        var said: [ClusterName: [Int64]] = [:]
        var stored: [ClusterName: [Int64]] = [:]
        var open: [IngestQueue.EntryID: (cluster: ClusterName, generations: [Int64])] = [:]
        var now = start
        var next: Int64 = 0
        func isBad(_ generation: Int64) -> Bool { generation % 23 == 0 }
        for round in 0..<400 {
            if round < 200, draw(3) > 0 {
                let cluster = try ClusterName("c-\(draw(6))")
                let list = reports(1 + draw(12), from: next + 1)
                next += Int64(list.count)
                open[try entry(queue.add(list, of: cluster))] = (cluster, list.map(\.generation))
                said[cluster, default: []] += list.map(\.generation)
            }
            let batch = queue.next(now: now)
            #expect(batch.count <= limits.batch)
            if !batch.isEmpty {
                let isRefused = batch.contains { isBad($0.report.generation) }
                if !isRefused {
                    for status in batch { stored[status.cluster, default: []].append(status.report.generation) }
                }
                for (id, outcome) in queue.answered(isRefused ? .refused : .stored, now: now) {
                    let ended = open.removeValue(forKey: id)
                    let entry = try #require(ended, "it ended twice")
                    let bad = entry.generations.filter(isBad)
                    if case .refused(let reports) = outcome {
                        #expect(reports.map(\.generation) == bad)
                    } else {
                        #expect(outcome == .stored(session: nil) && bad.isEmpty)
                    }
                }
            }
            now = now + .milliseconds(Int64(draw(200)))
        }
        queue.close()
        while case let batch = queue.next(now: now), !batch.isEmpty {
            let isRefused = batch.contains { isBad($0.report.generation) }
            if !isRefused {
                for status in batch { stored[status.cluster, default: []].append(status.report.generation) }
            }
            for id in queue.answered(isRefused ? .refused : .stored, now: now).keys { open[id] = nil }
        }
        #expect(open.isEmpty)
        #expect(queue.count == 0)
        for (cluster, generations) in said { #expect(stored[cluster] ?? [] == generations.filter { !isBad($0) }) }
    }
}

@Suite struct SessionQuotaTests {
    @Test func aClusterHasTwoSessionsAndOneGreeting() {
        var quota = SessionQuota()
        #expect([quota.open("a"), quota.open("a"), quota.open("a"), quota.open("b")] == [true, true, false, true])
        let now = LoopFixture.at(0)
        let first = ["a", "a", "b"].map { quota.beginGreeting($0, now: now) }
        #expect(first == [.begun, .busy, .begun])
        quota.endGreeting("a")
        quota.close("a")
        let again = quota.beginGreeting("a", now: now)
        #expect(again == .begun)
        #expect([quota.open("a"), quota.open("a")] == [true, false])
    }

    private func greet(_ quota: inout SessionQuota, _ cluster: ClusterName, at moment: Tick) -> SessionQuota.Greeting {
        let greeting = quota.beginGreeting(cluster, now: moment)
        if greeting == .begun { quota.endGreeting(cluster) }
        return greeting
    }

    @Test func greetingsOfOneClusterAreLimitedAndItIsToldForHowLong() {
        var quota = SessionQuota()
        let now = LoopFixture.at(0)
        let flood = (0..<1_000).map { _ in greet(&quota, "a", at: now) }
        #expect(flood.filter { $0 == .begun }.count == SessionQuota.burst)
        #expect(flood.last == .tooOften(wait: SessionQuota.interval))
        // Being sent away costs nothing: who comes back when it was told is greeted.
        let others = greet(&quota, "b", at: now)
        let back = greet(&quota, "a", at: now + SessionQuota.interval)
        #expect(others == .begun && back == .begun)
    }

    /// An agent waits up to 0.2 s at first, twice as long with each failure, at most 30 s, and begins anew after a session of five seconds.
    @Test func anAgentWhoseNetworkComesAndGoesIsNeverSentAway() {
        for lasting in [Int64(0), 1_000, 4_999, 5_000, 30_000] {
            var quota = SessionQuota()
            var now: Int64 = 0
            var failures = 0
            for attempt in 0..<2_000 {
                let greeting = greet(&quota, "a", at: Tick(milliseconds: now))
                #expect(greeting == .begun, "attempt \(attempt) of sessions of \(lasting) ms")
                guard greeting == .begun else { return }
                now += lasting
                if lasting >= 5_000 { failures = 0 }
                // The least that chance gives on the average of a few draws: a quarter.
                now += min(30_000, 200 << Int64(min(failures, 20))) / 4
                failures += 1
            }
        }
    }
}
