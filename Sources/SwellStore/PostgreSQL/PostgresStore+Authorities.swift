public import PostgresClient
internal import SwellEngine
internal import SwellModel

extension PostgresStore {
    /// The same over a pool of its own, for before there is a store.
    @discardableResult
    public static func noteAuthorities(
        _ authorities: TrustedKeys, in database: PostgresConfiguration, isAdopting: Bool = false
    ) async throws(StoreError) -> Set<String> {
        do {
            let pool = try PostgresPool(configuration: database, settings: PostgresPoolSettings(minimum: 0, maximum: 1))
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await pool.run() }
                defer { group.cancelAll() }
                return try await PostgresStore(pool: pool).noteAuthorities(authorities, isAdopting: isAdopting)
            }
        } catch {
            throw StoreError(postgres: error)
        }
    }

    /// Notes the authorities that a replica trusts beside those that others trust.
    ///
    /// An installation has one set of them, which changes a step at a time: two sets that follow one another have one in common. None comes
    /// back that has gone, but by an adoption, which is audited with it. A replica that trusts one alone has seen a change to its end, wherever it had
    /// its folder from: what was noted before that one is retired, once that one has signed for longer than a certificate lives, or where its
    /// folder says who ended the change. Before, a copy that lacks a file would shut the whole fleet out. What was noted later is not
    /// retired, since a replica with a folder of before may start in the middle of a change, and what never signed has issued nothing.
    ///
    /// - Parameter isAdopting: Whether they take the place of those that are noted, whatever these are; also of retired ones among them.
    /// - Returns: All that were retired: the replica trusts none of them, though its folder may have it still.
    /// - Throws: `refused` where none is among those that are noted, so that the replica is not of this installation, or where the one that
    ///   signs was retired.
    @discardableResult
    public func noteAuthorities(
        _ authorities: TrustedKeys, isAdopting: Bool = false
    ) async throws(StoreError) -> Set<String> {
        try await transact { transaction in
            let noted = try await transaction.authorities()
            guard isAdopting else {
                try noted.check(authorities)
                try await transaction.follow(authorities, noted)
                try await transaction.retire(noted.over(authorities), authorities)
                return try await transaction.authorities().retired
            }
            let gone = noted.trusted.filter { !authorities.all.contains($0) }
            let back = authorities.all.filter { noted.retired.contains($0) && $0 != authorities.issuing }
            try await transaction.retire(gone, authorities)
            try await transaction.query(
                "DELETE FROM trusted_authorities WHERE fingerprint = ANY($1)", [.texts(authorities.all)])
            try await transaction.add(authorities.all)
            _ = try await transaction.activate(authorities.issuing)
            try await transaction.record([
                .key(
                    "authority.adopted", authorities.issuing, by: authorities.changedBy, at: transaction.now(),
                    reason: NotedAuthorities.reason(gone: gone, back: back))
            ])
            return try await transaction.authorities().retired
        }
    }

    /// Notes that a replica of this installation trusts some more authorities, and some no more. What it trusts no more is retired by the rule
    /// that holds at its start: the database may have been restored to the middle of a change.
    ///
    /// - Parameters:
    ///   - authorities: All that its folder has, those that are left out since they were retired included.
    ///   - formerly: What it was when it was noted last.
    /// - Returns: All that were retired.
    /// - Throws: `refused` where the database is not of its installation any more: it was restored, another authority was adopted, or the one
    ///   that signs here was retired.
    @discardableResult
    public func changeAuthorities(
        to authorities: TrustedKeys, formerly: [String]
    ) async throws(StoreError) -> Set<String> {
        let removing = formerly.filter { !authorities.all.contains($0) }
        let known = try await read(NotedAuthorities.question) { try NotedAuthorities($0) }
        let isNews =
            !authorities.all.allSatisfy(known.knows) || !known.activated.contains(authorities.issuing)
            || !known.over(authorities, removing: removing).isEmpty
        guard isNews else {
            try known.check(authorities)
            return known.retired
        }
        return try await transact { transaction in
            let noted = try await transaction.authorities()
            // Both at once, where a replica follows late: what it trusted before tells whose it is.
            if noted.trusted.allSatisfy({ !formerly.contains($0) }) { try noted.check(authorities) }
            try noted.checkRetired(authorities)
            try await transaction.follow(authorities, noted)
            try await transaction.retire(noted.over(authorities, removing: removing), authorities)
            return try await transaction.authorities().retired
        }
    }

    /// Whether this session may write; not so at a standby, or where `default_transaction_read_only` is on.
    public func isWritable() async throws(StoreError) -> Bool {
        try await read("SELECT current_setting('transaction_read_only') = 'off'") {
            try $0.first?.decode(Bool.self, at: 0) ?? false
        }
    }
}

/// The fingerprints of authorities' keys.
public struct TrustedKeys: Sendable, Hashable {
    /// Of the one that signs.
    public var issuing: String
    /// Of all that are trusted, that one included, in the order in which they were made.
    public var all: [String]
    /// Who left them so, for the audit log, where that is known.
    public var changedBy: String?

    public init(issuing: String, all: [String], changedBy: String? = nil) {
        self.issuing = issuing
        self.all = all
        self.changedBy = changedBy
    }
}

/// What a database knows of its installation's authorities.
private struct NotedAuthorities {
    /// How long a certificate lives, in hours: what an authority issued is good for as long after another has taken its place.
    private static let certificateLifetime = 24

    static let question = """
        SELECT fingerprint, retired_at IS NOT NULL, activated_at IS NOT NULL,
            rank() OVER (ORDER BY noted_at),
            coalesce(activated_at <= swell_now() - interval '\(certificateLifetime) hours', false)
        FROM trusted_authorities
        ORDER BY noted_at, fingerprint COLLATE "C"
        """

