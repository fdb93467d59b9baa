internal import PostgresClient
public import SwellEngine
public import SwellModel

extension PostgresStore {
    /// Three round trips and a commit: all locks and what is said once, the facts of those concerned, then all writes, the change counter
    /// last.
    public func decide(
        _ name: RolloutName, under lease: Lease, _ decide: @Sendable (DecisionInput) throws(StoreError) -> Decision
    ) async throws(StoreError) -> Decision {
        try await transact { transaction in
            let reading = DecisionReading(rollout: name, lease: lease)
            let (input, holding, fleetVersion) = try await reading.read(in: transaction, clusterMemory)
            let decision = try decide(input)
            let gained = DecisionRules.gains(of: decision, from: input.rollout, holding: holding)
            try DecisionRules.check(decision, of: input, holding: holding.union(gained))
            try await transaction.claim(gained.sorted(), for: decision.rollout, from: [])
            try await transaction.write(decision, of: input, seenFleet: fleetVersion)
            return decision
        }
    }
}

/// What one decision reads, and under which locks.
private struct DecisionReading {
    let rollout: RolloutName
    let lease: Lease

    /// Locks come first: what is read after them was committed before, and stays.
    var statements: [PostgresStatement] {
        [
            PostgresStatement("LOCK TABLE fleet_guard IN ROW SHARE MODE"),
            PostgresStatement("SELECT header, wake_at FROM rollouts WHERE name = $1 FOR UPDATE", [.name(rollout)]),
            PostgresStatement(
                """
                SELECT 1 FROM leases WHERE name = $1 AND holder = $2 AND epoch = $3 AND expires_at > clock_timestamp()
                FOR SHARE
                """, [.text(lease.name), .text(lease.holder), .int64(lease.epoch)]),
            PostgresStatement("SELECT 1 FROM fleet_limit WHERE max_in_flight IS NOT NULL FOR UPDATE"),
            PostgresStatement("SELECT state FROM rollout_targets WHERE rollout = $1", [.name(rollout)]),
            PostgresStatement(
                """
                SELECT id, command, ordered_by, ordered_at FROM rollout_commands
                WHERE rollout = $1 AND decided_at IS NULL ORDER BY id
                """, [.name(rollout)]),
            PostgresStatement(
                """
                SELECT i.id, i.cluster, i.report, i.received_at, i.after_gap, read.waiting FROM report_inbox i JOIN (
                    SELECT id, waiting FROM (
                        SELECT id, row_number() OVER (PARTITION BY cluster ORDER BY id) AS place,
                            count(*) OVER (PARTITION BY cluster) AS waiting
                        FROM report_inbox WHERE rollout = $1) AS placed
                    ORDER BY place, id
                    LIMIT $2::bigint + $3::bigint * (SELECT count(*) FROM rollout_targets WHERE rollout = $1)
                ) AS read ON read.id = i.id ORDER BY i.id
                """,
                [
                    .name(rollout), .int(Bounds.reportsOfDecision(targets: 0)),
                    .int(Bounds.reportsOfDecision(targets: 1) - Bounds.reportsOfDecision(targets: 0)),
                ]),
            PostgresStatement("SELECT cluster FROM rollout_claims WHERE rollout = $1", [.name(rollout)]),
        ] + facts.statements
    }

    private var facts: FactReading { FactReading(subject: .rollout(rollout)) }

    func read(
        in transaction: PostgresTransaction, _ memory: ClusterMemory
    ) async throws -> (DecisionInput, holding: Set<ClusterName>, fleetVersion: Int64) {
        let results = try await transaction.pipeline(statements)
        guard let state = try Rollout(header: results[1].first, targets: results[4], memory) else {
            throw StoreError.noRollout(rollout)
        }
        guard !results[2].isEmpty else { throw StoreError.leaseLost(lease) }
        try state.checkStoredShape()
        let commands = try results[5].map { row in
            CommandRecord(
                id: try row.decode(at: 0), rollout: rollout, command: try row.json(1), by: try row.decode(at: 2),
                at: try row.time(3))
        }
        let reports = try results[6].map { row in
            ReportRecord(
                id: try row.decode(at: 0), cluster: try row.name(1), report: try row.json(2),
                receivedAt: try row.time(3), isAfterGap: try row.decode(at: 4))
        }
        var unread: [ClusterName: Int] = [:]
        for (report, row) in zip(reports, results[6]) {
            unread[report.cluster] = (try unread[report.cluster] ?? row.decode(at: 5)) - 1
        }
        let holding = Set(try results[7].map { try $0.name(0, of: ClusterName.self) })
        let outline = try facts.outline(from: results[8..<(8 + FactReading.count)])
        let (snapshot, now) = try await transaction.snapshot(
            .around(state), of: state.application, in: outline, memory)
        let input = DecisionInput(
            rollout: state, commands: commands, reports: reports, unread: Set(unread.filter { $0.value > 0 }.keys),
            snapshot: snapshot, now: now, epoch: lease.epoch, dueAt: try results[1].single().timeIfAny(1))
        return (input, holding, outline.fleetVersion)
    }
}

