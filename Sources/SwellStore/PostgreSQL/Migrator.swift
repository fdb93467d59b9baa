public import Logging
public import PostgresClient
internal import SwellModel

/// One numbered change of the schema. Numbers rise without gaps; what was once released is never edited.
struct Migration {
    var number: Int
    var name: String
    var sql: [UInt8]

    var checksum: String { ContentDigest(of: sql).rawValue }

    /// Every migration that this program knows, in order: one for each file in `Migrations/`.
    static let all: [Migration] = [
        Migration(number: 1, name: "schema", sql: PackageResources._001_schema_sql),
        Migration(
            number: 2, name: "previews and drift", sql: PackageResources._002_previews_and_drift_sql),
        Migration(
            number: 3, name: "pauses of removed clusters", sql: PackageResources._003_pauses_of_removed_clusters_sql),
        Migration(number: 4, name: "sessions", sql: PackageResources._004_sessions_sql),
        Migration(number: 5, name: "waiting reports", sql: PackageResources._005_waiting_reports_sql),
        Migration(number: 6, name: "certificates", sql: PackageResources._006_certificates_sql),
        Migration(
            number: 7, name: "append-only audit", sql: PackageResources._007_append_only_audit_sql),
        Migration(number: 8, name: "sealed Secrets", sql: PackageResources._008_sealed_secrets_sql),
        Migration(number: 9, name: "service role", sql: PackageResources._009_service_role_sql),
        Migration(
            number: 10, name: "one cluster, one name", sql: PackageResources._010_one_cluster_one_name_sql),
        Migration(number: 11, name: "trust floors", sql: PackageResources._011_trust_floors_sql),
        Migration(number: 12, name: "who holds keys", sql: PackageResources._012_who_holds_keys_sql),
        Migration(number: 13, name: "one uid, one row", sql: PackageResources._013_one_uid_one_row_sql),
        Migration(number: 14, name: "scoped reads", sql: PackageResources._014_scoped_reads_sql),
        Migration(
            number: 15, name: "read, think, commit", sql: PackageResources._015_read_think_commit_sql),
        Migration(number: 16, name: "retention", sql: PackageResources._016_retention_sql),
    ]
}

extension PostgresStore {
    /// Brings a database's schema up to date: applies what is missing, each migration in a transaction of its own, under a lock, so
    /// that replicas may start at the same time.
    ///
    /// Refused with `schema` where an applied migration was edited since, the database is newer than this program, or something is
    /// missing that the role may not make.
    ///
    /// - Parameter role: the role that replicas work as, where they are not to own what they work on; it is granted what they need.
    public static func migrate(
        _ configuration: PostgresConfiguration, for role: ServiceRole? = nil, logger: Logger
    ) async throws(StoreError) {
        try await migrate(configuration, to: Migration.all, for: role, logger: logger)
    }

    static func migrate(
        _ configuration: PostgresConfiguration, to known: [Migration], for role: ServiceRole? = nil, logger: Logger
    ) async throws(StoreError) {
        do {
            var configuration = configuration
            configuration.statementTimeout = .seconds(1_800)
            let connection = try await PostgresConnection.connect(to: configuration, logger: logger)
            do {
                let isChanged = try await apply(known, on: connection, logger: logger)
                if let role {
                    try await role.grant(over: connection)
                } else if isChanged, known.count >= Migration.all.count {
                    // What a migration made is for those, too, who were named before.
                    for role in try await ServiceRole.all(over: connection) { try await role.grant(over: connection) }
                }
            } catch {
                await connection.close()
                throw error
            }
            await connection.close()
        } catch let error as PostgresError where error.isPermissionDenied {
            throw StoreError(
                code: .schema,
                message:
                    "the database's schema is not what this program works with, and its role may not change it: run "
                    + "`swell-coordinator migrate --service-role ROLE` as the owner of the tables (\(error))")
        } catch {
            throw StoreError(postgres: error)
        }
    }

    /// The key of the advisory lock that migrations are applied under: "swell" in ASCII.
    private static let lockKey: PostgresValue = 0x7377_656C6C

    /// - Returns: Whether anything was missing.
    private static func apply(
        _ known: [Migration], on connection: PostgresConnection, logger: Logger
    ) async throws -> Bool {
        // Held by the session, and so until the connection closes, however this ends.
        try await connection.query("SELECT pg_advisory_lock($1)", [lockKey])
        // Asked for first: whoever may not make tables may not say IF NOT EXISTS either.
        if try await connection.query("SELECT to_regclass('schema_migrations') IS NULL").scalar(Bool.self) {
            try await connection.query(
                """
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT clock_timestamp())
                """)
        }
        let rows = try await connection.query("SELECT number, name, checksum FROM schema_migrations ORDER BY number")
        let applied = try rows.map { try $0.decode(Int.self, String.self, String.self) }
        try check(applied, against: known)
        for migration in known.dropFirst(applied.count) {
            logger.debug(
                "applying a migration", metadata: ["number": "\(migration.number)", "name": "\(migration.name)"])
            try await connection.withTransaction { transaction in
                try await transaction.execute(script: String(decoding: migration.sql, as: UTF8.self))
                try await transaction.query(
                    "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1::bigint::integer, $2, $3)",
                    [.int(migration.number), .text(migration.name), .text(migration.checksum)])
            }
        }
        return applied.count < known.count
    }

    /// Whether a database's schema is this program's own. It only reads.
    ///
    /// Refused with `schema` where it is older, newer, another one, or none.
    public static func checkSchema(of configuration: PostgresConfiguration, logger: Logger) async throws(StoreError) {
        do {
            let connection = try await PostgresConnection.connect(to: configuration, logger: logger)
            let applied: [(Int, String, String)]
            do {
                let isNone = try await connection.query("SELECT to_regclass('schema_migrations') IS NULL")
                    .scalar(Bool.self)
                applied =
                    isNone
                    ? []
                    : try await connection.query("SELECT number, name, checksum FROM schema_migrations ORDER BY number")
                        .map { try $0.decode(Int.self, String.self, String.self) }
            } catch {
                await connection.close()
                throw error
            }
            await connection.close()
            try check(applied, against: Migration.all)
            guard applied.count == Migration.all.count else {
                throw StoreError(
                    code: .schema,
                    message:
                        "the database has \(applied.count) of the \(Migration.all.count) migrations that this program "
                        + "works with: run `swell-coordinator migrate` first, or see that the URL names Swell's database"
                )
            }
        } catch {
            throw StoreError(postgres: error)
        }
    }

    private static func check(_ applied: [(Int, String, String)], against known: [Migration]) throws(StoreError) {
        for (index, row) in applied.enumerated() {
            let (number, name, checksum) = row
            guard index < known.count else {
                throw StoreError(
                    code: .schema,
                    message: "the database has migration \(number) (\(name)), and this program knows only "
                        + "\(known.count): run the newer program, or restore the backup made before it")
            }
            let migration = known[index]
            guard migration.number == number, migration.checksum == checksum else {
                throw StoreError(
                    code: .schema,
                    message: "migration \(number) (\(name)) was applied with checksum \(checksum), and this program "
                        + "has \(migration.checksum) for \(migration.number) (\(migration.name)): an applied migration "
                        + "must not be edited; put the change into a new one")
            }
        }
    }
}
