internal import PostgresClient
public import SwellEngine
public import SwellModel

extension PostgresStore: RolloutStore {
    public func snapshot(for application: ApplicationName) async throws(StoreError) -> FleetSnapshot {
        try await snapshot(.selected, of: application, isKnown: true)
    }

    public func assignedSnapshot(for application: ApplicationName) async throws(StoreError) -> FleetSnapshot {
        try await snapshot(.selectedOrAssigned, of: application, isKnown: true)
    }

    public func snapshot(around rollout: Rollout) async throws(StoreError) -> FleetSnapshot {
        try await snapshot(.around(rollout), of: rollout.application, isKnown: false)
    }

    /// - Parameter isKnown: whether there has to be such an application.
    private func snapshot(
        _ scope: FactReading.Scope, of application: ApplicationName, isKnown: Bool
    ) async throws(StoreError) -> FleetSnapshot {
        let reading = FactReading(subject: .application(application))
        return try await readMoment { transaction in
            let outline = try reading.outline(from: try await transaction.pipeline(reading.statements)[...])
            guard !isKnown || outline.application != nil else { throw StoreError.noApplication(application) }
            return try await transaction.snapshot(scope, of: application, in: outline, clusterMemory).0
        }
    }

    public func createRollout(_ rollout: Rollout, superseding: [RolloutName], by actor: String)
        async throws(StoreError)
    {
        let ending = Array(Set(superseding)).sorted()
        try await transact { transaction in
            let superseded = try await lockSuperseded(ending, transaction)
            try await insert(rollout, transaction)
            if DecisionRules.claimsAtOnce(rollout, superseding: ending) {
                try await transaction.claim(rollout.targets.keys.sorted(), for: rollout, from: ending)
            }
            for name in superseded {
                try await transaction.insertCommand(.supersede(by: rollout.name), to: name, by: actor)
            }
            try await transaction.record([.created(rollout, by: actor, at: transaction.now())])
        }
    }

    public func createRollouts(_ rollouts: [Rollout], by actor: String) async throws(StoreError) {
        guard !rollouts.isEmpty else { return }
        try await transact { transaction in
            for rollout in rollouts {
                try await insert(rollout, transaction)
                if DecisionRules.claimsAtOnce(rollout, superseding: []) {
                    try await transaction.claim(rollout.targets.keys.sorted(), for: rollout, from: [])
                }
            }
            let now = try await transaction.now()
            try await transaction.record(rollouts.map { .created($0, by: actor, at: now) })
        }
    }

    /// Locks the rollouts to be superseded and returns those that are active.
    private func lockSuperseded(_ names: [RolloutName], _ transaction: PostgresTransaction) async throws
        -> [RolloutName]
    {
        guard !names.isEmpty else { return [] }
        let rows = try await transaction.query(
            "SELECT name, is_ended FROM rollouts WHERE name = ANY($1) ORDER BY name FOR UPDATE", [.names(names)])
        var active: [RolloutName] = []
        var found: Set<RolloutName> = []
        for row in rows {
            let name = try row.name(0, of: RolloutName.self)
            found.insert(name)
            if try !row.decode(Bool.self, at: 1) { active.append(name) }
        }
        if let missing = names.first(where: { !found.contains($0) }) { throw StoreError.noRollout(missing) }
        return active
    }

    private func insert(_ rollout: Rollout, _ transaction: PostgresTransaction) async throws {
        // One that was removed leaves its audit rows, which must not be taken for another's.
        let inserted = try await transaction.query(
            """
            INSERT INTO rollouts (name, application, phase, is_ended, header, plan, wake_at, seen_fleet)
            SELECT $1::text, $2, $3, $4, $5, $6, swell_now(), -1
            WHERE NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.rollout = $1::text) ON CONFLICT (name) DO NOTHING
            """,
            [
                .name(rollout.name), .name(rollout.application), .text(rollout.phase.rawValue),
                .bool(rollout.phase.isEnded), .json(encoding: rollout.withoutTargets), .json(encoding: rollout),
            ])
        guard inserted.affectedRows == 1 else { throw StoreError.nameTaken(rollout.name) }
        try await transaction.pipeline([
            try .upsertTargets(rollout.targets.values.sorted { $0.cluster < $1.cluster }, of: rollout.name)
        ])
    }

