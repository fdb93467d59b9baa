internal import AsyncSupport
internal import Foundation
internal import KubernetesClient
internal import KubernetesObjects
internal import PostgresTesting
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// The database goes back to a base backup while everything runs: two replicas, their agents, a rollout under way.
@Suite(.serialized) struct RestoreScenarios {
    @Test func aBackupRestoredUnderTwoReplicasTakesBackNothingHealthyAndLeavesNoSessionDead() async throws {
        var shape = Fleet.Shape(regions: FaultSettings.regions)
        shape.replicas = ["a", "b"]
        shape.allowsBackups = true
        try await withFleet(shape) { fleet in
            try await fleet.apply(FaultSettings.documents(soak: "4s"))
            let generations = GenerationWatch()
            try await withThrowingTaskGroup(of: Void.self) { watching in
                watching.addTask { try await generations.run(fleet) }
                try await fleet.withStore { store in try await play(fleet, store, generations) }
                watching.cancelAll()
            }
        }
    }

    private func play(_ fleet: Fleet, _ store: PostgresStore, _ generations: GenerationWatch) async throws {
        for version in ["1.0.0", "2.0.0"] { try await release(version, fleet) }
        try await fleet.start("1.0.0", name: "first")
        try await store.awaited("first", "succeeded") { $0.phase == .succeeded }

        // The canary of the second soaks when the backup is taken.
        try await fleet.start("2.0.0", name: "second", replica: "b")
        try await store.awaited("second", "soaking") { $0.stages[0].phase == .soaking }
        let remembered = await fleet.acknowledged.count
        try await fleet.database.takeBackup()
        let atBackup = try #require(try await store.rollout(RolloutName("second")))
        #expect(atBackup.phase == .progressing, "the backup came too late: \(atBackup.phase)")

        // It ends, and another one begins: the database is about to forget both.
        try await store.awaited("second", "succeeded") { $0.phase == .succeeded }
        try await release("3.0.0", fleet)
        try await fleet.start("3.0.0", name: "third")
        try await store.awaited("third", "healthy in its canary") { $0.stages[0].healthyAt != nil }
        let clock = ContinuousClock()
        let restoring = clock.now
        try await fleet.database.restoreBackup()
        await fleet.forget(after: remembered)
        let restored = clock.now
        #expect(try await store.rollout(RolloutName("third")) == nil, "what came after the backup is still known")

        let second = try await store.awaited("second", "over") { $0.phase.isEnded }
        let took = clock.now - restored
        #expect(second.phase == .succeeded, "\(second.phase): \(second.reason ?? "")")
        for target in second.targets.values {
            #expect(target.phase == .healthy && target.failedAt == nil, "\(target)")
            // Nothing was told again, where the soak was over before the agent came back; or it is above what the agent had from the
            // rollout that is forgotten, whose number nobody else may have.
            let generation = target.generation ?? 0
            let forgotten: Int64? = target.region.rawValue == FaultSettings.canary ? 3 : nil
            #expect(2...7 ~= generation && generation != forgotten, "\(target.cluster): \(generation)")
        }
        // Where the second release was whole before, it was never anything else since: nothing was written.
        let untouched = FaultSettings.regions.filter { $0.key != FaultSettings.canary }.values.joined()
        try await forEachConcurrently(Array(untouched), atMost: 4) { cluster in
            try await Self.writes(cluster, fleet)
        } onResult: { written in
            #expect(written.count == 2, "\(written.cluster): its Deployment was written \(written.count) times")
        }
        try await expectAllConnected(fleet)

        // What was forgotten is made once more, under the same name, and reaches everybody.
        try await release("3.0.0", fleet)
        try await fleet.start("3.0.0", name: "third", replica: "b")
        let third = try await store.awaited("third", "over") { $0.phase.isEnded }
        #expect(third.phase == .succeeded, "\(third.phase): \(third.reason ?? "")")
        let all = await fleet.clusters.count
        #expect(third.targets.values.count { $0.phase == .healthy } == all)
        print("judgement: \(try await judge(fleet, generations: generations))")
        print("restore: \(restored - restoring) to restore, the rollout under way was over \(took) after it")
    }

    private func release(_ version: String, _ fleet: Fleet) async throws {
        try await fleet.release(
            "web", version, manifests: Documents.manifests(image: "registry.example/web:\(version)"))
    }

    /// How often a cluster's Deployment was written, the first time included.
    private static func writes(_ cluster: String, _ fleet: Fleet) async throws -> (cluster: String, count: Int64) {
        try await fleet.withAPI(cluster) { api in
            let web = try await api.get(ObjectReference("apps/v1", "Deployment", "web", in: "web"))
            return (cluster, Int64(web?.generation ?? 0))
        }
    }

    /// Every session that the database speaks of lives: each agent has said something since.
    private func expectAllConnected(_ fleet: Fleet) async throws {
        for replica in ["a", "b"] { try await fleet.awaitAgents(within: .seconds(60), replica: replica) }
        for cluster in await fleet.clusters {
            let hasEnded = await fleet.agents[cluster]?.exitCode() != nil
            #expect(!hasEnded, "agent \(cluster) ended by itself")
        }
    }
}
