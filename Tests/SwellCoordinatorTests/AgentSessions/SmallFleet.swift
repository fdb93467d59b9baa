internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Two clusters, one application, one release, and a rollout that assigns it when told to.
enum SmallFleet {
    static let shop: ApplicationName = "shop"
    static let clusters: [Cluster] = [
        Cluster(name: "east-1", region: "us-east-1", environment: "production", labels: ["tier": "gold"]),
        Cluster(name: "west-1", region: "us-west-1", environment: "production"),
    ]
    static let index = ContentDocument(content: Array("index of 1.0".utf8))
    /// More than one piece on the wire.
    static let manifest = ContentDocument(content: [UInt8](repeating: 0x61, count: 200_000))
    static let release = ReleaseReference(version: "1.0", digest: index.digest)
    static let policy = RolloutPolicy(name: "waves", stages: [PolicyStage(name: "all", select: ClusterSelector())])

    static func fill(_ store: any Store, _ clusters: [Cluster] = SmallFleet.clusters) async throws {
        let documents = FleetDocuments(
            clusters: clusters, applications: [Application(name: shop, namespace: "shop")], policies: [policy])
        _ = try await store.apply(documents, by: "ann")
        let release = Release(
            application: shop, reference: release, createdBy: "ann", createdAt: Timestamp(milliseconds: 1),
            objectCount: 1, size: 200_000)
        _ = try await store.createRelease(release, documents: [index, manifest])
        let at = Timestamp(milliseconds: 1)
        var rollout = Rollout(
            header: RolloutHeader(
                name: "r1", application: shop, kind: .release, release: Self.release, policy: policy,
                strategy: ApplicationStrategy(), createdBy: "ann", createdAt: at),
            stages: [StageState(name: "all")], targets: [:])
        for cluster in clusters {
            rollout.targets[cluster.name] = TargetState(
                cluster: cluster.name, region: cluster.region, stage: 0, changedAt: at)
            rollout.stages[0].lanes[cluster.region, default: 0] += 1
        }
        try await store.createRollout(rollout, superseding: [], by: "ann")
    }

    /// Assigns the release to `cluster` under a new generation, which it returns.
    static func assign(_ cluster: ClusterName, in store: any Store) async throws -> Int64 {
        guard let lease = try await store.acquireLease("rollout/r1", holder: "test", lifetime: .seconds(60)) else {
            throw StoreError(code: .leaseLost, message: "the lease is another's")
        }
        let decision = try await store.decide("r1", under: lease) { $0.assigning(cluster) }
        return decision.assignments[0].generation
    }

    static func report(
        _ generation: Int64, phase: AgentPhase = .healthy, health: Health = .healthy, epoch: Int64 = 1
    ) -> ApplicationReport {
        ApplicationReport(
            application: shop, generation: generation, digest: release.digest, epoch: epoch, phase: phase,
            health: health)
    }

    static func assignment(
        _ application: ApplicationName, _ generation: Int64, goal: Assignment.Goal = .run(release),
        fallback: ReleaseReference? = ReleaseReference(
            version: "0.9", digest: ContentDocument(content: [1]).digest)
    ) -> Assignment {
        Assignment(
            cluster: "east-1", application: application, generation: generation, epoch: 1, rollout: "r1", goal: goal,
            fallback: fallback,
            settings: AssignmentSettings(
                minHealthyTime: .seconds(1), progressDeadline: .minutes(1), selfRollback: true))
    }
}

extension DecisionInput {
    /// Dispatches one target, as the engine would.
    fileprivate func assigning(_ cluster: ClusterName) -> Decision {
        var decision = Decision(rollout: rollout, verdicts: [], wakeAt: now + .minutes(5))
        guard let former = rollout.targets[cluster] else { return decision }
        let before = former.phase
        let generation = (snapshot.fleet[cluster]?.highestGeneration ?? 0) + 1
        let target = TargetState(
            cluster: cluster, region: former.region, stage: former.stage, phase: .dispatched,
            attempt: Attempt(generation: generation, epoch: epoch, goal: .run(rollout.release), dispatchedAt: now),
            changedAt: now)
        decision.rollout.targets[cluster] = target
        decision.transitions = [
            Transition(
                rollout: rollout.name, subject: .target(cluster), from: before.rawValue, to: "dispatched", reason: nil,
                by: "swell", at: now, value: .target(target))
        ]
        decision.assignments = [
            Assignment(
                cluster: cluster, application: rollout.application, generation: generation, epoch: epoch,
                rollout: rollout.name, goal: .run(rollout.release),
                settings: AssignmentSettings(
                    minHealthyTime: .seconds(1), progressDeadline: .minutes(1), selfRollback: true))
        ]
        return decision
    }
}