    public func rollout(_ name: RolloutName) async throws(StoreError) -> Rollout? {
        // One statement, so that header and targets are of one moment.
        try await read(
            """
            SELECT r.header, t.state FROM rollouts r LEFT JOIN rollout_targets t ON t.rollout = r.name WHERE r.name = $1
            """, [.name(name)]
        ) { rows in
            guard let first = rows.first else { return nil }
            var rollout: Rollout = try first.json(0)
            for row in rows {
                guard let target: TargetState = try row.jsonIfAny(1) else { continue }
                rollout.targets[target.cluster] = target
            }
            try rollout.checkStoredShape()
            return rollout
        }
    }

    public func rollouts(of application: ApplicationName?, limit: Int) async throws(StoreError) -> [RolloutSummary] {
        try await rolloutListing(of: application, limit: limit).whole("rollout")
    }

    public func rolloutListing(
        of application: ApplicationName?, limit: Int
    ) async throws(StoreError) -> Listing<RolloutSummary> {
        try await read(
            """
            SELECT r.header, (
                SELECT jsonb_object_agg(phase, number) FROM (
                    SELECT phase, count(*) AS number FROM rollout_targets WHERE rollout = r.name GROUP BY phase) counts),
                r.name,
                CASE WHEN r.header->'kind' ? 'undo' THEN (
                    SELECT jsonb_agg(DISTINCT state->'previous'->>'version') FROM rollout_targets
                    WHERE rollout = r.name AND state->'previous'->>'version' IS NOT NULL) END
            FROM rollouts r WHERE $1::text IS NULL OR r.application = $1 ORDER BY r.id DESC LIMIT $2
            """, [.name(application), .int(limit)]
        ) { rows in
            try rows.listing(named: 2) { row in
                let header: Rollout = try row.json(0)
                return RolloutSummary(
                    name: header.name, application: header.application, kind: header.kind,
                    version: header.release.version, brings: try row.jsonIfAny(3) ?? [], phase: header.phase,
                    reason: header.reason,
                    createdBy: header.createdBy,
                    createdAt: header.createdAt, endedAt: header.endedAt, counts: try row.jsonIfAny(1) ?? [:])
            }
        }
    }

    public func activeRollouts(on clusters: [ClusterName]) async throws(StoreError) -> [ClusterName: [RolloutName]] {
        try await read(
            """
            SELECT DISTINCT cluster, rollout COLLATE "C" FROM rollout_claims WHERE cluster = ANY($1) ORDER BY 1, 2
            """, [.names(clusters)]
        ) { rows in
            try rows.reduce(into: [:]) { holders, row in
                holders[try row.name(0), default: []].append(try row.name(1, of: RolloutName.self))
            }
        }
    }

    public func plannedRegions() async throws(StoreError) -> [ClusterName: [RegionName]] {
        // Regions as documents have them are compared where they are decoded: one that cannot be read hides no other.
        try await read(
            """
            SELECT DISTINCT t.cluster, t.state->>'region', c.document->>'region'
            FROM rollouts r JOIN rollout_targets t ON t.rollout = r.name JOIN clusters c ON c.name = t.cluster
            WHERE NOT r.is_ended AND t.state->>'region' IS DISTINCT FROM c.document->>'region' ORDER BY 1, 2
            """
        ) { rows in
            try rows.reduce(into: [:]) { regions, row in
                guard let region = try row.nameIfAny(1, of: RegionName.self), try row.decode(String?.self, at: 2) != nil
                else { return }
                regions[try row.name(0), default: []].append(region)
            }
        }
    }

