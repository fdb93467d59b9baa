internal import PostgresClient
internal import PostgresTesting
internal import SwellModel
internal import Testing

@testable internal import SwellStore

/// What an installation's database says of who belongs to it, and of whether it takes writes.
@Suite(.timeLimit(.minutes(2))) struct AuthorityNoteTests {
    private func refusal(_ body: () async throws(StoreError) -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return error.code == .refused ? error.message : "another error: \(error)"
        }
    }

    private func refusal(_ store: PostgresStore, _ authorities: [String], signs: String? = nil) async -> String? {
        await refusal { () async throws(StoreError) in
            try await store.noteAuthorities(TrustedKeys(issuing: signs ?? authorities[0], all: authorities))
        }
    }

    /// So that what a former authority issued has expired.
    private func aDayPasses(_ pool: PostgresPool) async throws {
        _ = try await pool.query(
            "UPDATE trusted_authorities SET activated_at = activated_at - interval '25 hours'")
    }

    @Test func aReplicaWithAnotherAuthorityIsNotOfThisInstallation() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            func change(_ from: [String], _ to: [String], signs: String) async -> String? {
                await refusal { () async throws(StoreError) in
                    try await store.changeAuthorities(to: TrustedKeys(issuing: signs, all: to), formerly: from)
                }
            }
            #expect(await refusal(store, ["a"]) == nil)
            #expect(await refusal(store, ["a"]) == nil)
            let message = await refusal(store, ["x"])
            #expect(
                message?.contains("whose authority is a, and this state directory's is x") == true, "\(message ?? "")")
            // A rotation goes a step at a time.
            #expect(await change(["a"], ["a", "b"], signs: "a") == nil)
            #expect(await refusal(store, ["a"]) == nil, "a replica that has not followed yet takes nothing away")
            #expect(await refusal(store, ["b"]) == nil)
            #expect(await change(["a", "b"], ["a", "b"], signs: "b") == nil)
            try await aDayPasses(pool)
            #expect(await change(["a", "b"], ["b"], signs: "b") == nil)
            // What was retired is not brought back by who was left behind: he ends, and does not start again.
            #expect(await change(["a", "b"], ["a", "b"], signs: "a")?.contains("was retired") == true)
            #expect(await refusal(store, ["a", "b"], signs: "a")?.contains("was retired") == true)
            #expect(await refusal(store, ["a"]) != nil)
            #expect(
                await refusal(store, ["b", "a"]) == nil, "who signs with the new one may trust the former for longer")
            #expect(await refusal(store, ["a"]) != nil)

            try await store.noteAuthorities(TrustedKeys(issuing: "new", all: ["new"]), isAdopting: true)
            #expect(await refusal(store, ["b"]) != nil)
            #expect(await change(["b"], ["b"], signs: "b") != nil, "one that runs on ends")
            #expect(await refusal(store, ["new"]) == nil)
            // And back, where that was a mistake.
            try await store.noteAuthorities(TrustedKeys(issuing: "b", all: ["b"]), isAdopting: true)
            #expect(await refusal(store, ["b"]) == nil)
        }
        await #expect(throws: StoreError.self) {
            try await PostgresStore.noteAuthorities(TrustedKeys(issuing: "x", all: ["x"]), in: database.service)
        }
    }

    /// Where replicas get each step by a restart, none of them sees its own set shrink.
    @Test func whatAReplicaIsStartedWithoutIsRetired() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            #expect(
                await refusal(store, ["z", "b"], signs: "z") == nil, "the very first start is in the middle of a change"
            )
            #expect(await refusal(store, ["z", "b"], signs: "b") == nil)
            try await aDayPasses(pool)
            #expect(await refusal(store, ["b"]) == nil)
            #expect(await refusal(store, ["z"])?.contains("was retired") == true)
            #expect(await refusal(store, ["z", "b"], signs: "z")?.contains("was retired") == true)
            #expect(await refusal(store, ["z", "b"], signs: "b") == nil, "who was not restarted yet goes on")
            // The next change begins: a replica that has not followed yet takes nothing away, whenever it is started.
            #expect(await refusal(store, ["b", "c"], signs: "b") == nil)
            #expect(await refusal(store, ["b"]) == nil)
            #expect(await refusal(store, ["b", "c"], signs: "c") == nil)
            #expect(await refusal(store, ["b", "c"], signs: "b") == nil)
            try await aDayPasses(pool)
            #expect(await refusal(store, ["c"]) == nil)
            #expect(await refusal(store, ["b"])?.contains("was retired") == true)
        }
    }

    /// Its folder is an old one, and it does not trust all that is in it.
    @Test func whoIsStartedWithARetiredAuthorityIsToldSo() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            func start(_ signs: String, _ all: [String], isAdopting: Bool = false) async throws -> Set<String> {
                try await store.noteAuthorities(TrustedKeys(issuing: signs, all: all), isAdopting: isAdopting)
            }
            func look(formerly: [String]) async throws -> Set<String> {
                try await store.changeAuthorities(to: TrustedKeys(issuing: "b", all: ["a", "b"]), formerly: formerly)
            }
            for (signs, all) in [("a", ["a"]), ("a", ["a", "b"]), ("b", ["a", "b"])] {
                let retired = try await start(signs, all)
                #expect(retired == [])
            }
            let before = try await look(formerly: ["a", "b"])
            try await aDayPasses(pool)
            let end = try await start("b", ["b"])
            #expect(before == [] && end == ["a"])
            // At its start, and while it runs, though its folder has been a new one.
            let told = [
                try await start("b", ["a", "b"]), try await look(formerly: ["a", "b"]), try await look(formerly: ["b"]),
            ]
            #expect(told == [["a"], ["a"], ["a"]])
            let adopted = try await start("a", ["a"], isAdopting: true)
            #expect(adopted == ["b"], "adopted, it is trusted again")
        }
    }

    /// Its copy lacks former.pem, or its clock is far ahead. Until what the former one issued has expired, that is no retirement.
    @Test func aReplicaThatTrustsTheNextOneAloneShutsNobodyOutOnTheDayOfTheChange() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            for (signs, all) in [("a", ["a"]), ("a", ["a", "b"]), ("b", ["a", "b"])] {
                #expect(await refusal(store, all, signs: signs) == nil)
            }
            func look(_ all: [String], formerly: [String], by: String? = nil) async throws -> Set<String> {
                try await store.changeAuthorities(
                    to: TrustedKeys(issuing: "b", all: all, changedBy: by), formerly: formerly)
            }
            let started = try await store.noteAuthorities(TrustedKeys(issuing: "b", all: ["b"]))
            let told = [
                started, try await look(["b"], formerly: ["b"]), try await look(["b"], formerly: ["a", "b"]),
                try await look(["a", "b"], formerly: ["a", "b"]),
            ]
            #expect(told == [[], [], [], []])
            // Nor does a note of who took the step before.
            let noted = try await look(["a", "b"], formerly: ["a", "b"], by: "ann@host")
            #expect(noted == [])
            try await aDayPasses(pool)
            let over = try await look(["b"], formerly: ["b"])
            #expect(over == ["a"], "it is retired once the day is over")
        }
    }

    /// `authority retire --force` leaves a name beside the keys.
    @Test func whoeverRetiresAnAuthorityIsObeyedAtOnce() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            for (signs, all) in [("a", ["a"]), ("a", ["a", "b"]), ("b", ["a", "b"])] {
                #expect(await refusal(store, all, signs: signs) == nil)
            }
            let retired = try await store.changeAuthorities(
                to: TrustedKeys(issuing: "b", all: ["b"], changedBy: "ann@host"), formerly: ["a", "b"])
            #expect(retired == ["a"])
        }
    }

    /// A step that was cut short, or a folder that was put back to before it.
    @Test func whatNeverSignedIsNotRetiredByWhoLosesIt() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            for all in [["a"], ["a", "b"]] { #expect(await refusal(store, all, signs: "a") == nil) }
            try await aDayPasses(pool)
            for by in [nil, "ann@host"] {
                let lost = try await store.changeAuthorities(
                    to: TrustedKeys(issuing: "a", all: ["a"], changedBy: by), formerly: ["a", "b"])
                #expect(lost == [])
            }
            let resumed = try await store.changeAuthorities(
                to: TrustedKeys(issuing: "b", all: ["a", "b"]), formerly: ["a"])
            #expect(resumed == [])
        }
    }

    /// A folder may have a former.pem that nobody thought of any more.
    @Test func whatAnAdoptionBringsBackIsAudited() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            for (signs, all) in [("a", ["a"]), ("a", ["a", "b"]), ("b", ["a", "b"])] {
                #expect(await refusal(store, all, signs: signs) == nil)
            }
            try await aDayPasses(pool)
            #expect(await refusal(store, ["b"]) == nil)
            #expect(await refusal(store, ["a"])?.contains("'swell-coordinator authority adopt'") == true)
            try await store.noteAuthorities(TrustedKeys(issuing: "b", all: ["a", "b"]), isAdopting: true)
            let adopted = try await store.latestEvents(filter: EventFilter(), limit: 100)
                .first { $0.what == "authority.adopted" }
            #expect(adopted?.reason == "with a, which was retired")
        }
    }

    /// Versions before noted both of a set in one moment: their fingerprints say nothing of which came first.
    @Test func whatWasNotedInOneMomentIsRetiredByNoStart() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            _ = try await pool.query(
                """
                INSERT INTO trusted_authorities (fingerprint, noted_at, activated_at)
                VALUES ('z', swell_now() - interval '1 hour', swell_now()), ('b', swell_now() - interval '1 hour', NULL)
                """)
            _ = try await pool.query(
                "UPDATE trusted_authorities SET noted_at = (SELECT min(noted_at) FROM trusted_authorities)")
            let store = PostgresStore(pool: pool)
            #expect(await refusal(store, ["z"]) == nil, "a machine that was off while the others went over to b")
            #expect(await refusal(store, ["b"]) == nil, "what is in use was retired")
            #expect(await refusal(store, ["z", "b"], signs: "b") == nil)
            // With the next change it is known which were before.
            for (signs, all) in [("b", ["b", "c"]), ("c", ["b", "c"]), ("c", ["c"])] {
                if all.count == 1 { try await aDayPasses(pool) }
                #expect(await refusal(store, all, signs: signs) == nil)
            }
            for gone in ["z", "b"] { #expect(await refusal(store, [gone])?.contains("was retired") == true, "\(gone)") }
        }
    }

    /// A standby takes over whose clock is behind.
    @Test func theOrderIsThatOfTheNotingThoughTheClockGoesBack() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            #expect(await refusal(store, ["a"]) == nil)
            _ = try await pool.query("UPDATE trusted_authorities SET noted_at = noted_at + interval '1 hour'")
            #expect(await refusal(store, ["a", "b"], signs: "a") == nil)
            #expect(await refusal(store, ["a"]) == nil, "a replica that was off")
            #expect(await refusal(store, ["a", "b"], signs: "b") == nil)
            try await aDayPasses(pool)
            #expect(await refusal(store, ["b"]) == nil)
            #expect(await refusal(store, ["a"])?.contains("was retired") == true)
        }
    }

    /// The backup is of the middle of a change that all replicas have seen to its end.
    @Test func aReplicaThatRunsRetiresWhatARestoreBroughtBack() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            for (signs, all) in [("a", ["a"]), ("a", ["a", "b"]), ("b", ["a", "b"]), ("b", ["b"])] {
                if all == ["b"] { try await aDayPasses(pool) }
                #expect(await refusal(store, all, signs: signs) == nil)
            }
            _ = try await pool.query("UPDATE trusted_authorities SET retired_at = NULL")
            try await store.changeAuthorities(to: TrustedKeys(issuing: "b", all: ["b"]), formerly: ["b"])
            #expect(await refusal(store, ["a"])?.contains("was retired") == true)
            // Once, however often it looks.
            try await store.changeAuthorities(to: TrustedKeys(issuing: "b", all: ["b"]), formerly: ["b"])
            let told = try await store.latestEvents(filter: EventFilter(), limit: 100).filter {
                $0.what == "authority.retired"
            }
            #expect(told.count == 2 && told.allSatisfy { $0.to == "a" })
        }
    }

    /// Whichever replica finds it first, each step once, and in the name of who took it; the first of all is nobody's doing.
    @Test func eachChangeIsAuditedOnce() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let (one, other) = (PostgresStore(pool: pool), PostgresStore(pool: pool))
            func told() async throws -> [String] {
                try await one.latestEvents(filter: EventFilter(), limit: 100).filter { $0.what.hasPrefix("authority.") }
                    .map { "\($0.what) \($0.to ?? "-") by \($0.by)" }
            }
            func reasons(_ actor: String) async throws -> Set<String?> {
                Set(
                    try await one.latestEvents(filter: EventFilter(), limit: 100)
                        .filter { $0.what.hasPrefix("authority.") && $0.by == actor }.map(\.reason))
            }
            func follow(_ from: [String], _ to: [String], signs: String) async throws {
                for store in [one, other, one] {
                    try await store.changeAuthorities(
                        to: TrustedKeys(issuing: signs, all: to, changedBy: "ann@host"), formerly: from)
                }
            }
            try await one.noteAuthorities(TrustedKeys(issuing: "a", all: ["a"]))
            try await other.noteAuthorities(TrustedKeys(issuing: "a", all: ["a"]))
            #expect(try await told() == [])
            try await follow(["a"], ["a", "b"], signs: "a")
            #expect(try await told() == ["authority.prepared b by ann@host"])
            try await follow(["a", "b"], ["b", "a"], signs: "b")
            // One that was left behind changes nothing back.
            try await other.changeAuthorities(to: TrustedKeys(issuing: "a", all: ["a", "b"]), formerly: ["a", "b"])
            try await follow(["b", "a"], ["b"], signs: "b")
            // Of what no order left beside the keys, nobody's name is known.
            try await one.noteAuthorities(TrustedKeys(issuing: "b", all: ["b", "c"]))
            #expect(try await reasons("ann@host") == [nil])
            #expect(
                try await reasons("swell") == [
                    "found by a replica in its files: whoever may change these, on Kubernetes the Secret, has done it, and left no name"
                ])
            try await one.noteAuthorities(
                TrustedKeys(issuing: "new", all: ["new"], changedBy: "bob@host"), isAdopting: true)
            #expect(
                try await told() == [
                    "authority.prepared b by ann@host", "authority.activated b by ann@host",
                    "authority.retired a by ann@host", "authority.prepared c by swell",
                    "authority.retired b by bob@host", "authority.retired c by bob@host",
                    "authority.adopted new by bob@host",
                ])
        }
    }

    @Test func aDatabaseThatTakesNoWritesSaysSo() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            let isWritable = try await store.isWritable()
            let facts = try await store.databaseFacts()
            #expect(isWritable && facts.isReadOnly == false)
            #expect(facts.ownsTables == false, "a service role")
        }
        try await withPool(database.owner) { pool in
            _ = try await pool.query(
                """
                DO $$ BEGIN
                    EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
                END $$
                """)
        }
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            let isWritable = try await store.isWritable()
            let facts = try await store.databaseFacts()
            #expect(!isWritable && facts.isReadOnly == true)
            do {
                try await store.setRegionPause("us-east", nil, by: "ann")
                Issue.record("it was written")
            } catch let error as StoreError {
                #expect(error.isReadOnly, "\(error)")
                #expect(error.description.hasPrefix("the database is read-only"))
            }
        }
    }
}
