internal import SwellModel
internal import SwiftProtobuf
internal import Testing

@testable internal import SwellProtocol

@Suite struct CoordinatorEventTests {
    static let release = ReleaseReference(version: "1.4.2", digest: ContentDigest(of: [1]))
    static let settings = AssignmentSettings(
        minHealthyTime: .seconds(30), progressDeadline: .minutes(10), selfRollback: true, whenDisconnected: .hold,
        drift: .report)

    static func assignment(_ application: ApplicationName, goal: Assignment.Goal = .run(release)) -> Assignment {
        Assignment(
            cluster: "east-1", application: application, generation: 5, epoch: 2, rollout: "web-1", goal: goal,
            fallback: ReleaseReference(version: "1.4.1", digest: ContentDigest(of: [2])), settings: settings)
    }

    static let place = Cluster(
        name: "east-1", region: "us-east-1", environment: "production", labels: ["tier": "gold", "empty": ""])
    static let events: [CoordinatorEvent] = [
        .welcome(
            SessionWelcome(
                sessionID: "s1", heartbeatInterval: .seconds(10), reportInterval: .milliseconds(500), placement: place)),
        .assignments([assignment("web"), assignment("db", goal: .remove)], resyncComplete: true),
        .assignments([], resyncComplete: false), .reportsAcknowledged([1, 2, 3]),
        .retryLater(after: .seconds(7), reason: "draining"), .placement(place),
    ]

    @Test(arguments: events) func whatTheCoordinatorSaysReadsBackOverTheWire(event: CoordinatorEvent) throws {
        let bytes: [UInt8] = try Swell_V1_CoordinatorMessage(event).serializedBytes()
        #expect(try CoordinatorEvent(Swell_V1_CoordinatorMessage(serializedBytes: bytes), cluster: "east-1") == event)
    }

    @Test func everyBehaviourReadsBackAndAFallbackMayBeAbsent() throws {
        for behaviour in DisconnectedBehaviour.allCases {
            for drift in DriftPolicy.allCases {
                var assignment = Self.assignment("web")
                assignment.settings.whenDisconnected = behaviour
                assignment.settings.drift = drift
                assignment.fallback = nil
                assignment.isPaused = drift == .report ? true : nil
                #expect(try Assignment(Swell_V1_Assignment(assignment), cluster: "east-1") == assignment)
            }
        }
        for rule in SilentControllerRule.allCases {
            var assignment = Self.assignment("web")
            assignment.settings.silentControllers = rule
            let bytes: [UInt8] = try Swell_V1_Assignment(assignment).serializedBytes()
            #expect(try Assignment(Swell_V1_Assignment(serializedBytes: bytes), cluster: "east-1") == assignment)
        }
    }

    private func refusal(_ change: (inout Swell_V1_Assignment) -> Void) -> WireError? {
        var message = Swell_V1_Assignment(Self.assignment("web"))
        change(&message)
        return #expect(throws: WireError.self) { try Assignment(message, cluster: "east-1") }
    }

    @Test func aWrongFieldIsNamedByItsPath() {
        #expect(refusal { $0.clearSettings() }?.path == "assignment.settings")
        #expect(refusal { $0.goal = nil }?.path == "assignment.goal")
        #expect(refusal { $0.generation = 0 }?.path == "assignment.generation")
        #expect(refusal { $0.rollout = "" }?.path == "assignment.rollout")
        #expect(refusal { $0.run.digest = "" }?.path == "assignment.run.digest")
        #expect(refusal { $0.run.version = "" }?.path == "assignment.run.version")
        #expect(refusal { $0.fallback.digest = "x" }?.path == "assignment.fallback.digest")
        #expect(refusal { $0.settings.minHealthyTime = -1 }?.path == "assignment.settings.min_healthy_time")
        #expect(refusal { $0.settings.progressDeadline = .max }?.path == "assignment.settings.progress_deadline")
        #expect(refusal { $0.settings.drift = .unspecified }?.path == "assignment.settings.drift")
        #expect(refusal { $0.settings.whenDisconnected = .UNRECOGNIZED(9) }?.code == .invalidValue)
    }

    @Test func anotherClustersPlaceIsRefused() {
        let message = Swell_V1_CoordinatorMessage(.placement(Self.place))
        let error = #expect(throws: WireError.self) { try CoordinatorEvent(message, cluster: "west-1") }
        #expect(error?.path == "placement.cluster")
    }

    @Test func aHeartbeatThatWouldBeABusyLoopIsRefused() {
        var message = Swell_V1_CoordinatorMessage(Self.events[0])
        message.welcome.heartbeatInterval = 0
        let error = #expect(throws: WireError.self) { try CoordinatorEvent(message, cluster: "east-1") }
        #expect(error?.path == "welcome.heartbeat_interval")
    }

    @Test func longListsAreSplitAndOnlyTheLastEndsTheResync() throws {
        let names = try (0..<1_200).map { try ApplicationName("app-\($0)") }
        let messages = Swell_V1_CoordinatorMessage.batches(
            of: names.map { Self.assignment($0) }, resyncComplete: true)
        #expect(messages.map(\.assignments.assignments.count) == [500, 500, 200])
        #expect(messages.map(\.assignments.resyncComplete) == [false, false, true])
        for message in messages {
            let bytes: [UInt8] = try message.serializedBytes()
            #expect(bytes.count < WireLimits.messageSize)
        }
        let empty = Swell_V1_CoordinatorMessage.batches(of: [], resyncComplete: true)
        #expect(empty.map(\.assignments.resyncComplete) == [true])
    }
}
