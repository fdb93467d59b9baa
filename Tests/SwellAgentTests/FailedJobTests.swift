internal import KubernetesClient
internal import KubernetesObjects
internal import KubernetesSimulator
internal import SwellEngine
internal import SwellModel
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

    @Test func anotherOrderForTheSameReleaseRunsItAgain() async throws {
        try await SimulatedLab.run { lab in
            try await lab.fleet.setFaults(
                FaultPlan(images: [FaultPlan.ImageFault(contains: "seed:1", behaviour: .crashLoop)]), in: "east-1")
            let one = try await lab.world.release("1.0.0", extra: Self.job)
            try await lab.world.coordinator.assign(one.assignment(1))
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
            try await lab.fleet.setFaults(
                FaultPlan(images: [FaultPlan.ImageFault(contains: "seed:1", behaviour: .crashLoop)]), in: "east-1")
            let one = try await lab.world.release("1.0.0", extra: Self.job)
            try await lab.world.coordinator.assign(one.assignment(1))
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
}
