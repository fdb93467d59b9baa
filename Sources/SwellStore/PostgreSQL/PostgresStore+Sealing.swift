internal import PostgresClient
internal import SwellModel

extension PostgresStore: SealingStore {
    public var openingKeys: [String] { sealing?.openingKeys ?? [] }

    public func sealingFacts() async throws(StoreError) -> SealingFacts {
        try await read([
            PostgresStatement(
                """
                SELECT count(*) FILTER (WHERE is_secret), count(*) FILTER (WHERE is_secret IS NULL)
                FROM documents WHERE key_id IS NULL AND is_secret IS NOT FALSE
                """),
            PostgresStatement("SELECT key_id, count(*) FROM documents WHERE key_id IS NOT NULL GROUP BY key_id"),
        ]) { results in
            let (inClear, unexamined) = try results[0].single().decode(Int.self, Int.self)
            let sealed = try results[1].map { try $0.decode(String.self, Int.self) }
            return SealingFacts(
                inClear: inClear, unexamined: unexamined, sealed: Dictionary(sealed) { first, _ in first })
        }
    }

    public func sealDocuments() async throws(StoreError) -> SealingPass {
        var pass = SealingPass()
        var after = ""
        while let last = try await transact({ try await $0.sealSome(after: after, sealing, &pass) }) { after = last }
        after = ""
        guard let sealing else { return pass }
        while let last = try await transact({ try await $0.rekeySome(after: after, sealing, &pass) }) { after = last }
        return pass
    }

    /// Lets nobody seal under these keys any more, unless documents are sealed under one of them still; returns how many, by key.
    ///
    /// Waits for what is being stored, so that nothing comes to be sealed under them after it was counted.
    public func retireSecretKeys(_ keys: [String], by actor: String? = nil) async throws(StoreError) -> [String: Int] {
        try await transact { transaction in
            try await transaction.query("LOCK TABLE documents IN SHARE ROW EXCLUSIVE MODE")
            let rows = try await transaction.query(
                "SELECT key_id, count(*) FROM documents WHERE key_id = ANY($1) GROUP BY key_id", [.texts(keys)])
            let left = try rows.map { try $0.decode(String.self, Int.self) }
            guard left.isEmpty else { return Dictionary(left) { first, _ in first } }
            let retired = try await transaction.query(
                "INSERT INTO retired_secret_keys (key_id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING RETURNING key_id",
                [.texts(keys)]
            ).scalars(String.self)
            let now = try await transaction.now()
            try await transaction.record(retired.sorted().map { .key("secrets.retired", $0, by: actor, at: now) })
            return [:]
        }
    }

    /// Notes the keys that this replica was started with, and audits those that are new: to open, and to seal. The very first of an
    /// installation is told of only where somebody ordered it.
    ///
    /// - Parameter actor: Who left them so, where that is known.
    public func noteSecretKeys(by actor: String?) async throws(StoreError) {
        guard let sealing = openingKeys.first else { return }
        let keys = openingKeys
        let known = try await read(KnownKeys.question) { try KnownKeys($0) }
        guard !known.activated.contains(sealing) || !known.all.isSuperset(of: keys) else { return }
        try await transact { transaction in
            try await transaction.query("LOCK TABLE secret_keys IN EXCLUSIVE MODE")
            let known = try KnownKeys(try await transaction.query(KnownKeys.question))
            let new = keys.filter { !known.all.contains($0) }
            try await transaction.query(
                "INSERT INTO secret_keys (key_id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", [.texts(new)])
            let activated = try await transaction.query(
                "UPDATE secret_keys SET activated_at = swell_now() WHERE key_id = $1 AND activated_at IS NULL",
                [.text(sealing)])
            guard !known.all.isEmpty || actor != nil else { return }
            let now = try await transaction.now()
            try await transaction.record(
                new.map { .key("secrets.prepared", $0, by: actor, at: now) }
                    + (activated.affectedRows == 1
                        ? [.key("secrets.activated", sealing, by: actor, at: now)] : []))
        }
    }

    /// Audits that somebody had documents sealed by hand.
    public func noteSealing(_ pass: SealingPass, by actor: String) async throws(StoreError) {
        try await transact { transaction in
            try await transaction.record([
                .key(
                    "secrets.sealed", openingKeys.first, by: actor, at: transaction.now(),
                    reason:
                        "\(pass.sealed) sealed, \(pass.rekeyed) brought under the new key, \(pass.damaged.count) damaged"
                )
            ])
        }
    }

    /// A document's content as its row has it.
    func content(of row: PostgresRow, _ digest: ContentDigest) throws(StoreError) -> [UInt8] {
        do {
            let content = try row.decode([UInt8].self, at: 0)
            guard let keyID = try row.decode(String?.self, at: 1), let key = try row.decode([UInt8]?.self, at: 2) else {
                return content
            }
            guard let sealing else {
                throw StoreError(
                    code: .sealed,
                    message:
                        "document \(digest.short) is sealed with the key \(keyID.prefix(64)), and this coordinator was "
                        + "given none: start it with --secrets-key-file")
            }
            return try sealing.open(SealedDocument(keyID: keyID, sealedKey: key, content: content), as: digest)
        } catch let error as StoreError {
            throw error
        } catch let error as PostgresError {
            throw StoreError(postgres: error)
        } catch {
            throw StoreError(code: .sealed, message: "\(error)")
        }
    }
}