    public func dueRollouts(for holder: String?, limit: Int) async throws(StoreError) -> DueRollouts {
        // From one rollout's reports to the next one's by the index: many may wait for one. Of the ended ones, of which there are ever more, none
        // is read but those that heard something.
        try await read(
            """
            WITH RECURSIVE moment AS MATERIALIZED (SELECT swell_now() AS now),
            reported AS (
                (SELECT rollout FROM report_inbox ORDER BY rollout LIMIT 1)
                UNION ALL
                SELECT (SELECT i.rollout FROM report_inbox i WHERE i.rollout > p.rollout ORDER BY i.rollout LIMIT 1)
                FROM reported p WHERE p.rollout IS NOT NULL
            ),
            ordered AS (SELECT DISTINCT rollout FROM rollout_commands WHERE decided_at IS NULL),
            foreign_leases AS (
                SELECT l.name FROM leases l, moment m WHERE $2::text IS NOT NULL AND l.holder <> $2 AND l.expires_at > m.now
            ),
            due AS (
                SELECT r.name, r.wake_at, r.id, CASE
                    WHEN o.rollout IS NOT NULL OR r.phase = 'scheduled' THEN 0
                    WHEN r.phase = 'rollingBack' OR r.header->'kind' ? 'undo' THEN 1
                    WHEN h.rollout IS NOT NULL OR r.seen_fleet < (SELECT version FROM fleet_guard) THEN 2
                    ELSE 3 END AS urgency
                FROM (
                    SELECT a.name FROM rollouts a, moment m
                    WHERE NOT a.is_ended AND (
                        a.wake_at <= m.now OR a.wake_at > m.now + interval '10 minutes'
                        OR a.seen_fleet < (SELECT version FROM fleet_guard))
                    UNION SELECT rollout FROM ordered
                    UNION SELECT rollout FROM reported WHERE rollout IS NOT NULL
                ) AS candidates
                JOIN rollouts r USING (name)
                LEFT JOIN ordered o ON o.rollout = r.name
                LEFT JOIN reported h ON h.rollout = r.name
                WHERE 'rollout/' || r.name NOT IN (SELECT name FROM foreign_leases)
                ORDER BY 4, r.wake_at NULLS LAST, r.id LIMIT $1
            )
            SELECT m.now, (
                    SELECT min(a.wake_at) FROM rollouts a
                    WHERE NOT a.is_ended AND a.wake_at > m.now
                        AND 'rollout/' || a.name NOT IN (SELECT name FROM foreign_leases)
                ), due.name, due.urgency
            FROM moment m LEFT JOIN due ON true ORDER BY due.urgency, due.wake_at NULLS LAST, due.id
            """, [.int(limit), .text(holder)]
        ) { rows in
            // Without any that is due there is one row, which names none.
            guard let first = rows.first else {
                throw StoreError(code: .internalError, message: "the database told no time")
            }
            let due = try rows.compactMap { row -> DueRollout? in
                guard let name = try row.nameIfAny(2, of: RolloutName.self) else { return nil }
                let urgency = DueRollout.Urgency(rawValue: try row.decode(Int.self, at: 3))
                return DueRollout(name, urgency ?? .poll)
            }
            return DueRollouts(rollouts: due, nextWakeUp: try first.timeIfAny(1), now: try first.time(0))
        }
    }

    public func submit(
        _ command: RolloutCommand, to name: RolloutName, by actor: String, check: @Sendable (Rollout) -> String?
    ) async throws(StoreError) -> CommandRecord {
        try await transact { transaction in
            let results = try await transaction.pipeline([
                PostgresStatement("SELECT header FROM rollouts WHERE name = $1 FOR UPDATE", [.name(name)]),
                PostgresStatement("SELECT state FROM rollout_targets WHERE rollout = $1", [.name(name)]),
            ])
            guard let rollout = try Rollout(header: results[0].first, targets: results[1], clusterMemory) else {
                throw StoreError.noRollout(name)
            }
            try rollout.checkStoredShape()
            if let refusal = check(rollout) { throw StoreError(code: .refused, message: refusal) }
            return try await transaction.insertCommand(command, to: name, by: actor)
        }
    }

