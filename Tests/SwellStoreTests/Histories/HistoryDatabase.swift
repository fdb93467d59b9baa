internal import PostgresClient
internal import PostgresTesting
internal import SwellModel
internal import SwellStore
internal import Testing

/// A PostgreSQL database for one history: its clock stands where the test puts it, and its statements can be made to meet others.
///
/// The store asks for `clock_timestamp()` without a schema. A function of that name in `public`, which is searched first, answers with
/// what a sequence says: sequences know no transactions, so that everybody reads the same moment at once.
struct HistoryDatabase: Sendable {
    static let start = Timestamp(milliseconds: 1_800_000_000_000)

    let configuration: PostgresConfiguration
    let name: String
    private let control: PostgresConnection

    /// A fresh one, empty and at the start of time.
    static func create() async throws -> HistoryDatabase {
        let server = try await PostgresServer.shared()
        let database = try await server.createDatabase(copying: try await HistoryTemplate.shared.name())
        let configuration = database.configuration.setting(["options": "-c search_path=public,pg_catalog"])
        let control = try await PostgresConnection.connect(to: database.configuration)
        return HistoryDatabase(configuration: configuration, name: database.name, control: control)
    }

    /// Runs `body` with a fresh one, and lets it go.
    static func with<Value>(_ body: (HistoryDatabase) async throws -> Value) async throws -> Value {
        let database = try await create()
        let result: Result<Value, any Error>
        do { result = .success(try await body(database)) } catch { result = .failure(error) }
        await database.control.close()
        return try result.get()
    }

    func setClock(_ now: Timestamp) async throws {
        try await control.query("SELECT setval('history_clock', $1)", [.int64(now.milliseconds)])
    }

    /// From now on one in `share` rows that are written fails as if another transaction had been met; 1 stops that.
    func failOne(in share: Int64) async throws {
        try await control.query("SELECT setval('history_fault_share', $1)", [.int64(share)])
    }

    /// From now on every commit takes so long, so that a cut often falls into it; at least 1.
    func delayCommits(milliseconds: Int64) async throws {
        try await control.query("SELECT setval('history_commit_delay', $1)", [.int64(milliseconds)])
    }

    /// The highest epoch that a lease stands under.
    func highestEpoch() async throws -> Int64 {
        try await control.query("SELECT coalesce(max(epoch), 0) FROM leases").scalar(Int64.self)
    }

    /// Waits until no server process is at work on what the store asked of it.
    ///
    /// A server goes on with a COMMIT whose connection is gone: what is read meanwhile does not tell what came of it.
    func settled() async throws {
        try await eventually("the server is done with what was asked of it") {
            try await control.query(
                """
                SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND backend_type = 'client backend' AND state IS DISTINCT FROM 'idle'
                """
            ).scalar(Int.self) == 0
        }
    }

    /// How many failures there were.
    func failures() async throws -> Int64 {
        try await control.query("SELECT last_value FROM history_failures").scalar(Int64.self) - 1
    }

    /// Ends every connection of the store, as a network that breaks would; says how many.
    @discardableResult
    func cutConnections() async throws -> Int {
        try await control.query(
            """
            SELECT count(*) FROM (
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend') cut
            """
        ).scalar(Int.self)
    }
}

/// The database that the others are copies of, made once.
private actor HistoryTemplate {
    static let shared = HistoryTemplate()
    private var made: Task<String, any Error>?

    func name() async throws -> String {
        // A task of its own: it must not end with the first test that happened to ask.
        let task = made ?? Task { try await Self.make() }
        made = task
        return try await task.value
    }

    private static func make() async throws -> String {
        let database = try await PostgresServer.shared().createDatabase()
        try await PostgresStore.migrate(database.configuration, logger: quiet)
        let connection = try await PostgresConnection.connect(to: database.configuration)
        for statement in statements { try await connection.query(statement) }
        await connection.close()
        return database.name
    }

    private static let written = [
        "clusters", "applications", "policies", "region_pauses", "cluster_pauses", "fleet_limit", "releases",
        "documents", "rollouts", "rollout_targets", "rollout_claims", "rollout_commands", "report_inbox", "agents",
        "cluster_status", "assignments", "proven_releases", "leases", "join_tokens", "certificates",
        "cluster_trust",
    ]

    private static var statements: [String] {
        [
            "CREATE SEQUENCE history_clock START \(HistoryDatabase.start.milliseconds)",
            """
            CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
            $$ SELECT timestamptz 'epoch' + last_value * interval '1 millisecond' FROM public.history_clock $$
            """,
            "CREATE SEQUENCE history_fault_share",
            "CREATE SEQUENCE history_fault_count",
            "CREATE SEQUENCE history_failures",
            "CREATE SEQUENCE history_commit_delay",
            """
            CREATE FUNCTION history_linger() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_sleep((last_value - 1) / 1000.0) FROM public.history_commit_delay WHERE last_value > 1;
                RETURN NULL;
            END $$
            """,
            // Hashed, so that failures come in no rhythm; each second one is a deadlock.
            """
            CREATE FUNCTION history_meet() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                share bigint := (SELECT last_value FROM public.history_fault_share);
                roll bigint;
            BEGIN
                IF share > 1 THEN
                    roll := abs(hashint8(nextval('public.history_fault_count')));
                    IF roll % share = 0 THEN
                        PERFORM nextval('public.history_failures');
                        IF roll % 2 = 0 THEN RAISE EXCEPTION 'met another' USING ERRCODE = '40001'; END IF;
                        RAISE EXCEPTION 'met another' USING ERRCODE = '40P01';
                    END IF;
                END IF;
                RETURN coalesce(NEW, OLD);
            END $$
            """,
        ]
            + written.flatMap { table in
                [
                    """
                    CREATE TRIGGER meet BEFORE INSERT OR UPDATE OR DELETE ON \(table)
                    FOR EACH ROW EXECUTE FUNCTION history_meet()
                    """,
                    // These two act in COMMIT itself.
                    """
                    CREATE CONSTRAINT TRIGGER linger AFTER INSERT OR UPDATE ON \(table) DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION history_linger()
                    """,
                    """
                    CREATE CONSTRAINT TRIGGER meet_late AFTER INSERT OR UPDATE ON \(table) DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION history_meet()
                    """,
                ]
            }
    }
}
