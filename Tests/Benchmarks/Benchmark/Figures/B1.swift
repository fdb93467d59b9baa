internal import Foundation
internal import PostgresClient
internal import SwellEngine
internal import SwellLoad
internal import SwellModel
internal import SwellStore

/// Reports stored a second, against pgbench that sends the very same statements, and against one transaction a report.
enum B1: Figure {
    static let name = "B1"
    static let what = "reports stored a second"
    private static let batch = 500

    static func run(_ size: Size) async throws -> [FigureResult] {
        let count = size.count
        let batches = size.of(check: 4, small: 20, full: 200)
        return try await Stage.run { stage in
            try await stage.makeFleet(count)
            let (application, reference) = try await stage.declare("shop")
            // The first hundred are held by a rollout, so that what is said of them waits for a decision; nobody decides here.
            let (held, heldReference) = try await stage.declare("held", on: ["group": Stage.group(0)])
            _ = try await stage.begin([(held, heldReference)], try Stage.waves())
            let names = try FleetMaker.names(count)
            @Sendable func reports(_ round: Int, _ size: Int) -> [ReceivedReport] {
                (0..<size).map { index in
                    let place = round * size + index
                    // One in fifty is of the rollout's application.
                    let isHeld = index % 50 == 0
                    return ReceivedReport(
                        cluster: isHeld ? names[place / 50 % 100] : names[place % count],
                        report: ApplicationReport(
                            application: isHeld ? held.name : application.name, generation: 1,
                            digest: isHeld ? heldReference.digest : reference.digest, epoch: 1,
                            phase: round % 2 == 0 ? .verifying : .healthy, health: .healthy))
                }
            }
            // Every row is there, and 20,000 reports wait (2,000 in the small form), before anything is measured.
            let waiting = (0..<batch).map { index in
                ReceivedReport(
                    cluster: names[index % 100],
                    report: ApplicationReport(
                        application: held.name, generation: 1, digest: heldReference.digest, epoch: 1,
                        phase: .verifying, health: .progressing))
            }
            for _ in 0..<(size.of(small: 4, full: 40)) { _ = try await stage.store.ingest(waiting) }
            for round in 0..<(2 * count / batch + 2) { _ = try await stage.store.ingest(reports(round, batch)) }
            let mark = try await stage.store.now()
            let ours = try await rates(batches, of: batch) { _ = try await stage.store.ingest(reports($0, batch)) }
            // What was said last of each is what is stored, and was stored now.
            var said: [String: String] = [:]
            for report in (0..<batches).flatMap({ reports($0, batch) }) {
                said["\(report.cluster) \(report.report.application)"] = report.report.phase.rawValue
            }
            let rows = try await stage.pool.query(
                "SELECT cluster || ' ' || application, report->>'phase' FROM cluster_status WHERE received_at >= $1",
                [.timestamp(milliseconds: mark.milliseconds)])
            var stored: [String: String] = [:]
            for row in rows { stored[try row.decode(at: 0)] = try row.decode(String.self, at: 1) }
            let isRight = stored == said
            let some = reports(1, batch)
            let single = try await rates(200, of: 1) { _ = try await stage.store.ingest([some[$0]]) }
            let statements = try await stage.statements { _ = try await stage.store.ingest(reports(1, batch)) }
            let transactions = try await pgbench(stage, statements, batches)
            return [
                .ratio(
                    name, "against pgbench", unit: "/s", ours: .init(ours),
                    baseline: .init(transactions * Double(batch)), goal: .atLeast(0.5), isRight: isRight,
                    notes: ["\(statements.count) statements a batch of \(batch); pgbench sends them as text"]),
                .ratio(
                    name, "against one a transaction", unit: "/s", ours: .init(ours), baseline: .init(single),
                    goal: .atLeast(5), isRight: isRight),
            ]
        }
    }

    /// Reports a second, of each batch.
    private static func rates(_ count: Int, of size: Int, _ body: (Int) async throws -> Void) async throws -> Samples {
        var rates: [Double] = []
        for round in 0..<count {
            let begin = MonotonicTime.now()
            try await body(round)
            rates.append(Double(size) * 1e9 / Double(MonotonicTime.now() - begin))
        }
        return Samples(rates)
    }

    /// Transactions a second of pgbench, over one connection as the ingestor has one.
    private static func pgbench(_ stage: Stage, _ statements: [String], _ count: Int) async throws -> Double {
        let script = stage.folder.appending(path: "ingest.sql")
        try Data((statements.joined(separator: ";\n") + ";\n").utf8).write(to: script)
        let output = try await Programs.output(
            of: "pgbench",
            ["-n", "-f", script.path, "-t", "\(count)", "-c", "1"] + (await stage.serverArguments()))
        guard let line = output.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
            let rate = Double(line.dropFirst(6).prefix { $0 != " " })
        else { throw BenchmarkError("pgbench said: \(output.suffix(500))") }
        return rate
    }
}
