internal import SwellModel
internal import SwiftProtobuf
internal import Testing

@testable internal import SwellProtocol

@Suite struct AgentEventTests {
    static let digest = ContentDigest(of: Array("a".utf8))
    static let report = ApplicationReport(
        application: "web", generation: 7, digest: digest, epoch: 3, phase: .failed, health: .degraded,
        reason: "ImagePullBackOff", message: "Deployment web: image not found", proven: ContentDigest(of: [1]),
        driftCount: 2)

    static let events: [AgentEvent] = [
        .hello(
            AgentHello(
                agentVersion: "1.0.0", clusterUID: "8c2f", bootID: "b1", journal: [report], highestEpoch: 3,
                capabilities: ["placement"])),
        .report(id: 9, [report, minimal]), .heartbeat(sequence: 4),
        .acknowledged([AcknowledgedAssignment(application: "web", generation: 7, epoch: 3)]),
        .contentLacking(application: "web", generation: 7, digests: [digest]),
    ]
    static let minimal = ApplicationReport(
        application: "db", generation: 0, digest: nil, epoch: 0, phase: .removed, health: .unknown)

    @Test(arguments: events) func whatAnAgentSaysReadsBackOverTheWire(event: AgentEvent) throws {
        let bytes: [UInt8] = try Swell_V1_AgentMessage(event).serializedBytes()
        #expect(try AgentEvent(Swell_V1_AgentMessage(serializedBytes: bytes)) == event)
    }

    @Test func everyPhaseAndHealthReadsBack() throws {
        for phase in AgentPhase.allCases {
            for health in Health.allCases {
                var report = Self.report
                report.phase = phase
                report.health = health
                #expect(try ApplicationReport(Swell_V1_ApplicationStatus(report)) == report)
            }
        }
    }

    private func refusal(_ change: (inout Swell_V1_ApplicationStatus) -> Void) -> WireError? {
        var status = Swell_V1_ApplicationStatus(Self.report)
        change(&status)
        var message = Swell_V1_AgentMessage()
        message.statusReport.statuses = [Swell_V1_ApplicationStatus(Self.minimal), status]
        return #expect(throws: WireError.self) { try AgentEvent(message) }
    }

    @Test func aWrongFieldIsNamedByItsPath() {
        let at = "status_report.statuses[1]"
        #expect(refusal { $0.application = "" }?.path == "\(at).application")
        #expect(refusal { $0.application = "Not A Name" }?.code == .invalidValue)
        #expect(refusal { $0.generation = -1 }?.path == "\(at).generation")
        #expect(refusal { $0.epoch = -1 }?.path == "\(at).epoch")
        #expect(refusal { $0.digest = "sha256:00" }?.path == "\(at).digest")
        #expect(refusal { $0.provenDigest = "x" }?.path == "\(at).proven_digest")
        #expect(refusal { $0.phase = .unspecified }?.code == .missingField)
        #expect(refusal { $0.phase = .UNRECOGNIZED(99) }?.path == "\(at).phase")
        #expect(refusal { $0.health = .unspecified }?.path == "\(at).health")
        #expect(refusal { $0.driftCount = -1 }?.path == "\(at).drift_count")
        #expect(refusal { $0.reason = String(repeating: "r", count: 257) }?.code == .tooLarge)
        #expect(refusal { $0.message = String(repeating: "m", count: 1_025) }?.code == .tooLarge)
        #expect(refusal { $0.message = "a\u{1b}[31m" }?.path == "\(at).message")
        #expect(refusal { $0.application = "db" }?.message.contains("already") == true)
    }

    @Test func anEmptyMessageAndAnEmptyHelloAreRefused() {
        #expect(throws: WireError.self) { try AgentEvent(Swell_V1_AgentMessage()) }
        var message = Swell_V1_AgentMessage()
        message.hello = Swell_V1_Hello()
        let error = #expect(throws: WireError.self) { try AgentEvent(message) }
        #expect(error?.path == "hello.agent_version")
    }

    @Test func listsAreBounded() {
        var message = Swell_V1_AgentMessage()
        message.assignmentsAcknowledged.assignments = Array(repeating: .init(), count: WireLimits.applications + 1)
        #expect(#expect(throws: WireError.self) { try AgentEvent(message) }?.code == .tooLarge)
        message.contentLacking = .with {
            $0.application = "web"
            $0.generation = 1
            $0.digests = [Self.digest.rawValue, Self.digest.rawValue]
        }
        #expect(#expect(throws: WireError.self) { try AgentEvent(message) }?.path == "content_lacking.digests[1]")
    }

    @Test func longAndColouredMessagesAreCutWhenWritten() throws {
        var report = Self.report
        report.message = "\u{1b}[31mred\n" + String(repeating: "é", count: 2_000)
        let read = try ApplicationReport(Swell_V1_ApplicationStatus(report))
        #expect(read.message?.unicodeScalars.count == WireLimits.messageLength)
        #expect(read.message?.hasPrefix(" [31mred é") == true)
    }
}
