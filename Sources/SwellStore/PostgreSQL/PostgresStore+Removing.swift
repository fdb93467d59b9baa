internal import PostgresClient
internal import SwellModel

extension Array {
    fileprivate func chunks(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min(count, $0 + size)]) }
    }
}

extension PostgresStore {
    // MARK: Rollouts

    /// Removes ended rollouts that are old and many, one in a transaction: what a rollout has of targets may be ten thousand rows.
    func removeRollouts(_ retention: Retention) async throws(StoreError) -> MaintenanceOutcome {
        let names = try await read(
            """
            WITH present AS (
                SELECT application, digest FROM assignments WHERE digest IS NOT NULL
                UNION SELECT application, fallback_digest FROM assignments WHERE fallback_digest IS NOT NULL
                UNION SELECT application, digest FROM proven_releases
            ), needed AS (
                SELECT assignment->>'rollout' AS name FROM assignments
                -- What a cluster runs, or may go back to, was brought by the newest rollout of that release: after a way back its
                -- assignment names another one.
                UNION SELECT (array_agg(r.name ORDER BY r.id DESC))[1] FROM rollouts r JOIN present p
                    ON p.application = r.application AND p.digest = r.header->'release'->>'digest'
                    WHERE r.header->'kind' ? 'release'
                    GROUP BY r.application, p.digest, r.header->'release'->>'version'
                UNION SELECT header->'kind'->'undo'->>'of' FROM rollouts
                UNION SELECT header->'kind'->'removal'->>'of' FROM rollouts
            ), ranked AS (
                SELECT name, id, is_ended, header, row_number() OVER (PARTITION BY application ORDER BY id DESC) AS place
                FROM rollouts
            )
            SELECT r.name FROM ranked r
            WHERE r.is_ended AND r.place > $1
                AND (r.header->>'endedAt')::timestamptz <= swell_now() - $2::bigint * interval '1 millisecond'
                AND NOT EXISTS (SELECT 1 FROM needed n WHERE n.name = r.name)
            ORDER BY r.id LIMIT $3
            """,
            [
                .int(max(0, retention.rollouts)), .int64(retention.rolloutAge.milliseconds),
                .int(Bounds.maintainedRows),
            ]
        ) { try $0.scalars(String.self) }
        var outcome = MaintenanceOutcome()
        for name in names { outcome.rollouts += try await transact { try await $0.removeRollout(name) } }
        return outcome
    }

    // MARK: Releases

    /// Removes releases beyond the newest that nothing refers to, with the documents that are in no other.
    func removeReleases(_ retention: Retention) async throws(StoreError) -> MaintenanceOutcome {
        let (cursor, found) = try await read([
            PostgresStatement("SELECT value FROM change_counter"),
            PostgresStatement(
                """
                WITH referred AS (
                    SELECT digest FROM assignments WHERE digest IS NOT NULL
                    UNION SELECT fallback_digest FROM assignments WHERE fallback_digest IS NOT NULL
                    UNION SELECT digest FROM proven_releases
                    UNION SELECT header->'release'->>'digest' FROM rollouts WHERE NOT is_ended
                    UNION SELECT state->'assigned'->>'digest' FROM rollout_targets t
                        JOIN rollouts r ON r.name = t.rollout WHERE NOT r.is_ended AND state ? 'assigned'
                    UNION SELECT state->'previous'->>'digest' FROM rollout_targets t
                        JOIN rollouts r ON r.name = t.rollout WHERE NOT r.is_ended AND state ? 'previous'
                ), ranked AS (
                    SELECT id, digest, row_number() OVER (PARTITION BY application ORDER BY id DESC) AS place
                    FROM releases
                )
                SELECT id FROM ranked
                WHERE place > $1 AND NOT EXISTS (SELECT 1 FROM referred WHERE referred.digest = ranked.digest)
                ORDER BY id LIMIT $2
                """, [.int(max(0, retention.releases)), .int(Bounds.maintainedRows)]),
        ]) { (try $0[0].scalar(Int64.self), try $0[1].scalars(Int64.self)) }
        var outcome = MaintenanceOutcome()
        for ids in found.chunks(of: Bounds.removedAtOnce) {
            outcome += try await transact { try await $0.removeReleases(ids, lookedAt: cursor) }
        }
        return outcome
    }

    /// Removes documents that no release has, for what was never finished.
    func removeDocuments() async throws(StoreError) -> MaintenanceOutcome {
        let bundles = try await read(
            """
            SELECT DISTINCT b.bundle FROM bundle_documents b
            WHERE NOT EXISTS (SELECT 1 FROM releases r WHERE r.digest = b.bundle) LIMIT $1
            """, [.int(Bounds.maintainedRows)]
        ) { try $0.scalars(String.self) }
        for some in bundles.chunks(of: Bounds.removedAtOnce) {
            try await transact { try await $0.removeBundles(some) }
        }
        let documents = try await read(
            """
            SELECT d.digest FROM documents d
            WHERE NOT EXISTS (SELECT 1 FROM bundle_documents b WHERE b.document = d.digest) LIMIT $1
            """, [.int(Bounds.maintainedRows)]
        ) { try $0.scalars(String.self) }
        var outcome = MaintenanceOutcome()
        for some in documents.chunks(of: Bounds.removedAtOnce) {
            outcome.documents += try await transact { transaction in
                try await transaction.lockContent()
                return try await transaction.removeDocuments(some)
            }
        }
        return outcome
    }
}

