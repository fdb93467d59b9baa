internal import PostgresClient
internal import SwellModel

// Nothing here holds up decisions for long: what may go is looked for without a lock, and removed in small transactions that look again at what
// can have changed. Releases need decisions to wait for as long as it takes to remove a few, and the audit log's months for as long as it takes to
// add or drop a table. Whoever waits for a lock has all behind it wait: so each of these gives up after a second, and is tried again.
extension PostgresStore: MaintenanceStore {
    /// How many months ahead the audit log has partitions.
    private static let monthsAhead: PostgresValue = .int32(2)

    public func maintain(
        _ part: MaintenancePart, _ retention: Retention
    ) async throws(StoreError) -> MaintenanceOutcome {
        switch part {
        case .auditPartitions:
            try await transact { transaction in
                try await transaction.lockAudit()
                try await transaction.query("SELECT swell_prepare_audit_partitions($1)", [Self.monthsAhead])
            }
            return MaintenanceOutcome()
        case .previews:
            try await transact { transaction in
                try await transaction.query("DELETE FROM previews WHERE expires_at <= clock_timestamp()")
            }
            return MaintenanceOutcome()
        case .credentials: return try await transact { try await $0.forgetExpiredCredentials() }
        case .provenReleases: return try await forgetProvenReleases()
        case .departed: return try await forgetDeparted(after: retention.departed)
        case .rollouts: return try await removeRollouts(retention)
        case .releases: return try await removeReleases(retention)
        case .documents: return try await removeDocuments()
        case .auditRows: return try await dropAuditMonths(retention)
        }
    }

    /// Drops the months that are wholly older than the retention and tell of no active rollout, each for itself.
    private func dropAuditMonths(_ retention: Retention) async throws(StoreError) -> MaintenanceOutcome {
        let months = try await read(
            """
            SELECT child.relname::text FROM pg_inherits i JOIN pg_class child ON child.oid = i.inhrelid
            WHERE i.inhparent = 'audit_events'::regclass AND child.relname ~ '^audit_events_[0-9]{6}$'
                AND (to_date(right(child.relname, 6), 'YYYYMM') + interval '1 month') AT TIME ZONE 'UTC'
                    <= swell_now() - make_interval(secs => $1::bigint / 1000.0)
            ORDER BY child.relname
            """, [.int64(retention.audit.milliseconds)]
        ) { try $0.scalars(String.self) }
        var outcome = MaintenanceOutcome()
        var failure: StoreError?
        for month in months {
            do throws(StoreError) {
                outcome.auditRows += try await transact { try await $0.dropAuditMonth(month) }
            } catch {
                // What the owner keeps for longer is kept, and is no failure; one that cannot go keeps no other.
                if !"\(error)".contains("too young to be dropped") { failure = failure ?? error }
            }
        }
        if let failure { throw failure }
        return outcome
    }

    /// Forgets what is beyond the proven releases that the engine is given, a few clusters at a time.
    private func forgetProvenReleases() async throws(StoreError) -> MaintenanceOutcome {
        var last = ""
        while true {
            let page = try await read(
                """
                SELECT max(cluster) FROM (
                    SELECT DISTINCT cluster FROM proven_releases WHERE cluster > $1 ORDER BY cluster LIMIT $2) AS page
                """, [.text(last), .int(Bounds.maintainedClusters)]
            ) { try $0.single().decode(String?.self, at: 0) }
            guard let page else { return MaintenanceOutcome() }
            // By the generation, too: what was proven again meanwhile has another one, and stays.
            try await transact { [last] transaction in
                try await transaction.query(
                    """
                    DELETE FROM proven_releases p USING (
                        SELECT cluster, application, digest, generation, row_number() OVER (
                            PARTITION BY cluster, application ORDER BY generation DESC, proven_at DESC) AS place
                        FROM proven_releases WHERE cluster > $2 AND cluster <= $3) ranked
                    WHERE ranked.place > $1 AND p.cluster = ranked.cluster AND p.application = ranked.application
                        AND p.digest = ranked.digest AND p.generation = ranked.generation
                    """, [.int(Bounds.provenReleases), .text(last), .text(page)])
            }
            last = page
        }
    }

