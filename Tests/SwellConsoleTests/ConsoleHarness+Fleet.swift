internal import KubernetesObjects
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellConsole

/// Agents, as far as the API's tests need them.
extension ConsoleHarness {
    static let bothClusters: [ClusterName] = ["use1-a", "usw1-a"]

    /// Applies the fleet, with an agent joined and heard of on both clusters, and starts rollout `r1` of 1.0.0.
    ///
    /// - Parameter removing: Whether the application's strategy removes what has nowhere to go back to.
    func startRollout(policy: String = "waves", removing: Bool = false) async throws {
        try await applyFleet(removing: removing)
        for cluster in Self.bothClusters {
            _ = try await request(.post, "/v1/clusters/\(cluster)/token")
            _ = try await store.spendToken(
                hash: "hash-of-\(cluster)",
                for: CertificateNote(serial: "of-\(cluster)", keyFingerprint: "", expiresAt: store.now() + .hours(24)))
            try await store.noteConnection(cluster, replica: "test", agentVersion: "0.1.0", isConnected: true)
        }
        try await start("r1", "1.0.0", policy: policy)
    }

    func start(_ name: String, _ version: String, policy: String = "waves") async throws {
        let started = try await request(
            .post, "/v1/rollouts",
            ["application": "shop", "version": .string(version), "policy": .string(policy), "name": .string(name)])
        try #require(started.status == 201, "\(started.text)")
    }

    /// Time goes by, in which both agents are heard of; then the rollout is decided.
    func pass(_ interval: Interval, _ rollout: RolloutName = "r1") async throws {
        clock.advance(by: interval)
        try await store.touch(Self.bothClusters)
        await Self.decide(rollout, in: store)
    }

    /// An agent says how far it is with what it is assigned, after long enough that it may be true; then the rollout is decided.
    func report(
        _ cluster: ClusterName, _ phase: AgentPhase, reason: String? = nil, message: String? = nil,
        to rollout: RolloutName = "r1"
    ) async throws {
        clock.advance(by: .seconds(11))
        try await store.touch(Self.bothClusters)
        let assignment = try #require(try await store.assignments(of: cluster).first { $0.application == "shop" })
        var digest: ContentDigest?
        if case .run(let release) = assignment.goal { digest = release.digest }
        let health: Health = phase == .healthy || phase == .removed ? .healthy : .degraded
        let report = ApplicationReport(
            application: "shop", generation: assignment.generation, digest: digest, epoch: assignment.epoch,
            phase: phase,
            health: health, reason: reason, message: message)
        _ = try await store.ingest([ReceivedReport(cluster: cluster, report: report)])
        await Self.decide(rollout, in: store)
    }

    /// Applies a policy of one stage over both clusters.
    func apply(policy: String, _ spec: String) async throws {
        let text = "apiVersion: swell.dev/v1\nkind: RolloutPolicy\nmetadata: {name: \(policy)}\nspec: \(spec)"
        let applied = try await request(
            .post, "/v1/apply", ["files": [["name": "policy.yaml", "content": .string(text)]]])
        try #require(applied.status == 200, "\(applied.text)")
    }

    /// What the audit log has of a rollout, in order.
    func events(_ rollout: String = "r1") async throws -> [String] {
        let history = try await request(.get, "/v1/rollouts/\(rollout)/history")
        return history.json["items"]?.arrayValue?.compactMap { $0["what"]?.stringValue } ?? []
    }

    func target(_ cluster: String, of rollout: String = "r1") async throws -> JSONValue {
        let view = try await request(.get, "/v1/rollouts/\(rollout)")
        let targets = view.json["status"]?["targets"]?.arrayValue ?? []
        return targets.first { $0["cluster"]?.stringValue == cluster } ?? .null
    }
}