    public func verdict(of command: Int64) async throws(StoreError) -> CommandVerdict? {
        try await read(
            "SELECT decided_at IS NOT NULL, refusal FROM rollout_commands WHERE id = $1", [.int64(command)]
        ) { rows in
            guard let row = rows.first else {
                throw StoreError(code: .notFound, message: "there is no command \(command)")
            }
            let (isDecided, refusal) = try row.decode(Bool.self, String?.self)
            return isDecided ? CommandVerdict(command: command, refusal: refusal) : nil
        }
    }
}

extension Rollout {
    /// Refuses a row that does not hold together, before anything follows from it.
    func checkStoredShape() throws(StoreError) {
        do { try checkShape() } catch { throw StoreError(code: .corrupt, message: "\(error)") }
    }

    /// The rollout without its targets, as its own column holds it: they have rows of their own.
    var withoutTargets: Rollout { Rollout(header: header, stages: stages, targets: [:]) }

    /// A rollout from its header's row, if there is one, and its targets' rows.
    init?(header: PostgresRow?, targets: PostgresResult, _ memory: ClusterMemory) throws {
        guard let header else { return nil }
        self = try header.json(0)
        for row in targets {
            let target = try row.json(0, memory.targets)
            self.targets[target.cluster] = target
        }
    }
}

extension PostgresStatement {
    /// The column `phase` holds the word that lists count; the state says the rest.
    static func upsertTargets(_ targets: [TargetState], of rollout: RolloutName) throws -> Self {
        Self(
            """
            INSERT INTO rollout_targets (rollout, cluster, phase, is_in_flight, state)
            SELECT $1, * FROM unnest($2::text[], $3::text[], $4::boolean[], $5::jsonb[])
            ON CONFLICT (rollout, cluster) DO UPDATE
            SET phase = excluded.phase, is_in_flight = excluded.is_in_flight, state = excluded.state
            """,
            [
                .name(rollout), .names(targets.map(\.cluster)), .texts(targets.map(\.standing)),
                .bools(targets.map(\.isInFlight)),
                try .jsons(encoding: targets),
            ])
    }
}

extension PostgresTransaction {
    /// Claims clusters for a rollout, taking over what `former` ones hold; `conflict` where another holds one.
    func claim(_ clusters: [ClusterName], for rollout: Rollout, from former: [RolloutName]) async throws {
        guard !clusters.isEmpty else { return }
        let claimed = try await query(
            """
            INSERT INTO rollout_claims AS k (cluster, application, rollout) SELECT unnest($1::text[]), $2, $3
            ON CONFLICT (cluster, application) DO UPDATE SET rollout = excluded.rollout WHERE k.rollout = ANY($4)
            RETURNING k.cluster
            """, [.names(clusters), .name(rollout.application), .name(rollout.name), .names(former)])
        let gained = Set(try claimed.map { try $0.name(0, of: ClusterName.self) })
        guard let missing = clusters.first(where: { !gained.contains($0) }) else { return }
        let holder: RolloutName = try await query(
            "SELECT rollout FROM rollout_claims WHERE cluster = $1 AND application = $2",
            [.name(missing), .name(rollout.application)]
        ).single().name(0)
        throw StoreError.held(missing, rollout.application, by: holder)
    }

    @discardableResult
    func insertCommand(_ command: RolloutCommand, to rollout: RolloutName, by actor: String) async throws
        -> CommandRecord
    {
        let row = try await query(
            """
            INSERT INTO rollout_commands (rollout, command, ordered_by, ordered_at) VALUES ($1, $2, $3, swell_now())
            RETURNING id, ordered_at
            """, [.name(rollout), .json(encoding: command), .text(actor)]
        ).single()
        return CommandRecord(
            id: try row.decode(Int64.self, at: 0), rollout: rollout, command: command, by: actor, at: try row.time(1))
    }
}