extension PostgresTransaction {
    /// Stores a decision whose claims are held, in one round trip.
    fileprivate func write(_ decision: Decision, of input: DecisionInput, seenFleet: Int64) async throws {
        var statements = try stateStatements(decision, of: input, seenFleet: seenFleet)
        let first = statements.count
        let audit = try decision.transitions.map { transition in
            AuditRow(AuditEvent(transition, of: decision.rollout), try Column.encode(transition))
        }
        statements += try .numbered(
            assignments: decision.assignments, pauses: decision.pauses, of: input.rollout.application, audit: audit)
        let results = try await pipeline(statements)
        // With assignments the statements are: the counter, the assignments, the audit rows, the pauses.
        if !decision.assignments.isEmpty, results[first + 1].affectedRows != decision.assignments.count {
            throw StoreError(
                code: .conflict, message: "a generation that rollout \(input.rollout.name) assigns was reached already")
        }
    }

    private func stateStatements(_ decision: Decision, of input: DecisionInput, seenFleet: Int64) throws
        -> [PostgresStatement]
    {
        let rollout = decision.rollout
        let name = PostgresValue.name(rollout.name)
        var statements = [
            PostgresStatement(
                """
                UPDATE rollouts SET header = $2, phase = $3, is_ended = $4, wake_at = $5, seen_fleet = $6 WHERE name = $1
                """,
                [
                    name, try .json(encoding: rollout.withoutTargets), .text(rollout.phase.rawValue),
                    .bool(rollout.phase.isEnded), .time(decision.wakeAt), .int64(seenFleet),
                ])
        ]
        let changed = rollout.targets.values.filter { input.rollout.targets[$0.cluster] != $0 }
        if !changed.isEmpty {
            statements.append(try .upsertTargets(changed.sorted { $0.cluster < $1.cluster }, of: rollout.name))
        }
        let gone = input.rollout.targets.keys.filter { rollout.targets[$0] == nil }
        if !gone.isEmpty {
            statements.append(
                PostgresStatement(
                    "DELETE FROM rollout_targets WHERE rollout = $1 AND cluster = ANY($2)", [name, .names(gone)]))
        }
        if rollout.phase.isEnded, !input.rollout.phase.isEnded {
            statements.append(PostgresStatement("DELETE FROM rollout_claims WHERE rollout = $1", [name]))
        }
        if !decision.verdicts.isEmpty {
            statements.append(
                PostgresStatement(
                    """
                    UPDATE rollout_commands c SET decided_at = swell_now(), refusal = v.refusal
                    FROM unnest($1::bigint[], $2::text[]) AS v (id, refusal) WHERE c.id = v.id
                    """,
                    [
                        .int64s(decision.verdicts.map(\.command)),
                        .texts(decision.verdicts.map { Column.text($0.refusal) }),
                    ]))
        }
        if !input.reports.isEmpty, !decision.isHeld {
            statements.append(
                PostgresStatement("DELETE FROM report_inbox WHERE id = ANY($1)", [.int64s(input.reports.map(\.id))]))
        }
        if !decision.proven.isEmpty { statements.append(.upsertProven(decision.proven)) }
        return statements
    }
}

extension PostgresStatement {
    fileprivate static func upsertProven(_ proven: [ProvenRelease]) -> Self {
        Self(
            """
            INSERT INTO proven_releases (cluster, application, digest, version, generation, proven_at)
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[])
            ON CONFLICT (cluster, application, digest) DO UPDATE
            SET version = excluded.version, generation = excluded.generation, proven_at = excluded.proven_at
            """,
            [
                .names(proven.map(\.cluster)), .names(proven.map(\.application)),
                .digests(proven.map(\.release.digest)), .texts(proven.map(\.release.version)),
                .int64s(proven.map(\.generation)), .timestamps(milliseconds: proven.map(\.at.milliseconds)),
            ])
    }
}
