internal import Foundation
internal import SwellConsole
internal import SwellEngine
internal import SwellLoad
internal import SwellModel

/// One decision, one plan and one view over a large fleet, and how they grow.
enum B9: Figure {
    static let name = "B9"
    static let what = "one decision, one plan, one view"

    private static let kinds = ["decision, idle", "decision, first", "decision, 1,000 reports", "plan", "view"]

    static func run(_ size: Size) async throws -> [FigureResult] {
        let runs = size.of(check: 1, small: 5, full: 20)
        let (less, more) = (1_000, 10_000)
        let small = try measure(less, runs)
        let large = try measure(more, runs)
        // What ten times as many may cost at n log n.
        let allowed = Double(more) * log2(Double(more)) / (Double(less) * log2(Double(less)))
        return kinds.flatMap { kind -> [FigureResult] in
            guard let few = small.times[kind], let many = large.times[kind] else { return [] }
            return [
                .absolute(
                    name, "\(kind), \(more)", unit: "ms", ours: .init(many), value: many.p50, goal: .atMost(100),
                    isRight: large.isRight),
                .ratio(
                    name, "\(kind), growth from \(less)", unit: "ms", ours: .init(many), baseline: .init(few),
                    value: many.p50 / few.p50, goal: .atMost(allowed), isRight: small.isRight),
            ]
        }
    }

    private static func measure(_ count: Int, _ runs: Int) throws -> (times: [String: Samples], isRight: Bool) {
        let start = Timestamp(milliseconds: 1_800_000_000_000)
        var snapshot = FleetSnapshot()
        for (index, name) in try FleetMaker.names(count).enumerated() {
            let cluster = Cluster(
                name: name, region: try RegionName("r\(index % 10)"), environment: "production",
                labels: ["stage": Stage.stage(index % 100)])
            snapshot.fleet[name] = ClusterFacts(cluster: cluster, isEnrolled: true, lastSeenAt: start)
        }
        let digest = ContentDigest(of: Array("benchmark".utf8))
        let request = PlanRequest(
            name: "shop-1", application: "shop",
            release: ReleaseReference(version: "1.0.0", digest: digest),
            policy: try Stage.waves(), strategy: ApplicationStrategy(), createdBy: "benchmark")
        var times: [String: [Double]] = [:]
        func time<Result>(_ kind: String, _ body: () throws -> Result) rethrows -> Result {
            let begin = MonotonicTime.now()
            let result = try body()
            times[kind, default: []].append(Double(MonotonicTime.now() - begin) / 1e6)
            return result
        }
        var isRight = true
        for _ in 0..<runs {
            var now = start
            let planned = try time("plan") { try RolloutPlanner.preview(request, snapshot: snapshot, now: now).rollout }
            now = now + .seconds(1)
            let first = time("decision, first") {
                DecisionMaker.decideReviewed(DecisionInput(rollout: planned, snapshot: snapshot, now: now, epoch: 1))
            }
            var later = snapshot
            for assignment in first.assignments {
                later.fleet[assignment.cluster]?.highestGeneration = assignment.generation
                later.fleet[assignment.cluster]?.heldBy = planned.name
            }
            let reports = first.assignments.prefix(1_000).enumerated().map { index, assignment in
                ReportRecord(
                    id: Int64(index + 1), cluster: assignment.cluster,
                    report: ApplicationReport(
                        application: assignment.application, generation: assignment.generation, digest: digest,
                        epoch: 1, phase: .applying, health: .progressing), receivedAt: now + .milliseconds(500))
            }
            now = now + .seconds(1)
            let second = time("decision, 1,000 reports") {
                DecisionMaker.decideReviewed(
                    DecisionInput(
                        rollout: first.rollout, reports: Array(reports), snapshot: later, now: now, epoch: 1,
                        dueAt: first.wakeAt))
            }
            now = now + .seconds(1)
            let idle = time("decision, idle") {
                DecisionMaker.decideReviewed(
                    DecisionInput(
                        rollout: second.rollout, snapshot: later, now: now, epoch: 1, dueAt: second.wakeAt))
            }
            let bytes = try time("view") {
                let blockers = Blockers.of(idle.rollout, snapshot: later, now: now)
                return try JSONEncoder().encode(RolloutView(idle.rollout, waitingFor: blockers)).count
            }
            isRight =
                isRight && planned.targets.count == count && !first.assignments.isEmpty && bytes > count
                && [first, second, idle].allSatisfy(\.breaches.isEmpty)
        }
        return (times.mapValues { Samples($0) }, isRight)
    }
}
