internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import Testing

@testable internal import SwellAgent

@Suite(.timeLimit(.minutes(1))) struct ChannelTests {
    @Test func aMailboxKeepsOrderAndLosesNothingUnderPressure() async {
        let mailbox = Mailbox<Int>(capacity: 3)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for value in 0..<1_000 { await mailbox.send(value) } }
            for value in 0..<1_000 { #expect(await mailbox.receive() == value) }
        }
    }

    @Test func manySendersReachOneReceiver() async {
        let mailbox = Mailbox<Int>(capacity: 2)
        let sum = await withTaskGroup(of: Void.self) { group in
            for sender in 0..<10 { group.addTask { for value in 0..<50 { await mailbox.send(sender * 50 + value) } } }
            var sum = 0
            for _ in 0..<500 { sum += await mailbox.receive() ?? 0 }
            return sum
        }
        #expect(sum == 499 * 500 / 2)
    }

    @Test func cancellationEndsSendersAndReceivers() async {
        let mailbox = Mailbox<Int>(capacity: 1)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for value in 0..<3 { await mailbox.send(value) } }
            group.cancelAll()
        }
        await withTaskGroup(of: Int?.self) { group in
            group.addTask {
                _ = await mailbox.receive()
                return await mailbox.receive()
            }
            group.cancelAll()
            #expect(await group.next() == .some(nil))
        }
    }

    @Test func aSlotHoldsTheLatest() async {
        let slot = LatestSlot<Int>()
        slot.put(1)
        slot.put(2)
        #expect(await slot.next() == 2)
        #expect(await slot.next(within: .milliseconds(1)) == nil)
        async let waited = slot.next(within: .seconds(30))
        slot.put(3)
        #expect(await waited == 3)
    }

    @Test func turnsBoundWhatRunsAtOnceAndSurviveCancellation() async throws {
        let turns = Turns(2)
        let gauge = Gauge()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask { try await turns.run { await gauge.enter { await Task.yield() } } }
            }
            try await group.waitForAll()
        }
        #expect(await gauge.most <= 2)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { try? await turns.run { await Task.yield() } } }
            group.cancelAll()
        }
        // Whatever was cancelled, both turns are there again.
        try await turns.run { try await turns.run {} }
    }

    @Test func backoffDoublesUpToItsCeiling() {
        var backoff = Backoff()
        let waits = (0..<10).map { _ in backoff.next(chance: 1) }
        #expect(waits.prefix(3) == [.milliseconds(200), .milliseconds(400), .milliseconds(800)])
        #expect(waits.last == .seconds(30))
        backoff.reset()
        #expect(backoff.next(chance: 0.5) == .milliseconds(100))
    }

    @Test func theOutboxKeepsTheLatestReportOfEachApplication() async {
        let outbox = Outbox()
        for sequence in 1...3 {
            outbox.put(OutgoingReport(sequence: Int64(sequence), report: report("shop")))
        }
        outbox.put(OutgoingReport(sequence: 1, report: report("api")))
        outbox.put(AcknowledgedAssignment(application: "shop", generation: 4, epoch: 1))
        let batch = await outbox.take(within: .seconds(5))
        #expect(batch.reports.map(\.sequence) == [1, 3])
        #expect(batch.acknowledgements.map(\.generation) == [4])
        #expect(await outbox.take(within: .milliseconds(1)).isEmpty)
    }

    @Test func reportsThatLaterOnesReplaceAreNotAcknowledgedForThem() async {
        let pending = PendingReports()
        let first = await pending.add([OutgoingReport(sequence: 1, report: report("shop"))])
        let second = await pending.add([OutgoingReport(sequence: 2, report: report("shop"))])
        #expect(await pending.acknowledged([first]).isEmpty)
        #expect(await pending.acknowledged([second, second]).map(\.sequence) == [2])
    }

    @Test(arguments: ["localhost:7443", "[::1]:7443", "swell.example.com:1"])
    func addressesAreRead(_ text: String) throws {
        #expect(try Endpoint(text).description == text)
    }

    @Test(arguments: ["", "localhost", "localhost:", ":7443", "host:0", "host:70000", "::1:7443"])
    func whatIsNoAddressIsRefused(_ text: String) {
        #expect(throws: AgentError.self) { try Endpoint(text) }
    }

    private func report(_ application: ApplicationName) -> ApplicationReport {
        ApplicationReport(
            application: application, generation: 1, digest: nil, epoch: 1, phase: .applying, health: .progressing)
    }
}

private actor Gauge {
    private var now = 0
    private(set) var most = 0

    func enter(_ body: () async -> Void) async {
        now += 1
        most = max(most, now)
        await body()
        now -= 1
    }
}
