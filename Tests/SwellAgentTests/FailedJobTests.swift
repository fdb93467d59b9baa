internal import KubernetesClient
internal import KubernetesObjects
internal import KubernetesSimulator
internal import NIOHTTP1
internal import SwellEngine
internal import SwellModel
internal import Synchronization
internal import Testing

@testable internal import SwellAgent

/// A plain Job that failed runs again when its release is ordered once more, and at no other time.
@Suite(.timeLimit(.minutes(2))) struct FailedJobTests {
    private static let job = """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: seed}
        spec:
          backoffLimit: 0
          template: {spec: {restartPolicy: Never, containers: [{name: seed, image: "seed:1"}]}}
        ---

        """

    /// Assigns a release whose Job fails until the cluster has no faults any more.
    private static func assignFailing(in lab: SimulatedLab) async throws -> AgentWorld.DesiredRelease {
        try await lab.fleet.setFaults(
            FaultPlan(images: [FaultPlan.ImageFault(contains: "seed:1", behaviour: .crashLoop)]), in: "east-1")
        let one = try await lab.world.release("1.0.0", extra: job)
        try await lab.world.coordinator.assign(one.assignment(1))
        return one
    }

    @Test func anotherOrderForTheSameReleaseRunsItAgain() async throws {
        try await SimulatedLab.run { lab in
            let one = try await Self.assignFailing(in: lab)
            try await lab.withAgent {
                try await lab.waitFor("failed") { $0.generation == 1 && $0.phase == .failed }
                let failed = try #require(try await lab.object("batch/v1", "Job", "seed"))
                // The same assignment once more changes nothing.
                try await lab.world.coordinator.assign(one.assignment(1))
                #expect(try await lab.object("batch/v1", "Job", "seed")?.uid == failed.uid)
                try await lab.fleet.setFaults(.none, in: "east-1")
                try await lab.world.coordinator.assign(one.assignment(2))
                try await lab.waitFor("healthy") { $0.generation == 2 && $0.phase == .healthy }
                let again = try await lab.object("batch/v1", "Job", "seed")
                #expect(again != nil && again?.uid != failed.uid)
                // What has succeeded is not run again by one more order.
                try await lab.world.coordinator.assign(one.assignment(3))
                try await lab.waitFor("healthy again") { $0.generation == 3 && $0.phase == .healthy }
                #expect(try await lab.object("batch/v1", "Job", "seed")?.uid == again?.uid)
            }
        }
    }

    @Test func oneThatAnotherHasMadeMeanwhileStays() async throws {
        try await SimulatedLab.run { lab in
            let one = try await Self.assignFailing(in: lab)
            try await lab.withAgent {
                try await lab.waitFor("failed") { $0.generation == 1 && $0.phase == .failed }
                let failed = try #require(try await lab.object("batch/v1", "Job", "seed"))
                _ = try await lab.api.delete(failed.reference)
                try await eventually("gone") { try await lab.object("batch/v1", "Job", "seed") == nil }
                var theirs = try #require(try Manifest.objects(in: Self.job).first)
                theirs.namespace = "shop"
                let made = try await lab.api.create(theirs, fieldManager: "somebody")
                try await eventually("failed, too") {
                    try await lab.object("batch/v1", "Job", "seed")?.status?["failed"]?.intValue ?? 0 > 0
                }
                try await lab.world.coordinator.assign(one.assignment(2))
                try await lab.waitFor("met") { $0.generation == 2 && ![.accepted, .applying].contains($0.phase) }
                #expect(try await lab.object("batch/v1", "Job", "seed")?.uid == made.uid)
            }
        }
    }

    // MARK: An order that is interrupted

    /// Answers 500 to what would write the Job, for as long as it is shut.
    private final class Shutter: Sendable {
        private let isShut = Mutex(false)

        func shut(_ value: Bool) { isShut.withLock { $0 = value } }

        var tap: RequestTap {
            RequestTap { request in
                guard self.isShut.withLock({ $0 }), request.method == .PATCH, request.path.hasSuffix("/jobs/seed")
                else {
                    return nil
                }
                return RequestTap.Answer(
                    status: 500,
                    body: [
                        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "InternalError",
                        "message": "etcdserver: request timed out", "code": 500,
                    ])
            }
        }
    }

    private static let rules = AgentRules(
        awayGrace: .milliseconds(200), retryDelay: .milliseconds(20), retryDelayLimit: .milliseconds(100),
        sightDelay: .zero)

    private static let retry = RetryPolicy(maximumAttempts: 1)

    @Test(arguments: [false, true]) func anOrderThatIsInterruptedStillRunsItAgain(byRestart: Bool) async throws {
        try await SimulatedLab.run { lab in
            let one = try await Self.assignFailing(in: lab)
            let shutter = Shutter()
            let failed = try await lab.withAgent(tap: shutter.tap, rules: Self.rules, retry: Self.retry) {
                try await lab.waitFor("failed") { $0.generation == 1 && $0.phase == .failed }
                let failed = try #require(try await lab.object("batch/v1", "Job", "seed"))
                try await lab.fleet.setFaults(.none, in: "east-1")
                shutter.shut(true)
                try await lab.world.coordinator.assign(one.assignment(2))
                try await lab.waitFor("it meets the error") {
                    $0.generation == 2 && $0.message?.contains("request timed out") == true
                }
                if !byRestart {
                    shutter.shut(false)
                    try await lab.waitFor("healthy") { $0.generation == 2 && $0.phase == .healthy }
                }
                return failed.uid
            }
            if byRestart {
                try await lab.withAgent(rules: Self.rules) {
                    try await lab.waitFor("healthy") { $0.generation == 2 && $0.phase == .healthy }
                }
            }
            let again = try await lab.object("batch/v1", "Job", "seed")
            #expect(again != nil && again?.uid != failed)
        }
    }

    /// The Job that the order itself made is not made once more because of what fails beside it.
    @Test func whatHasRunAgainUnderAnOrderDoesNotRunOnceMore() async throws {
        try await SimulatedLab.run { lab in
            try await lab.fleet.setFaults(
                FaultPlan(images: [FaultPlan.ImageFault(contains: "seed:1", behaviour: .crashLoop)]), in: "east-1")
            let later = ShopManifest.configMap("later").replacing(
                "{name: later}", with: "{name: later, annotations: {swell.dev/wave: '-1'}}")
            let one = try await lab.world.release("1.0.0", extra: Self.job + later)
            try await lab.world.coordinator.assign(one.assignment(1))
            let made = Mutex<[String]>([])
            let tap = RequestTap { request in
                if request.method == .DELETE, request.path.hasSuffix("/jobs/seed") {
                    made.withLock { $0.append(request.path) }
                }
                return nil
            }
            try await lab.withAgent(tap: tap, rules: Self.rules) {
                try await lab.waitFor("failed") { $0.generation == 1 && $0.phase == .failed }
                let failed = try #require(try await lab.object("batch/v1", "Job", "seed"))
                try await lab.world.coordinator.assign(one.assignment(2))
                try await lab.waitFor("failed again") { $0.generation == 2 && $0.phase == .failed }
                #expect(try await lab.object("batch/v1", "Job", "seed")?.uid != failed.uid)
            }
            // Who comes after a restart knows that this order has had its Job.
            try await lab.withAgent(tap: tap, rules: Self.rules) {
                try await lab.waitFor("still failed") { $0.generation == 2 && $0.phase == .failed }
            }
            #expect(made.withLock { $0.count } == 1)
        }
    }
}
