public import PostgresClient

extension PostgresStore {
    /// The same over a pool of its own, for before there is a store.
    public static func noteAuthorities(
        _ fingerprints: [String], in database: PostgresConfiguration, isAdopting: Bool = false
    ) async throws(StoreError) {
        do {
            let pool = try PostgresPool(configuration: database, settings: PostgresPoolSettings(minimum: 0, maximum: 1))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await pool.run() }
                defer { group.cancelAll() }
                try await PostgresStore(pool: pool).noteAuthorities(fingerprints, isAdopting: isAdopting)
            }
        } catch {
            throw StoreError(postgres: error)
        }
    }

    /// Notes the authorities that a replica trusts, by the fingerprints of their keys, beside those that others trust.
    ///
    /// An installation has one set of them, which changes a step at a time: two sets that follow one another have one in common. None goes
    /// here, since a replica with a copy of before may start in the middle of a change: see ``changeAuthorities(adding:removing:)``.
    ///
    /// - Parameter isAdopting: Whether they take the place of those that are noted, whatever these are.
    /// - Throws: `refused` where none is among those that are noted: the replica is not of this installation.
    public func noteAuthorities(_ fingerprints: [String], isAdopting: Bool = false) async throws(StoreError) {
        try await transact { transaction in
            try await transaction.query("LOCK TABLE trusted_authorities IN EXCLUSIVE MODE")
            let noted = try await transaction.query(
                "SELECT fingerprint FROM trusted_authorities ORDER BY noted_at, fingerprint COLLATE \"C\""
            ).scalars(String.self)
            guard isAdopting || noted.isEmpty || noted.contains(where: fingerprints.contains) else {
                throw StoreError(
                    code: .refused,
                    message:
                        "this database is of an installation whose authority is \(noted.joined(separator: ", ")), and this state directory's is \(fingerprints.joined(separator: ", ")): agents and operators of the one do not know the other. Give the replica a copy of the other replicas' state directory, or a database of its own; where the authority was replaced since the backup that the database was restored from, or is to be replaced, as after its key was stolen, run 'swell-coordinator authority adopt' once"
                )
            }
            let gone = isAdopting ? noted.filter { !fingerprints.contains($0) } : []
            try await transaction.change(adding: fingerprints.filter { !noted.contains($0) }, removing: gone)
        }
    }

    /// Notes that a replica of this installation trusts some more authorities, and some no more.
    ///
    /// - Throws: `refused` where the database knows neither: it was restored, or another authority adopted meanwhile.
    public func changeAuthorities(trusted: [String], formerly: [String]) async throws(StoreError) {
        let removing = formerly.filter { !trusted.contains($0) }
        let noted = try await read("SELECT fingerprint FROM trusted_authorities") { try $0.scalars(String.self) }
        guard !trusted.allSatisfy(noted.contains) || noted.contains(where: removing.contains) else { return }
        try await transact { transaction in
            try await transaction.query("LOCK TABLE trusted_authorities IN EXCLUSIVE MODE")
            let noted = try await transaction.query("SELECT fingerprint FROM trusted_authorities").scalars(String.self)
            guard noted.contains(where: { trusted.contains($0) || formerly.contains($0) }) else {
                throw StoreError(
                    code: .refused,
                    message:
                        "the database is of an installation whose authority is \(noted.joined(separator: ", ")): it was restored to before this replica's came, or another was adopted, so that no replica will start with this one's state directory until 'swell-coordinator authority adopt' was run with it"
                )
            }
            try await transaction.change(adding: trusted.filter { !noted.contains($0) }, removing: removing)
        }
    }

    /// Whether this session may write; not so at a standby, or where `default_transaction_read_only` is on.
    public func isWritable() async throws(StoreError) -> Bool {
        try await read("SELECT current_setting('transaction_read_only') = 'off'") {
            try $0.first?.decode(Bool.self, at: 0) ?? false
        }
    }
}

extension PostgresTransaction {
    fileprivate func change(adding: [String], removing: [String]) async throws {
        if !removing.isEmpty {
            try await query("DELETE FROM trusted_authorities WHERE fingerprint = ANY($1)", [.texts(removing)])
        }
        if !adding.isEmpty {
            try await query(
                "INSERT INTO trusted_authorities (fingerprint) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
                [.texts(adding)])
        }
    }
}
