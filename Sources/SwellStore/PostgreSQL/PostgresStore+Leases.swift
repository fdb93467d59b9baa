internal import PostgresClient
public import SwellEngine
public import SwellModel

extension PostgresStore: LeaseStore {
    public func acquireLease(_ name: String, holder: String, lifetime: Interval) async throws(StoreError) -> Lease? {
        try await transact { transaction in
            // The first condition spares others' live leases a row lock; the last one decides. An epoch drawn before waiting for the
            // row may have been overtaken: then nothing is claimed, and the next attempt draws again.
            try await transaction.query(
                """
                INSERT INTO leases AS l (name, holder, epoch, expires_at)
                SELECT $1, $2, nextval('lease_epochs'), swell_now() + make_interval(secs => $3::bigint / 1000.0)
                WHERE NOT EXISTS (
                    SELECT 1 FROM leases WHERE name = $1 AND holder <> $2 AND expires_at > clock_timestamp())
                ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at,
                    epoch = CASE WHEN l.expires_at > clock_timestamp() THEN l.epoch ELSE excluded.epoch END
                WHERE CASE WHEN l.expires_at > clock_timestamp() THEN l.holder = excluded.holder
                    ELSE l.epoch < excluded.epoch END
                RETURNING name, holder, epoch, expires_at
                """, [.text(name), .text(holder), .int64(lifetime.milliseconds)]
            ).first.map { try Lease($0) }
        }
    }

    public func renewLeases(holder: String, lifetime: Interval) async throws(StoreError) -> LeaseRenewal {
        try await transact(over: vitalPool) { transaction in
            // A decision keeps its lease's row until its commit, and behind one that is slow all other leases would run out. What it
            // commits under lives as long as it did; the outer query sees such rows as they were before.
            let rows = try await transaction.query(
                """
                WITH free AS (
                    SELECT name FROM leases WHERE holder = $1 AND expires_at > clock_timestamp()
                    ORDER BY name FOR UPDATE SKIP LOCKED
                ), renewed AS (
                    UPDATE leases l SET expires_at = swell_now() + make_interval(secs => $2::bigint / 1000.0)
                    FROM free WHERE l.name = free.name AND l.holder = $1
                    RETURNING l.name, l.holder, l.epoch, l.expires_at
                )
                SELECT name, holder, epoch, expires_at, true FROM renewed
                UNION ALL
                SELECT name, holder, epoch, expires_at, false FROM leases l
                WHERE holder = $1 AND expires_at > clock_timestamp()
                    AND NOT EXISTS (SELECT 1 FROM renewed r WHERE r.name = l.name)
                """, [.text(holder), .int64(lifetime.milliseconds)])
            var renewal = LeaseRenewal()
            for row in rows {
                if try row.decode(Bool.self, at: 4) {
                    renewal.renewed.append(try Lease(row))
                } else {
                    renewal.busy.append(try Lease(row))
                }
            }
            renewal.renewed.sort { $0.name < $1.name }
            renewal.busy.sort { $0.name < $1.name }
            return renewal
        }
    }

    public func releaseLease(_ lease: Lease) async throws(StoreError) {
        try await transact { transaction in
            try await transaction.query(
                "DELETE FROM leases WHERE name = $1 AND holder = $2 AND epoch = $3",
                [.text(lease.name), .text(lease.holder), .int64(lease.epoch)])
        }
    }

    public func releaseLeases(holder: String) async throws(StoreError) {
        try await transact { transaction in
            try await transaction.query("DELETE FROM leases WHERE holder = $1", [.text(holder)])
        }
    }
}

extension Lease {
    fileprivate init(_ row: PostgresRow) throws {
        self.init(
            name: try row.decode(at: 0), holder: try row.decode(at: 1), epoch: try row.decode(at: 2),
            expiresAt: try row.time(3))
    }
}
