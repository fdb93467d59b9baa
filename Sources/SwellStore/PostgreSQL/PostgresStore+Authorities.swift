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

    /// Notes the authorities that a replica trusts, by the fingerprints of their keys.
    ///
    /// An installation has one set of them, which changes a step at a time: two sets that follow one another have one in common.
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
                        "this database is of an installation whose authority is \(noted.joined(separator: ", ")), and this state directory's is \(fingerprints.joined(separator: ", ")): agents and operators of the one do not know the other. Give the replica a copy of the other replicas' state directory, or a database of its own; where the authority is to be replaced, as after its key was stolen, run 'swell-coordinator authority adopt' once"
                )
            }
            guard noted.count != fingerprints.count || !noted.allSatisfy(fingerprints.contains) else { return }
            try await transaction.query(
                "DELETE FROM trusted_authorities WHERE fingerprint <> ALL($1)", [.texts(fingerprints)])
            try await transaction.query(
                "INSERT INTO trusted_authorities (fingerprint) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
                [.texts(fingerprints)])
        }
    }

    /// Whether this session may write; not so at a standby, or where `default_transaction_read_only` is on.
    public func isWritable() async throws(StoreError) -> Bool {
        try await read("SELECT current_setting('transaction_read_only') = 'off'") {
            try $0.first?.decode(Bool.self, at: 0) ?? false
        }
    }
}