/// The keys that replicas were started with so far.
private struct KnownKeys {
    static let question = "SELECT key_id, activated_at IS NOT NULL FROM secret_keys"

    var all: Set<String> = []
    /// Those that have sealed.
    var activated: Set<String> = []

    init(_ rows: PostgresResult) throws {
        for row in rows {
            let (key, isActivated) = try row.decode(String.self, Bool.self)
            all.insert(key)
            if isActivated { activated.insert(key) }
        }
    }
}

/// Documents as rows: sealed where they hold Secrets and there is a key.
struct DocumentRows {
    var digests: [ContentDigest] = []
    var contents: [[UInt8]] = []
    var keyIDs: [String?] = []
    var sealedKeys: [[UInt8]?] = []
    var areSecret: [Bool] = []

    init(_ documents: [ContentDocument], _ sealing: (any DocumentSealing)?) throws(StoreError) {
        // One row a digest, in order: an upsert touches no row twice, and rivals meet in the same order.
        let content = Dictionary(documents.map { ($0.digest, $0.content) }) { first, _ in first }
        for digest in content.keys.sorted() {
            let bytes = content[digest] ?? []
            let isSecret = SecretContent.isSecret(bytes)
            var sealed: SealedDocument?
            if isSecret, let sealing {
                do { sealed = try sealing.seal(bytes, as: digest) } catch {
                    throw StoreError(code: .sealed, message: "a Secret cannot be sealed", cause: error)
                }
            }
            digests.append(digest)
            contents.append(sealed?.content ?? bytes)
            keyIDs.append(sealed?.keyID)
            sealedKeys.append(sealed?.sealedKey)
            areSecret.append(isSecret)
        }
    }
}

extension PostgresTransaction {
    /// Documents are at most 8 MiB: so many of them fit into memory.
    private static let batch: PostgresValue = 16
    private static let keysAtOnce: PostgresValue = 200

    /// Looks at some documents in clear, in order; gives the last one's digest, nil after the last.
    fileprivate func sealSome(
        after: String, _ sealing: (any DocumentSealing)?, _ pass: inout SealingPass
    ) async throws -> String? {
        let rows = try await query(
            """
            SELECT digest, content, is_secret IS NULL FROM documents
            WHERE key_id IS NULL AND is_secret IS NOT FALSE AND digest > $1 AND ($2 OR is_secret IS NULL)
            ORDER BY digest LIMIT $3::bigint FOR NO KEY UPDATE SKIP LOCKED
            """, [.text(after), .bool(sealing != nil), Self.batch])
        var last: String?
        var done = SealingPass()
        for row in rows {
            let (text, content, isNew) = try row.decode(String.self, [UInt8].self, Bool.self)
            last = text
            let digest = try ContentDigest(text)
            let isSecret = SecretContent.isSecret(content)
            let sealed = isSecret ? try sealing?.seal(content, as: digest) : nil
            try await query(
                "UPDATE documents SET is_secret = $2, content = $3, key_id = $4, sealed_key = $5 WHERE digest = $1",
                [
                    .text(text), .bool(isSecret), .bytes(sealed?.content ?? content), .text(sealed?.keyID),
                    .bytes(sealed?.sealedKey),
                ])
            if isNew { done.examined += 1 }
            if sealed != nil { done.sealed += 1 }
        }
        pass.examined += done.examined
        pass.sealed += done.sealed
        return last
    }

    /// Brings some documents under the key that seals, in order; gives the last one's digest, nil after the last.
    fileprivate func rekeySome(
        after: String, _ sealing: any DocumentSealing, _ pass: inout SealingPass
    ) async throws -> String? {
        let rows = try await query(
            """
            SELECT digest, key_id, sealed_key FROM documents
            WHERE key_id = ANY($1) AND digest > $2 ORDER BY digest LIMIT $3::bigint FOR NO KEY UPDATE SKIP LOCKED
            """, [.texts(Array(sealing.openingKeys.dropFirst())), .text(after), Self.keysAtOnce])
        var last: String?
        var (digests, keys): ([String], [[UInt8]]) = ([], [])
        var damaged: [ContentDigest] = []
        for row in rows {
            let (text, keyID, key) = try row.decode(String.self, String.self, [UInt8].self)
            last = text
            let digest = try ContentDigest(text)
            do {
                let former = SealedDocument(keyID: keyID, sealedKey: key, content: [])
                guard let renewed = try sealing.rekeyed(former, as: digest) else { continue }
                digests.append(text)
                keys.append(renewed.sealedKey)
            } catch {
                damaged.append(digest)
            }
        }
        if !digests.isEmpty {
            try await query(
                """
                UPDATE documents d SET key_id = $1, sealed_key = n.key
                FROM unnest($2::text[], $3::bytea[]) AS n (digest, key) WHERE d.digest = n.digest
                """, [.text(sealing.sealingKey), .texts(digests), .byteArrays(keys)])
        }
        pass.rekeyed += digests.count
        pass.damaged += damaged
        return last
    }
}