    /// Forgets what clusters said and were told that left the fleet and were not heard of since: not their generations, which never fall.
    private func forgetDeparted(after age: Interval) async throws(StoreError) -> MaintenanceOutcome {
        let gone = try await read(
            """
            SELECT a.cluster FROM agents a
            WHERE a.last_seen_at <= swell_now() - $1::bigint * interval '1 millisecond'
                AND NOT EXISTS (SELECT 1 FROM clusters c WHERE c.name = a.cluster)
            ORDER BY a.cluster LIMIT $2
            """, [.int64(age.milliseconds), .int(Bounds.maintainedRows)]
        ) { try $0.scalars(String.self) }
        var outcome = MaintenanceOutcome()
        for cluster in gone {
            outcome.clusters += try await transact { transaction in
                let results = try await transaction.pipeline([
                    // Whoever comes back meanwhile has another row, or waits for this.
                    PostgresStatement(
                        """
                        DELETE FROM agents a WHERE a.cluster = $1
                            AND a.last_seen_at <= swell_now() - $2::bigint * interval '1 millisecond'
                            AND NOT EXISTS (SELECT 1 FROM clusters c WHERE c.name = a.cluster)
                        """, [.text(cluster), .int64(age.milliseconds)]),
                    PostgresStatement(
                        """
                        DELETE FROM cluster_drift d WHERE d.cluster = $1
                            AND NOT EXISTS (SELECT 1 FROM clusters c WHERE c.name = d.cluster)
                        """, [.text(cluster)]),
                    // Else what was assigned would keep its rollout and its release for ever.
                    PostgresStatement(
                        """
                        UPDATE cluster_status s SET highest_generation = g.generation FROM assignments g
                        WHERE s.cluster = $1 AND g.cluster = $1 AND g.application = s.application
                            AND s.highest_generation < g.generation
                        """, [.text(cluster)]),
                    PostgresStatement(
                        """
                        DELETE FROM assignments g WHERE g.cluster = $1
                            AND NOT EXISTS (SELECT 1 FROM clusters c WHERE c.name = g.cluster)
                            AND EXISTS (
                                SELECT 1 FROM cluster_status s WHERE s.cluster = g.cluster
                                    AND s.application = g.application AND s.highest_generation >= g.generation)
                        """, [.text(cluster)]),
                    PostgresStatement(
                        """
                        DELETE FROM proven_releases p WHERE p.cluster = $1
                            AND NOT EXISTS (SELECT 1 FROM clusters c WHERE c.name = p.cluster)
                        """, [.text(cluster)]),
                ])
                return results[0].affectedRows
            }
        }
        return outcome
    }
}

extension PostgresTransaction {
    /// Replicas maintain the audit log one after another; the lock lives as long as the transaction. Its key is "audit" in ASCII.
    fileprivate func lockAudit() async throws {
        try await pipeline([
            PostgresStatement("SET LOCAL lock_timeout = '1s'"),
            PostgresStatement("SELECT pg_advisory_xact_lock($1)", [0x61_7564_6974]),
        ])
    }

    /// Drops a month, where it is still there; returns how many rows went with it, none where it stays.
    fileprivate func dropAuditMonth(_ partition: String) async throws -> Int {
        try await lockAudit()
        guard try await query("SELECT to_regclass($1) IS NOT NULL", [.text(partition)]).scalar(Bool.self) else {
            return 0
        }
        let rows = try await query("SELECT swell_drop_audit_partition($1)", [.text(partition)])
        return try rows.single().decode(Int?.self, at: 0) ?? 0
    }

    /// Forgets certificates and join tokens that expired long ago.
    fileprivate func forgetExpiredCredentials() async throws -> MaintenanceOutcome {
        let age: [PostgresValue] = [.int64(Bounds.expiredCredentials.milliseconds)]
        // Those from before moments were noted have the moment of their migration.
        let certificates = try await query(
            """
            DELETE FROM certificates
            WHERE coalesce(expires_at, issued_at) <= swell_now() - $1::bigint * interval '1 millisecond'
            """, age)
        let tokens = try await query(
            "DELETE FROM join_tokens WHERE expires_at <= swell_now() - $1::bigint * interval '1 millisecond'", age)
        return MaintenanceOutcome(certificates: certificates.affectedRows, tokens: tokens.affectedRows)
    }
}
