internal import PostgresClient
internal import SwellEngine
internal import SwellLoad
internal import SwellModel
internal import SwellStore

/// Rollouts that were begun together, and when, by the database's clock.
struct Begun: Sendable {
    var names: [RolloutName]
    var at: Timestamp
}

/// How a rollout ended.
struct Ended: Sendable {
    var name: RolloutName
    var phase: RolloutPhase
    /// Since it was begun.
    var after: Interval
    /// Targets by the phase in which they ended.
    var targets: [TargetPhase: Int]

    /// Whether every cluster has the release, and none was taken back.
    var isWhole: Bool { phase == .succeeded && targets.keys.allSatisfy { $0 == .healthy } }
}

extension Stage {
    /// Declares an application for the clusters with these labels, with a release of one object or of what the manifest says.
    func declare(
        _ name: String, version: String = "1.0.0", on labels: [String: String] = [:], manifest given: String? = nil
    ) async throws -> (Application, ReleaseReference) {
        let application = Application(
            name: try ApplicationName(name), namespace: name, select: ClusterSelector(labels: labels))
        _ = try await store.apply(FleetDocuments(applications: [application]), by: "benchmark")
        let manifest =
            given ?? "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \(name)}\ndata: {version: \"1\"}\n"
        let assembled = try ReleaseAssembler.assemble(
            application, from: [SourceFile(name: "\(name).yaml", content: manifest)])
        let reference = ReleaseReference(version: version, digest: assembled.digest)
        let release = Release(
            application: application.name, reference: reference, createdBy: "benchmark", createdAt: Clock.now(),
            objectCount: assembled.objectCount, size: assembled.size)
        _ = try await store.createRelease(release, documents: assembled.documents)
        return (application, reference)
    }

    /// Plans a rollout of each, and begins them all in one moment.
    func begin(
        _ releases: [(Application, ReleaseReference)], _ policy: RolloutPolicy, named word: String? = nil
    ) async throws -> Begun {
        _ = try await store.apply(FleetDocuments(policies: [policy]), by: "benchmark")
        var rollouts: [Rollout] = []
        for (application, reference) in releases {
            let request = PlanRequest(
                name: try RolloutName("\(application.name)-\(word ?? policy.name.rawValue)"),
                application: application.name,
                release: reference, policy: policy, strategy: application.strategy, createdBy: "benchmark")
            let snapshot = try await store.snapshot(for: application.name)
            rollouts.append(try RolloutPlanner.plan(request, snapshot: snapshot, now: try await store.now()))
        }
        try await store.createRollouts(rollouts, by: "benchmark")
        let at = try await store.now()
        try await pool.query("SELECT pg_notify('swell_rollouts', '')")
        return Begun(names: rollouts.map(\.name), at: at)
    }

    /// Waits until all have ended.
    func ends(of begun: Begun, within limit: Duration) async throws -> [Ended] {
        let names = PostgresValue.array(begun.names.map(\.rawValue))
        try await eventually("\(begun.names.count) rollouts to end", within: limit, every: .milliseconds(200)) {
            let open = try await pool.query(
                "SELECT count(*) FROM rollouts WHERE name = ANY($1) AND NOT is_ended", [names]
            ).scalar(Int.self)
            return open == 0 ? true : nil
        }
        var ended: [Ended] = []
        for name in begun.names {
            guard let rollout = try await store.rollout(name), let at = rollout.endedAt else {
                throw BenchmarkError("rollout \(name) has ended and does not say when")
            }
            var targets: [TargetPhase: Int] = [:]
            for target in rollout.targets.values { targets[target.phase, default: 0] += 1 }
            ended.append(Ended(name: name, phase: rollout.phase, after: at - begun.at, targets: targets))
        }
        return ended
    }

    /// How many clusters said something of an application after a moment.
    func reports(of application: ApplicationName, after moment: Timestamp) async throws -> Int {
        try await pool.query(
            "SELECT count(*) FROM cluster_status WHERE application = $1 AND received_at > to_timestamp($2::bigint / 1000.0)",
            [.text(application.rawValue), .int64(moment.milliseconds)]
        ).scalar(Int.self)
    }

    /// How many targets of a rollout are healthy.
    func healthy(in rollout: RolloutName) async throws -> Int {
        try await pool.query(
            "SELECT count(*) FROM rollout_targets WHERE rollout = $1 AND phase = 'healthy'", [.text(rollout.rawValue)]
        ).scalar(Int.self)
    }

    /// How many rollouts a replica holds now.
    func leases(heldBy replica: String) async throws -> Int {
        try await pool.query(
            "SELECT count(*) FROM leases WHERE name LIKE 'rollout/%' AND starts_with(holder, $1) AND expires_at > now()",
            [.text("\(replica)/")]
        ).scalar(Int.self)
    }

    /// How many targets of all rollouts failed or were taken back.
    func takenBack() async throws -> Int {
        try await pool.query(
            "SELECT count(*) FROM rollout_targets WHERE phase IN ('failed', 'rollingBack', 'rolledBack', 'rollbackFailed')"
        ).scalar(Int.self)
    }

    /// How many documents a release consists of, its index among them.
    func documents(of release: ReleaseReference) async throws -> Int {
        try await pool.query(
            "SELECT count(*) FROM bundle_documents WHERE bundle = $1", [.text(release.digest.rawValue)]
        ).scalar(Int.self)
    }

    /// One stage of all, all at once, which has to be healthy for no time.
    static func atOnce() -> RolloutPolicy {
        RolloutPolicy(
            name: "at-once",
            stages: [PolicyStage(name: "all", select: ClusterSelector(), maxConcurrent: .percent(100))],
            minHealthyTime: .zero, progressDeadline: .minutes(15))
    }

    /// Three stages of 20, 30 and 50 of each group's clusters, half of each at a time.
    static func waves(minHealthyTime: Interval = .seconds(1)) throws -> RolloutPolicy {
        RolloutPolicy(
            name: "waves",
            stages: try ["s0", "s1", "s2"].map { name in
                PolicyStage(
                    name: try StageName(name), select: ClusterSelector(labels: ["stage": name]),
                    maxConcurrent: .percent(50))
            }, minHealthyTime: minHealthyTime, progressDeadline: .minutes(5))
    }
}
