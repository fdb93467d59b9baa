internal import Foundation
internal import PostgresClient
internal import SwellEngine
internal import SwellLoad
internal import SwellModel
internal import SwellStore
internal import Synchronization

/// One decision through the store, read and committed, on a rollout of three clusters and on one of all, in a fleet with twenty
/// applications everywhere: what the others have should not be felt.
enum B12: Figure {
    static let name = "B12"
    static let what = "one decision through the store"

    private static let applications = 20

    static func run(_ size: Size) async throws -> [FigureResult] {
        let clusters = size.count
        return try await Stage.run { stage in
            try await stage.makeFleet(clusters)
            let (application, reference) = try await stage.declare("app-0")
            try await stage.occupy(clusters, with: applications, reference)
            let few = try await measure(
                stage, application, reference, "few", ClusterSelector(clusters: try FleetMaker.names(3)), runs: 50)
            let all = try await measure(stage, application, reference, "all", ClusterSelector(), runs: 5)
            return [
                .absolute(
                    name, "3 of \(clusters) clusters", unit: "ms", ours: .init(few.times), value: few.times.p50,
                    goal: .atMost(5), isRight: few.isRight),
                .absolute(
                    name, "all \(clusters) clusters", unit: "ms", ours: .init(all.times), value: all.times.p50,
                    goal: nil, isRight: all.isRight),
            ]
        }
    }

    /// Idle decisions on a rollout that waits for an approval; the first ones, which fill memories, do not count.
    private static func measure(
        _ stage: Stage, _ application: Application, _ reference: ReleaseReference, _ name: String,
        _ select: ClusterSelector, runs: Int
    ) async throws -> (times: Samples, isRight: Bool) {
        let stages = [PolicyStage(name: "all", select: ClusterSelector(), approval: ApprovalRule(before: true))]
        let request = PlanRequest(
            name: try RolloutName(name), application: application.name, release: reference,
            policy: RolloutPolicy(name: "waits", stages: stages), strategy: application.strategy,
            createdBy: "benchmark", select: select)
        let snapshot = try await stage.store.snapshot(for: application.name)
        let rollout = try RolloutPlanner.plan(request, snapshot: snapshot, now: try await stage.store.now())
        try await stage.store.createRollout(rollout, superseding: [], by: "benchmark")
        guard
            let lease = try await stage.store.acquireLease(
                "rollout/\(name)", holder: "benchmark", lifetime: .minutes(10))
        else { throw BenchmarkError("the lease of \(name) is another's") }
        let read = Mutex(0)
        var times: [Double] = []
        var isRight = rollout.targets.count == (select == ClusterSelector() ? snapshot.fleet.count : 3)
        for round in 0..<(runs + 5) {
            let begin = MonotonicTime.now()
            let decision = try await stage.store.decide(rollout.name, under: lease) { input in
                read.withLock { $0 = input.snapshot.fleet.count }
                return DecisionMaker.decideReviewed(input)
            }
            // It looked at its clusters and at no others, and waits.
            isRight =
                isRight && decision.breaches.isEmpty && decision.rollout.phase == .progressing
                && decision.assignments.isEmpty && read.withLock(\.self) == rollout.targets.count
            if round >= 5 { times.append(Double(MonotonicTime.now() - begin) / 1e6) }
        }
        _ = try await stage.store.submit(.abort(reason: nil), to: rollout.name, by: "benchmark") { _ in nil }
        _ = try await stage.store.decide(rollout.name, under: lease) { DecisionMaker.decideReviewed($0) }
        return (Samples(times), isRight)
    }
}

extension Stage {
    /// Assigns so many applications to every cluster, each reported healthy and with five releases proven.
    fileprivate func occupy(_ clusters: Int, with applications: Int, _ reference: ReleaseReference) async throws {
        let name: ApplicationName = "app-0"
        let assignment = Assignment(
            cluster: "c", application: name, generation: 1, epoch: 1, rollout: "earlier", goal: .run(reference),
            settings: AssignmentSettings(
                minHealthyTime: .seconds(1), progressDeadline: .minutes(1), selfRollback: true))
        let report = ApplicationReport(
            application: name, generation: 1, digest: reference.digest, epoch: 1, phase: .healthy, health: .healthy)
        let encoder = JSONEncoder()
        let parameters: [PostgresValue] = [
            .int(applications), .jsonb(String(decoding: try encoder.encode(assignment), as: UTF8.self)),
            .jsonb(String(decoding: try encoder.encode(report), as: UTF8.self)), .text(reference.digest.rawValue),
        ]
        let places = "FROM clusters c CROSS JOIN generate_series(0, $1::bigint - 1) AS n"
        let (count, assigned, reported, digest) = (parameters[0], parameters[1], parameters[2], parameters[3])
        try await pool.pipeline([
            PostgresStatement(
                """
                INSERT INTO assignments (cluster, application, generation, change, digest, assignment)
                SELECT c.name, 'app-' || n, 1, 0, $3, jsonb_set($2::jsonb, '{cluster}', to_jsonb(c.name)) \(places)
                """, [count, assigned, digest]),
            PostgresStatement(
                """
                INSERT INTO cluster_status (cluster, application, highest_generation, received_at, report)
                SELECT c.name, 'app-' || n, 1, swell_now(), $2 \(places)
                """, [count, reported]),
            PostgresStatement(
                """
                INSERT INTO proven_releases (cluster, application, digest, version, generation, proven_at)
                SELECT c.name, 'app-' || n, 'sha256:' || md5(v::text) || md5(v::text), v || '.0', v, swell_now()
                \(places) CROSS JOIN generate_series(1, 5) AS v
                """, [count]),
        ])
        for table in ["assignments", "cluster_status", "proven_releases"] {
            try await pool.pipeline([PostgresStatement("ANALYZE \(table)", prepared: false)])
        }
    }
}
