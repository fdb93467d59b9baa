internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// A small fleet: two regions with two clusters each, one application, one policy.
enum Fixtures {
    static let shop: ApplicationName = "shop"
    static let policy = RolloutPolicy(
        name: "waves", stages: [PolicyStage(name: "all", select: ClusterSelector())])
    static let clusters: [Cluster] = [
        Cluster(name: "east-1", region: "us-east-1", environment: "production", labels: ["tier": "gold"]),
        Cluster(name: "east-2", region: "us-east-1", environment: "production"),
        Cluster(name: "west-1", region: "us-west-1", environment: "production"),
        Cluster(name: "west-2", region: "us-west-1", environment: "staging"),
    ]
    static let fleet = FleetDocuments(
        clusters: clusters, applications: [Application(name: shop, namespace: "shop")], policies: [policy])

    static func content(_ text: String) -> ContentDocument { ContentDocument(content: Array(text.utf8)) }

    /// The documents of a release, the index first.
    static func documents(_ version: String) -> [ContentDocument] {
        [content("index of \(version)"), content("deployment of \(version)"), content("shared service")]
    }

    static func reference(_ version: String) -> ReleaseReference {
        ReleaseReference(version: version, digest: documents(version)[0].digest)
    }

    static func release(_ version: String, of application: ApplicationName = shop) -> Release {
        Release(
            application: application, reference: reference(version), createdBy: "ann",
            createdAt: Timestamp(milliseconds: 1_000), commit: "abc", message: "say hello", objectCount: 2, size: 60)
    }

    static func rollout(
        _ name: RolloutName, version: String = "1.0", application: ApplicationName = shop,
        clusters names: [ClusterName] = ["east-1", "east-2"], kind: RolloutKind = .release
    ) -> Rollout {
        let at = Timestamp(milliseconds: 1_000)
        var rollout = Rollout(
            header: RolloutHeader(
                name: name, application: application, kind: kind, release: reference(version), policy: policy,
                strategy: ApplicationStrategy(), createdBy: "ann", createdAt: at),
            stages: [StageState(name: "all")], targets: [:])
        for name in names {
            let region = clusters.first { $0.name == name }?.region ?? "us-east-1"
            rollout.targets[name] = TargetState(cluster: name, region: region, stage: 0, changedAt: at)
            rollout.stages[0].lanes[region, default: 0] += 1
        }
        return rollout
    }

    static func report(
        _ cluster: ClusterName, generation: Int64, version: String = "1.0", health: Health = .healthy,
        application: ApplicationName = shop
    ) -> ReceivedReport {
        ReceivedReport(
            cluster: cluster,
            report: ApplicationReport(
                application: application, generation: generation, digest: reference(version).digest, epoch: 1,
                phase: health == .healthy ? .healthy : .verifying, health: health))
    }

    /// A store with the fleet and release 1.0 in it.
    static func fill(_ store: any Store) async throws {
        _ = try await store.apply(fleet, by: "ann")
        _ = try await store.createRelease(release("1.0"), documents: documents("1.0"))
    }

    static func lease(_ store: any Store, _ rollout: RolloutName, holder: String = "replica-a") async throws -> Lease {
        guard
            let lease = try await store.acquireLease(
                "rollout/\(rollout)", holder: holder, lifetime: .seconds(60))
        else { throw StoreError(code: .leaseLost, message: "the lease of \(rollout) is another's") }
        return lease
    }
}

extension DecisionInput {
    /// The least decision: everything stays, every command takes effect.
    var unchanged: Decision {
        Decision(
            rollout: rollout, verdicts: commands.map { CommandVerdict(command: $0.id) },
            wakeAt: now + .minutes(5))
    }

    /// Assigns the rollout's release to these targets, as the engine would.
    func dispatching(_ clusters: [ClusterName]) -> Decision {
        var decision = unchanged
        decision.rollout.phase = .progressing
        if rollout.phase != .progressing {
            decision.transitions.append(
                Transition(
                    rollout: rollout.name, subject: .rollout, from: rollout.phase.rawValue, to: "progressing",
                    reason: nil, by: "swell", at: now, value: .header(decision.rollout.header)))
        }
        for cluster in clusters {
            guard let former = rollout.targets[cluster] else { continue }
            let generation = (snapshot.fleet[cluster]?.highestGeneration ?? 0) + 1
            let before = former.phase
            let target = TargetState(
                cluster: cluster, region: former.region, stage: former.stage, phase: .dispatched,
                attempt: Attempt(
                    generation: generation, epoch: epoch, goal: .run(rollout.release), dispatchedAt: now),
                changedAt: now)
            decision.rollout.targets[cluster] = target
            decision.transitions.append(
                Transition(
                    rollout: rollout.name, subject: .target(cluster), from: before.rawValue, to: "dispatched",
                    reason: nil, by: "swell", at: now, value: .target(target)))
            decision.assignments.append(
                Assignment(
                    cluster: cluster, application: rollout.application, generation: generation, epoch: epoch,
                    rollout: rollout.name, goal: .run(rollout.release),
                    settings: AssignmentSettings(
                        minHealthyTime: .seconds(1), progressDeadline: .minutes(1), selfRollback: true)))
        }
        return decision
    }

    /// Marks these targets healthy and their release proven.
    func proving(_ clusters: [ClusterName]) -> Decision {
        var decision = unchanged
        for cluster in clusters {
            guard let former = rollout.targets[cluster], let attempt = former.attempt else { continue }
            let before = former.phase
            let generation = attempt.generation
            let target = TargetState(
                cluster: cluster, region: former.region, stage: former.stage, phase: .healthy,
                attempt: Attempt(
                    generation: generation, epoch: attempt.epoch, goal: attempt.goal,
                    dispatchedAt: attempt.dispatchedAt,
                    evidence: Evidence(standing: .healthy(since: now), provenAt: now)), changedAt: now)
            decision.rollout.targets[cluster] = target
            decision.transitions.append(
                Transition(
                    rollout: rollout.name, subject: .target(cluster), from: before.rawValue, to: "healthy",
                    reason: nil, by: "swell", at: now, value: .target(target)))
            decision.proven.append(
                ProvenRelease(
                    cluster: cluster, application: rollout.application, release: rollout.release,
                    generation: generation, at: now))
        }
        return decision
    }

    func ending(as phase: RolloutPhase) -> Decision {
        var decision = unchanged
        decision.rollout.phase = phase
        decision.rollout.endedAt = now
        decision.wakeAt = nil
        decision.transitions = [
            Transition(
                rollout: rollout.name, subject: .rollout, from: rollout.phase.rawValue, to: phase.rawValue,
                reason: "told to", by: "ann", at: now, value: .header(decision.rollout.header))
        ]
        return decision
    }
}
