internal import PostgresClient
public import SwellEngine
public import SwellModel

extension PostgresStore {
    /// Two round trips at one moment, which no lock holds up and which holds up nobody.
    public func readDecision(_ rollout: RolloutName, under lease: Lease) async throws(StoreError) -> DecisionReading {
        let statements = DecisionStatements(rollout: rollout, lease: lease)
        return try await readMoment { try await statements.read(in: $0, clusterMemory, isLocked: false).0 }
    }

    /// Two round trips and a commit: all locks and what tells whether the reading stands, then all writes, the change counter last.
    public func commit(
        _ decision: Decision, on reading: DecisionReading, under lease: Lease
    ) async throws(StoreError) -> CommitOutcome {
        let statements = DecisionStatements(rollout: reading.input.rollout.name, lease: lease)
        do throws(StoreError) {
            return try await transact { transaction in
                let present = try statements.present(try await transaction.pipeline(statements.look))
                guard present.bears(decision, on: reading) else { return .stale }
                try await transaction.write(
                    decision, of: reading.input, holding: present.holding, seenFleet: present.fleetVersion)
                return .committed
            }
        } catch  where error.code == .conflict {
            // A cluster was taken, or a generation given out, since it was read. Whether that stands is found under locks.
            return .stale
        }
    }

    /// Three round trips and a commit: all locks and what is said once, the facts of those concerned, then all writes.
    public func decideUnderLocks(
        _ rollout: RolloutName, under lease: Lease, _ decide: @Sendable (DecisionInput) throws(StoreError) -> Decision
    ) async throws(StoreError) -> Decision {
        let statements = DecisionStatements(rollout: rollout, lease: lease)
        return try await transact { transaction in
            let (reading, present) = try await statements.read(in: transaction, clusterMemory, isLocked: true)
            let decision = try decide(reading.input)
            try await transaction.write(
                decision, of: reading.input, holding: present.holding, seenFleet: present.fleetVersion)
            return decision
        }
    }
}

/// What a decision reads, and under which locks.
private struct DecisionStatements {
    let rollout: RolloutName
    let lease: Lease

    /// How the rollout stands, apart from what is thought about.
    struct Present {
        var version: ReadVersion
        var holding: Set<ClusterName>
        var fleetVersion: Int64
        var headroom: Int?
        var now: Timestamp

        /// Whether what was read still stands. Reports that came since wait for the next decision, and presence that was noted since changes
        /// nothing that may not be a moment old.
        func bears(_ decision: Decision, on reading: DecisionReading) -> Bool {
            let age = now - reading.input.now
            return version == reading.version && age <= Bounds.readingAge && age >= .zero - Bounds.readingAge
                && DecisionRules.fits(decision, on: reading.input, headroom: headroom)
        }
    }

    // MARK: Statements

    private var lock: PostgresStatement { PostgresStatement("LOCK TABLE fleet_guard IN ROW SHARE MODE") }
    private var limitLock: PostgresStatement {
        PostgresStatement("SELECT 1 FROM fleet_limit WHERE max_in_flight IS NOT NULL FOR UPDATE")
    }

    private func head(_ columns: String, isLocked: Bool) -> [PostgresStatement] {
        [
            PostgresStatement(
                "SELECT revision::text\(columns) FROM rollouts WHERE name = $1\(isLocked ? " FOR UPDATE" : "")",
                [.name(rollout)]),
            PostgresStatement(
                """
                SELECT 1 FROM leases WHERE name = $1 AND holder = $2 AND epoch = $3 AND expires_at > clock_timestamp()
                \(isLocked ? "FOR SHARE" : "")
                """, [.text(lease.name), .text(lease.holder), .int64(lease.epoch)]),
        ]
    }

    private var claims: PostgresStatement {
        PostgresStatement("SELECT cluster FROM rollout_claims WHERE rollout = $1", [.name(rollout)])
    }

    /// The locks, and what tells whether a reading stands. Locks come first: what is read after them was committed before, and stays.
    var look: [PostgresStatement] {
        [lock] + head("", isLocked: true) + [
            limitLock,
            PostgresStatement(
                "SELECT id FROM rollout_commands WHERE rollout = $1 AND decided_at IS NULL ORDER BY id",
                [.name(rollout)]),
            claims, FactReading.headroom,
            PostgresStatement("SELECT version, revision::text, swell_now() FROM fleet_guard"),
        ]
    }

