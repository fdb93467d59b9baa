internal import PostgresClient
internal import SwellModel

extension PostgresStore: MaintenanceStore {
    /// How many months ahead the audit log has partitions.
    private static let monthsAhead: PostgresValue = .int32(2)

    public func maintain(_ retention: Retention) async throws(StoreError) -> MaintenanceOutcome {
        var outcome = MaintenanceOutcome()
        outcome.auditRows = try await transact { try await $0.maintainAudit(retention, months: Self.monthsAhead) }
        try await transact { transaction in
            try await transaction.query("DELETE FROM previews WHERE expires_at <= clock_timestamp()")
        }
        (outcome.certificates, outcome.tokens) = try await transact { try await $0.forgetExpiredCredentials() }
        (outcome.releases, outcome.documents) = try await transact { try await $0.pruneReleases(retention) }
        return outcome
    }
}

extension PostgresTransaction {
    /// The key of the advisory lock that the audit log is maintained under: "audit" in ASCII.
    fileprivate static var maintenanceLock: PostgresValue { 0x61_7564_6974 }

    /// Forgets certificates and join tokens that expired long ago.
    fileprivate func forgetExpiredCredentials() async throws -> (certificates: Int, tokens: Int) {
        let age: [PostgresValue] = [.int64(Bounds.expiredCredentials.milliseconds)]
        // Those from before moments were noted have the moment of their migration.
        let certificates = try await query(
            """
            DELETE FROM certificates
            WHERE coalesce(expires_at, issued_at) <= swell_now() - $1::bigint * interval '1 millisecond'
            """, age)
        let tokens = try await query(
            "DELETE FROM join_tokens WHERE expires_at <= swell_now() - $1::bigint * interval '1 millisecond'", age)
        return (certificates.affectedRows, tokens.affectedRows)
    }

    /// Prepares partitions, and drops those that are wholly older than the retention and tell of no active rollout.
    fileprivate func maintainAudit(_ retention: Retention, months: PostgresValue) async throws -> Int {
        // Replicas maintain one after another; the lock lives as long as the transaction.
        try await query("SELECT pg_advisory_xact_lock($1)", [Self.maintenanceLock])
        try await query("SELECT swell_prepare_audit_partitions($1)", [months])
        let candidates = try await query(
            """
            SELECT child.relname::text FROM pg_inherits i JOIN pg_class child ON child.oid = i.inhrelid
            WHERE i.inhparent = 'audit_events'::regclass AND child.relname ~ '^audit_events_[0-9]{6}$'
                AND (to_date(right(child.relname, 6), 'YYYYMM') + interval '1 month') AT TIME ZONE 'UTC'
                    <= swell_now() - make_interval(secs => $1::bigint / 1000.0)
            """, [.int64(retention.audit.milliseconds)]
        ).scalars(String.self)
        var removed = 0
        for partition in candidates {
            let rows = try await query("SELECT swell_drop_audit_partition($1)", [.text(partition)])
            removed += try rows.single().decode(Int?.self, at: 0) ?? 0
        }
        return removed
    }

    /// Removes releases beyond the newest that nothing refers to, then documents that are in no release.
    fileprivate func pruneReleases(_ retention: Retention) async throws -> (releases: Int, documents: Int) {
        // Decisions and new releases wait: what is referred to must not change between looking and removing.
        try await pipeline([
            PostgresStatement("LOCK TABLE fleet_guard IN EXCLUSIVE MODE"),
            PostgresStatement("LOCK TABLE releases, rollouts IN SHARE ROW EXCLUSIVE MODE"),
            PostgresStatement("LOCK TABLE bundle_documents, documents IN SHARE ROW EXCLUSIVE MODE"),
            PostgresStatement(
                """
                DELETE FROM proven_releases p USING (
                    SELECT cluster, application, digest, row_number() OVER (
                        PARTITION BY cluster, application ORDER BY generation DESC, proven_at DESC) AS place
                    FROM proven_releases) ranked
                WHERE ranked.place > $1 AND p.cluster = ranked.cluster AND p.application = ranked.application
                    AND p.digest = ranked.digest
                """, [.int(Bounds.provenReleases)]),
        ])
        let results = try await pipeline([
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
                DELETE FROM releases USING ranked
                WHERE releases.id = ranked.id AND ranked.place > $1
                    AND NOT EXISTS (SELECT 1 FROM referred WHERE referred.digest = ranked.digest)
                """, [.int(max(0, retention.releases))]),
            PostgresStatement(
                """
                DELETE FROM bundle_documents b
                WHERE NOT EXISTS (SELECT 1 FROM releases r WHERE r.digest = b.bundle)
                """),
            PostgresStatement(
                """
                DELETE FROM documents d
                WHERE NOT EXISTS (SELECT 1 FROM bundle_documents b WHERE b.document = d.digest)
                """),
        ])
        return (results[0].affectedRows, results[2].affectedRows)
    }
}
