internal import KubernetesObjects
internal import KubernetesSimulator
internal import Testing

@testable internal import KubernetesClient

/// What an apply that failed or was cut leaves in the inventory, and what whoever comes next knows by it.
@Suite(.timeLimit(.minutes(2))) struct InterruptedApplyTests {
    private static let seed = """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: seed}
        spec:
          backoffLimit: 0
          template: {spec: {restartPolicy: Never, containers: [{name: seed, image: "seed:1"}]}}
        ---

        """

    private func run(_ body: @escaping @Sendable (SimulatedServer) async throws -> Void) async throws {
        try await SimulatedServer.run { server in
            for object in try Sample.manifest(Sample.namespace) { _ = try await server.api.create(object) }
            try await body(server)
        }
    }

    /// A hook for several moments is one object: that a later run was not come to takes it from nobody.
    @Test func aHookThatHasRunStaysKnownThoughItsNextRunIsNotComeTo() async throws {
        try await run { server in
            let applier = server.applier { $0.runsFailureHooks = false }
            let broken = Sample.configMap("broken").replacing("\ndata:", with: "\ndat:")
            let failed = try await applier.apply(
                try Sample.manifest(Sample.job("check", hook: "'before, after'") + broken))
            #expect(!failed.succeeded)
            #expect(failed.objects.filter { $0.reference.name == "check" }.map(\.outcome) == [.created, .skipped])
            #expect(failed.inventory.references.contains { $0.name == "check" }, "\(failed.inventory)")
            let removed = try await server.applier {
                ($0.allowsEmpty, $0.isRemoval) = (true, true)
            }.apply([])
            #expect(removed.report("check")?.outcome == .pruned, "\(removed.objects)")
        }
    }

    /// Begins a bundle with a Job that fails, and is cut before that.
    private func interrupt(_ applier: BundleApplier, _ server: SimulatedServer, but former: String?) async throws
        -> String
    {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await applier.apply(try Sample.manifest(Self.seed)) }
            try await server.api.poll(every: .milliseconds(5), atMost: .seconds(20), what: "the Job to be made") {
                let uid = try await server.live("batch/v1", "Job", "seed")?.uid
                return uid != nil && uid != former
            }
            group.cancelAll()
        }
        try await server.api.poll(every: .milliseconds(20), atMost: .seconds(20), what: "the Job to fail") {
            try await server.live("batch/v1", "Job", "seed")?.isFailedJob == true
        }
        return try #require(try await server.live("batch/v1", "Job", "seed")?.uid)
    }

    @Test func aJobOfAnApplyThatWasCutRunsAgain() async throws {
        try await run { server in
            try await server.fleet.setFaults(
                FaultPlan(images: [FaultPlan.ImageFault(contains: "seed:1", behaviour: .crashLoop)]), in: "one")
            let first = try await interrupt(server.applier(), server, but: nil)
            // So does one that was made by such an order, and whose apply was cut in its turn.
            let second = try await interrupt(server.applier { $0.repeatedJobs = [first] }, server, but: first)
            try await server.fleet.setFaults(.none, in: "one")
            let again = try await server.applier { $0.repeatedJobs = [second] }.apply(try Sample.manifest(Self.seed))
            #expect(again.succeeded && again.report("seed")?.outcome == .replaced, "\(again.objects)")
            let third = try await server.live("batch/v1", "Job", "seed")?.uid
            #expect(third != nil && third != second)
        }
    }

    @Test func noOrderRunsTheJobOfAnotherApplication() async throws {
        try await run { server in
            try await server.fleet.setFaults(
                FaultPlan(images: [FaultPlan.ImageFault(contains: "seed:1", behaviour: .crashLoop)]), in: "one")
            func applier(_ name: String, _ jobs: Set<String>) -> BundleApplier {
                server.applier {
                    ($0.inventoryPrefix, $0.inventoryName) = ("inv-", "inv-\(name)")
                    $0.repeatedJobs = jobs
                }
            }
            let uid = try await interrupt(applier("a", []), server, but: nil)
            _ = try await applier("b", [uid]).apply(try Sample.manifest(Self.seed))
            #expect(try await server.live("batch/v1", "Job", "seed")?.uid == uid)
        }
    }
}
