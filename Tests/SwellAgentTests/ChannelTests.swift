internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import SwiftProtobuf
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

    @Test func reportsWithMuchDriftGoInSeveralMessages() async throws {
        let outbox = Outbox()
        let object = ObjectChange(
            apiVersion: "v1", kind: "ConfigMap", name: "c", action: .update,
            message: String(repeating: "x", count: 1_000))
        for index in 0..<400 {
            var told = report(try ApplicationName("app-\(index)"))
            told.drift = DriftReport(
                foundAt: Timestamp(milliseconds: 1), isCorrected: true, objects: Array(repeating: object, count: 7))
            outbox.put(OutgoingReport(sequence: 1, report: told))
        }
        var sizes: [Int] = []
        while case let batch = await outbox.take(within: .milliseconds(1)), !batch.isEmpty {
            sizes.append(batch.reports.count)
            let message = Swell_V1_AgentMessage(.report(id: 1, batch.reports.map(\.report)))
            let bytes: [UInt8] = try message.serializedBytes()
            #expect(bytes.count < WireLimits.messageSize)
        }
        #expect(sizes.reduce(0, +) == 400)
        #expect(sizes.count > 4)
    }

    @Test func anAnswerToAPreviewGoesLastAndTheOldestGivesWay() async {
        let outbox = Outbox()
        for id in 1...10 as ClosedRange<Int64> { outbox.put(.failed("Busy", "\(id)"), to: id) }
        outbox.put(.failed("Late", "again"), to: 10)
        outbox.put(OutgoingReport(sequence: 1, report: report("shop")))
        var ids: [Int64] = []
        let first = await outbox.take(within: .seconds(5))
        #expect(first.reports.count == 1)
        ids.append(first.preview?.id ?? 0)
        while let preview = await outbox.take(within: .milliseconds(1)).preview { ids.append(preview.id) }
        #expect(ids == Array(3...10))
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