    func present(_ results: [PostgresResult]) throws -> Present {
        guard let row = results[1].first else { throw StoreError.noRollout(rollout) }
        guard !results[2].isEmpty else { throw StoreError.leaseLost(lease) }
        let guarded = try results[7].single()
        return Present(
            version: ReadVersion(
                rollout: try row.decode(at: 0), fleet: try guarded.decode(at: 1),
                commands: try results[4].map { try $0.decode(at: 0) }),
            holding: try results[5].names(), fleetVersion: try guarded.decode(at: 0),
            headroom: try FactReading.headroom(results[6]), now: try guarded.time(2))
    }

    private var facts: FactReading { FactReading(subject: .rollout(rollout)) }

    private func reading(isLocked: Bool) -> [PostgresStatement] {
        let locks = isLocked ? [lock, limitLock] : []
        return locks.prefix(1) + head(", header, wake_at", isLocked: isLocked) + locks.dropFirst() + [
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
            claims,
        ] + facts.statements
    }

    // MARK: Reading

    func read(
        in transaction: PostgresTransaction, _ memory: ClusterMemory, isLocked: Bool
    ) async throws -> (DecisionReading, Present) {
        var results = try await transaction.pipeline(reading(isLocked: isLocked))[...]
        if isLocked {
            // What locks alone gives nothing.
            results.remove(at: 3)
            results.removeFirst()
        }
        let tables = Array(results)
        guard let head = tables[0].first else { throw StoreError.noRollout(rollout) }
        guard !tables[1].isEmpty else { throw StoreError.leaseLost(lease) }
        let state = try Rollout(header: head, at: 1, targets: tables[2], memory)
        try state.checkStoredShape()
        let commands = try tables[3].map { row in
            CommandRecord(
                id: try row.decode(at: 0), rollout: rollout, command: try row.json(1), by: try row.decode(at: 2),
                at: try row.time(3))
        }
        let reports = try tables[4].map { row in
            ReportRecord(
                id: try row.decode(at: 0), cluster: try row.name(1), report: try row.json(2),
                receivedAt: try row.time(3), isAfterGap: try row.decode(at: 4))
        }
        var unread: [ClusterName: Int] = [:]
        for (report, row) in zip(reports, tables[4]) {
            unread[report.cluster] = (try unread[report.cluster] ?? row.decode(at: 5)) - 1
        }
        let outline = try facts.outline(from: tables[6..<(6 + FactReading.count)])
        let (snapshot, end) = try await transaction.snapshot(
            .around(state), of: state.application, in: outline, memory)
        // Without locks all is as of one moment, however long the reading takes: later nobody has been silent for longer.
        let now = isLocked ? end : outline.now
        let input = DecisionInput(
            rollout: state, commands: commands, reports: reports, unread: Set(unread.filter { $0.value > 0 }.keys),
            snapshot: snapshot, now: now, epoch: lease.epoch, dueAt: try head.timeIfAny(2))
        let version = ReadVersion(
            rollout: try head.decode(at: 0), fleet: outline.revision, commands: commands.map(\.id))
        let present = Present(
            version: version, holding: try tables[5].names(), fleetVersion: outline.fleetVersion,
            headroom: snapshot.fleetHeadroom, now: now)
        return (DecisionReading(input, version: version), present)
    }
}

extension PostgresResult {
    fileprivate func names() throws -> Set<ClusterName> { Set(try map { try $0.name(0, of: ClusterName.self) }) }
}

extension PostgresTransaction {
    /// Stores a decision, in one round trip beyond that for clusters which it gains.
    fileprivate func write(
        _ decision: Decision, of input: DecisionInput, holding: Set<ClusterName>, seenFleet: Int64
    ) async throws {
        let gained = DecisionRules.gains(of: decision, from: input.rollout, holding: holding)
        try DecisionRules.check(decision, of: input, holding: holding.union(gained))
        try await claim(gained.sorted(), for: decision.rollout, from: [])
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
            throw StoreError.generationReached(input.rollout.name)
        }
    }

    private func stateStatements(_ decision: Decision, of input: DecisionInput, seenFleet: Int64) throws
        -> [PostgresStatement]
    {
        let rollout = decision.rollout
        let name = PostgresValue.name(rollout.name)
        var statements = [
            try PostgresStatement(
                """
                UPDATE rollouts SET header = $2, phase = $3, is_ended = $4, wake_at = $5, seen_fleet = $6, counts = $7,
                    revision = gen_random_uuid()
                WHERE name = $1
                """,
                [
                    name, try .json(encoding: rollout.withoutTargets), .text(rollout.phase.rawValue),
                    .bool(rollout.phase.isEnded), .time(decision.wakeAt), .int64(seenFleet),
                    .json(encoding: rollout.standings),
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