extension PostgresTransaction {
    /// Returns whether it was there and nothing needs it: 1 or 0.
    fileprivate func removeRollout(_ name: String) async throws -> Int {
        let locked = try await query(
            "SELECT 1 FROM rollouts WHERE name = $1 AND is_ended FOR UPDATE", [.text(name)])
        guard !locked.isEmpty else { return 0 }
        // With its row locked, nobody orders or decides anything about it.
        let uses = try await query(
            """
            SELECT EXISTS (SELECT 1 FROM rollout_commands WHERE rollout = $1 AND decided_at IS NULL)
                OR EXISTS (SELECT 1 FROM rollout_claims WHERE rollout = $1)
                OR EXISTS (SELECT 1 FROM report_inbox WHERE rollout = $1)
            """, [.text(name)]
        ).scalar(Bool.self)
        guard !uses else { return 0 }
        let results = try await pipeline([
            PostgresStatement("DELETE FROM rollout_targets WHERE rollout = $1", [.text(name)]),
            PostgresStatement("DELETE FROM rollout_commands WHERE rollout = $1", [.text(name)]),
            PostgresStatement("DELETE FROM rollouts WHERE name = $1", [.text(name)]),
        ])
        return results[2].affectedRows
    }

    /// Of those that were found at this place of the change counter, removes what nothing has come to refer to since. What was referred to then
    /// is in none of them, and a new reference comes with an assignment that changed since, or with a rollout that is active.
    fileprivate func removeReleases(_ ids: [Int64], lookedAt cursor: Int64) async throws -> MaintenanceOutcome {
        // Decisions and new releases wait, or this gives up and is tried again: who waits for a lock has all behind it wait.
        try await pipeline([
            PostgresStatement("SET LOCAL lock_timeout = '1s'"),
            PostgresStatement("LOCK TABLE fleet_guard IN EXCLUSIVE MODE"),
            PostgresStatement("LOCK TABLE releases, rollouts IN SHARE ROW EXCLUSIVE MODE"),
            PostgresStatement("LOCK TABLE bundle_documents, documents IN SHARE ROW EXCLUSIVE MODE"),
        ])
        let removed = try await query(
            """
            WITH referred AS (
                SELECT digest FROM assignments WHERE change > $2
                UNION SELECT fallback_digest FROM assignments WHERE change > $2
                UNION SELECT header->'release'->>'digest' FROM rollouts WHERE NOT is_ended
            )
            DELETE FROM releases r
            WHERE r.id = ANY($1) AND NOT EXISTS (SELECT 1 FROM referred f WHERE f.digest = r.digest) RETURNING r.digest
            """, [.int64s(ids), .int64(cursor)]
        ).scalars(String.self)
        let documents = try await forgetBundles(Array(Set(removed)))
        return MaintenanceOutcome(releases: removed.count, documents: try await removeDocuments(documents))
    }

    fileprivate func lockContent() async throws {
        try await pipeline([
            PostgresStatement("SET LOCAL lock_timeout = '1s'"),
            PostgresStatement("LOCK TABLE releases IN SHARE ROW EXCLUSIVE MODE"),
            PostgresStatement("LOCK TABLE bundle_documents, documents IN SHARE ROW EXCLUSIVE MODE"),
        ])
    }

    fileprivate func removeBundles(_ bundles: [String]) async throws {
        try await lockContent()
        _ = try await forgetBundles(bundles)
    }

    /// Forgets what bundles consist of that are in no release; returns the documents concerned.
    private func forgetBundles(_ bundles: [String]) async throws -> [String] {
        Array(
            Set(
                try await query(
                    """
                    DELETE FROM bundle_documents b
                    WHERE b.bundle = ANY($1) AND NOT EXISTS (SELECT 1 FROM releases r WHERE r.digest = b.bundle)
                    RETURNING b.document
                    """, [.texts(bundles)]
                ).scalars(String.self)))
    }

    /// Removes those of these documents that are in no bundle; returns how many.
    fileprivate func removeDocuments(_ digests: [String]) async throws -> Int {
        try await query(
            """
            DELETE FROM documents d
            WHERE d.digest = ANY($1) AND NOT EXISTS (SELECT 1 FROM bundle_documents b WHERE b.document = d.digest)
            """, [.texts(digests)]
        ).affectedRows
    }
}