    var trusted: [String] = []
    /// The places of those that are trusted in the order of their noting; of one moment they have one place.
    private var place: [String: Int64] = [:]
    var retired: Set<String> = []
    /// Those that have signed.
    var activated: Set<String> = []
    /// Those that have for longer than a certificate lives.
    private var settled: Set<String> = []

    var isEmpty: Bool { trusted.isEmpty && retired.isEmpty }

    init(_ rows: PostgresResult) throws {
        for row in rows {
            let fingerprint = try row.decode(String.self, at: 0)
            if try row.decode(Bool.self, at: 2) { activated.insert(fingerprint) }
            if try row.decode(Bool.self, at: 4) { settled.insert(fingerprint) }
            if try row.decode(Bool.self, at: 1) {
                retired.insert(fingerprint)
                continue
            }
            trusted.append(fingerprint)
            place[fingerprint] = try row.decode(Int64.self, at: 3)
        }
    }

    /// Those that are over for a replica: if it trusts one alone, all that were noted before that one, and of what it trusts no more also what was
    /// noted in the same moment, as by versions of before, where nothing tells which came first.
    func over(_ authorities: TrustedKeys, removing: [String] = []) -> [String] {
        let isAlone = authorities.all == [authorities.issuing]
        // A name is left beside the keys by `authority retire`, which asks for the time itself.
        let isSaid = isAlone && authorities.changedBy != nil
        guard let own = place[authorities.issuing], isSaid || settled.contains(authorities.issuing) else { return [] }
        return trusted.filter { fingerprint in
            guard let place = place[fingerprint], fingerprint != authorities.issuing else { return false }
            return isAlone && place < own || removing.contains(fingerprint) && place <= own
        }
    }

    /// Why an authority was adopted, for the audit log.
    static func reason(gone: [String], back: [String]) -> String? {
        var parts: [String] = []
        if !gone.isEmpty { parts.append("in the place of \(gone.joined(separator: ", "))") }
        if !back.isEmpty { parts.append("with \(back.joined(separator: ", ")), which was retired") }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    func knows(_ fingerprint: String) -> Bool { trusted.contains(fingerprint) || retired.contains(fingerprint) }

    func check(_ authorities: TrustedKeys) throws(StoreError) {
        try checkRetired(authorities)
        guard !trusted.isEmpty, !trusted.contains(where: authorities.all.contains) else { return }
        throw StoreError(
            code: .refused,
            message:
                "this database is of an installation whose authority is \(trusted.joined(separator: ", ")), and this state directory's is \(authorities.all.joined(separator: ", ")): agents and operators of the one do not know the other. Give the replica a copy of the other replicas' state directory, or a database of its own; where the authority was replaced since the backup that the database was restored from, or is to be replaced, as after its key was stolen, run 'swell-coordinator authority adopt' once"
        )
    }

    func checkRetired(_ authorities: TrustedKeys) throws(StoreError) {
        guard retired.contains(authorities.issuing) else { return }
        throw StoreError(
            code: .refused,
            message:
                "the authority that signs here, \(authorities.issuing), was retired in this installation, whose is \(trusted.joined(separator: ", ")) now: give the replica a copy of the other replicas' state directory; where it was retired by mistake, run 'swell-coordinator authority adopt' once, with the directory that all replicas are to have"
        )
    }
}

extension PostgresTransaction {
    fileprivate func authorities() async throws -> NotedAuthorities {
        try await query("LOCK TABLE trusted_authorities IN EXCLUSIVE MODE")
        return try NotedAuthorities(try await query(NotedAuthorities.question))
    }

    /// Later than all that were noted before, also where the clock went back.
    fileprivate func add(_ fingerprints: [String]) async throws {
        guard !fingerprints.isEmpty else { return }
        try await query(
            """
            INSERT INTO trusted_authorities (fingerprint, noted_at)
            SELECT fingerprint, greatest(swell_now(), (SELECT max(noted_at) FROM trusted_authorities))
                + place * interval '1 microsecond'
            FROM unnest($1::text[]) WITH ORDINALITY AS a (fingerprint, place) ON CONFLICT DO NOTHING
            """, [.texts(fingerprints)])
    }

    /// Notes what is trusted and signs by now. All but an installation's very first authority is audited.
    fileprivate func follow(_ authorities: TrustedKeys, _ noted: NotedAuthorities) async throws {
        let new = authorities.all.filter { !noted.knows($0) }
        try await add(new)
        let isActivated = try await activate(authorities.issuing)
        guard !noted.isEmpty, isActivated || !new.isEmpty else { return }
        let now = try await now()
        try await record(
            new.map { .key("authority.prepared", $0, by: authorities.changedBy, at: now) }
                + (isActivated
                    ? [.key("authority.activated", authorities.issuing, by: authorities.changedBy, at: now)] : []))
    }

    /// Notes that one signs; whether it had not before.
    fileprivate func activate(_ fingerprint: String) async throws -> Bool {
        try await query(
            "UPDATE trusted_authorities SET activated_at = swell_now() WHERE fingerprint = $1 AND activated_at IS NULL",
            [.text(fingerprint)]
        ).affectedRows == 1
    }

    fileprivate func retire(_ fingerprints: [String], _ authorities: TrustedKeys) async throws {
        guard !fingerprints.isEmpty else { return }
        let retired = try await query(
            """
            UPDATE trusted_authorities SET retired_at = swell_now() WHERE fingerprint = ANY($1) AND retired_at IS NULL
            RETURNING fingerprint
            """, [.texts(fingerprints)]
        ).scalars(String.self)
        let now = try await now()
        try await record(
            retired.sorted().map { .key("authority.retired", $0, by: authorities.changedBy, at: now) })
    }
}
