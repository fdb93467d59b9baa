internal import PostgresClient
internal import SwellEngine
internal import SwellModel

/// An audit row to be stored, with its transition as JSON if it is one.
struct AuditRow {
    var event: AuditEvent
    var transition: String?

    init(_ event: AuditEvent, _ transition: String? = nil) {
        self.event = event.bounded
        self.transition = transition
    }
}

extension [PostgresStatement] {
    /// Stores what cursors follow: assignments and audit rows. To be sent last in a transaction.
    ///
    /// The first statement raises the change counter and holds its row until the commit. So numbers become visible in their order:
    /// whoever read up to one has seen all below it. The price is that such transactions commit one after another.
    static func numbered(
        assignments: [Assignment], pauses: [PauseNotice] = [], of application: ApplicationName? = nil, audit: [AuditRow]
    ) throws -> Self {
        let total = assignments.count + audit.count + pauses.count
        guard total > 0 else { return [] }
        var statements = [
            PostgresStatement("UPDATE change_counter SET value = value + $1", [.int(total)])
        ]
        if !assignments.isEmpty { statements.append(try .upsertAssignments(assignments, of: total)) }
        if !audit.isEmpty { statements.append(.insertAudit(audit, before: pauses.count)) }
        if !pauses.isEmpty, let application { statements.append(.notePauses(pauses, of: application)) }
        return statements
    }
}

extension PostgresStatement {
    fileprivate static func upsertAssignments(_ assignments: [Assignment], of total: Int) throws -> Self {
        Self(
            """
            INSERT INTO assignments AS a
                (cluster, application, generation, digest, fallback_digest, assignment, change)
            SELECT n.cluster, n.application, n.generation, n.digest, n.fallback, n.assignment,
                (SELECT value FROM change_counter) - $7 + n.ordinal
            FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::jsonb[]) WITH ORDINALITY
                AS n (cluster, application, generation, digest, fallback, assignment, ordinal)
            ON CONFLICT (cluster, application) DO UPDATE SET generation = excluded.generation,
                digest = excluded.digest, fallback_digest = excluded.fallback_digest,
                assignment = excluded.assignment, change = excluded.change
            WHERE a.generation < excluded.generation
            """,
            [
                .names(assignments.map(\.cluster)), .names(assignments.map(\.application)),
                .int64s(assignments.map(\.generation)), .texts(assignments.map(\.digest?.rawValue)),
                .texts(assignments.map(\.fallback?.digest.rawValue)), try .jsons(encoding: assignments), .int(total),
            ])
    }

    /// Notes on assignments that stand whether their clusters are paused; where one was overtaken, nothing is.
    fileprivate static func notePauses(_ pauses: [PauseNotice], of application: ApplicationName) -> Self {
        Self(
            """
            UPDATE assignments a SET change = (SELECT value FROM change_counter) - $4 + n.ordinal,
                assignment = CASE WHEN n.paused
                    THEN jsonb_set(a.assignment, '{isPaused}', 'true') ELSE a.assignment - 'isPaused' END
            FROM unnest($1::text[], $2::bigint[], $3::boolean[]) WITH ORDINALITY AS n (cluster, generation, paused, ordinal)
            WHERE a.cluster = n.cluster AND a.generation = n.generation AND a.application = $5
            """,
            [
                .names(pauses.map(\.cluster)), .int64s(pauses.map(\.generation)), .bools(pauses.map(\.isPaused)),
                .int(pauses.count), .name(application),
            ])
    }

    /// `others` are numbered after them.
    fileprivate static func insertAudit(_ rows: [AuditRow], before others: Int) -> Self {
        func texts(_ value: (AuditEvent) -> String?) -> PostgresValue {
            .texts(rows.map { Column.text(value($0.event)) })
        }
        return Self(
            """
            INSERT INTO audit_events (id, at, caused_by, what, rollout, application, stage, region, cluster, from_phase,
                to_phase, reason, transition)
            SELECT (SELECT value FROM change_counter) - $13 + n.ordinal, n.at, n.caused_by, n.what, n.rollout,
                n.application, n.stage, n.region, n.cluster, n.from_phase, n.to_phase, n.reason, n.transition
            FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::text[], $9::text[], $10::text[], $11::text[], $12::jsonb[]) WITH ORDINALITY
                AS n (at, caused_by, what, rollout, application, stage, region, cluster, from_phase, to_phase, reason,
                    transition, ordinal)
            """,
            [
                .timestamps(milliseconds: rows.map(\.event.at.milliseconds)), texts(\.by), texts(\.what),
                texts(\.rollout?.rawValue), texts(\.application?.rawValue), texts(\.stage?.rawValue),
                texts(\.region?.rawValue), texts(\.cluster?.rawValue), texts(\.from), texts(\.to), texts(\.reason),
                .jsonbs(rows.map(\.transition)), .int(rows.count + others),
            ])
    }
}

extension PostgresTransaction {
    /// Stores audit rows that are no transitions. The last thing to do in a transaction.
    func record(_ events: [AuditEvent]) async throws {
        guard !events.isEmpty else { return }
        try await pipeline(.numbered(assignments: [], audit: events.map { AuditRow($0) }))
    }
}
