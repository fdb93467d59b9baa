internal import PostgresClient
internal import PostgresTesting
internal import SwellModel
internal import Testing

@testable internal import SwellStore

/// Secrets of releases at rest.
@Suite struct SealingTests {
    /// A sealing whose ciphertexts are easily told and opened: what the store does with them is in question, not what they are.
    private struct PlainSealing: DocumentSealing {
        var openingKeys: [String]
        var sealingKey: String { openingKeys[0] }

        struct Refusal: Error {}

        func seal(_ content: [UInt8], as digest: ContentDigest) throws -> SealedDocument {
            SealedDocument(
                keyID: sealingKey, sealedKey: Array("\(sealingKey) \(digest)".utf8), content: content.map { $0 ^ 0x55 })
        }

        func open(_ sealed: SealedDocument, as digest: ContentDigest) throws -> [UInt8] {
            guard openingKeys.contains(sealed.keyID), sealed.sealedKey == Array("\(sealed.keyID) \(digest)".utf8)
            else { throw Refusal() }
            return sealed.content.map { $0 ^ 0x55 }
        }

        func rekeyed(_ sealed: SealedDocument, as digest: ContentDigest) throws -> SealedDocument? {
            guard sealed.keyID != sealingKey else { return nil }
            guard openingKeys.contains(sealed.keyID), sealed.sealedKey == Array("\(sealed.keyID) \(digest)".utf8)
            else { throw Refusal() }
            return SealedDocument(
                keyID: sealingKey, sealedKey: Array("\(sealingKey) \(digest)".utf8), content: sealed.content)
        }
    }

    private static func secret(_ number: Int) -> ContentDocument {
        ContentDocument(
            content: Array(
                "{\"data\":{\"password\":\"aGlkZGVuLXdvcmQ=\"},\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\(number)\"}}"
                    .utf8))
    }

    private static let settings = ContentDocument(
        content: Array("{\"data\":{\"a\":\"hidden-nowhere\"},\"kind\":\"ConfigMap\"}".utf8))

    private func withDatabase(_ body: (PostgresPool) async throws -> Void) async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { try await body($0) }
    }

    private func store(_ pool: PostgresPool, _ keys: String...) -> PostgresStore {
        PostgresStore(pool: pool, sealing: keys.isEmpty ? nil : PlainSealing(openingKeys: keys))
    }

    /// Makes a release with these documents besides its index.
    private func release(_ version: String, _ documents: [ContentDocument], in store: PostgresStore) async throws {
        _ = try await store.createRelease(
            Fixtures.release(version), documents: Fixtures.documents(version) + documents)
    }

    private func clear(_ pool: PostgresPool) async throws -> Int {
        try await pool.query(
            "SELECT count(*) FROM documents WHERE position('aGlkZGVu'::bytea IN content) > 0"
        ).scalars(Int.self)[0]
    }

    @Test func nothingIsSealedUnderAKeyThatWasRetired() async throws {
        try await withDatabase { pool in
            let former = store(pool, "former")
            let present = store(pool, "present", "former")
            try await Fixtures.fill(present)
            try await release("1.0", [Self.secret(1)], in: former)
            #expect(try await present.retireSecretKeys(["former"]) == ["former": 1], "one is sealed under it")
            try await release("1.1", [Self.secret(2)], in: former)
            _ = try await present.sealDocuments()
            #expect(try await present.retireSecretKeys(["former"]) == [:])
            #expect(try await present.retireSecretKeys(["former"]) == [:])
            // A replica that nobody has restarted.
            let error = await #expect(throws: StoreError.self) {
                try await release("1.2", [Self.secret(3)], in: former)
            }
            #expect(
                error?.code == .sealed && error?.message.contains("restart this replica") == true, "\(error as Any)")
            #expect(try await former.release(of: Fixtures.release("1.2").application, version: "1.2") == nil)
            try await release("1.2", [Self.secret(3)], in: present)
        }
    }

    @Test func eachKeyIsAuditedOnce() async throws {
        try await withDatabase { pool in
            let (former, both, turned) = (store(pool, "a"), store(pool, "a", "b"), store(pool, "b", "a"))
            func told() async throws -> [String] {
                try await both.latestEvents(filter: EventFilter(), limit: 100).filter { $0.what.hasPrefix("secrets.") }
                    .map { "\($0.what) \($0.to ?? "-") by \($0.by)" }
            }
            for _ in 0..<2 { try await former.noteSecretKeys(by: nil) }
            #expect(try await told() == [], "the first of an installation")
            for _ in 0..<2 { try await both.noteSecretKeys(by: "ann@host") }
            for _ in 0..<2 { try await turned.noteSecretKeys(by: "ann@host") }
            try await both.noteSecretKeys(by: nil)
            for _ in 0..<2 { #expect(try await turned.retireSecretKeys(["a"], by: "bob@host") == [:]) }
            try await turned.noteSealing(try await turned.sealDocuments(), by: "bob@host")
            #expect(
                try await told() == [
                    "secrets.prepared b by ann@host", "secrets.activated b by ann@host",
                    "secrets.retired a by bob@host", "secrets.sealed b by bob@host",
                ])
        }
    }

    @Test func secretsAreSealedAndNothingElseIs() async throws {
        try await withDatabase { pool in
            let store = store(pool, "one")
            try await Fixtures.fill(store)
            try await release("2.0", [Self.secret(1), Self.secret(2), Self.settings], in: store)
            #expect(try await clear(pool) == 0)
            let facts = try await store.sealingFacts()
            #expect(facts == SealingFacts(inClear: 0, unexamined: 0, sealed: ["one": 2]))
            for document in [Self.secret(1), Self.secret(2), Self.settings] {
                #expect(try await store.document(document.digest) == document.content)
            }
            // The digest is of what was sealed, whatever seals it: the same content is the same document.
            try await release("3.0", [Self.secret(1)], in: self.store(pool, "two", "one"))
            #expect(try await store.document(Self.secret(1).digest) == Self.secret(1).content)
            let sealed = try await self.store(pool, "two", "one").sealingFacts().sealed
            #expect(sealed == ["one": 2])
        }
    }

    @Test func whatWasStoredInClearIsSealedOnceThereIsAKey() async throws {
        try await withDatabase { pool in
            let blind = store(pool)
            try await Fixtures.fill(blind)
            try await release("2.0", (0..<40).map(Self.secret) + [Self.settings], in: blind)
            // As an earlier version left it: nobody says what is secret.
            try await pool.query("UPDATE documents SET is_secret = NULL")
            #expect(try await clear(pool) == 40)
            let before = try await blind.sealingFacts()
            #expect(before.inClear == 0 && before.unexamined > 40)
            // Without a key it is known at least.
            let looked = try await blind.sealDocuments()
            #expect(looked.examined == before.unexamined && looked.sealed == 0)
            let known = try await blind.sealingFacts()
            #expect(known == SealingFacts(inClear: 40, unexamined: 0))
            let again = try await blind.sealDocuments()
            #expect(again == SealingPass())

            let store = store(pool, "one")
            let pass = try await store.sealDocuments()
            #expect(pass.sealed == 40 && pass.examined == 0 && pass.damaged.isEmpty)
            #expect(try await clear(pool) == 0)
            let idle = try await store.sealDocuments()
            #expect(idle == SealingPass())
            for number in 0..<40 {
                #expect(try await store.document(Self.secret(number).digest) == Self.secret(number).content)
            }
        }
    }

    @Test func keysChangeWhileTwoReplicasLook() async throws {
        try await withDatabase { pool in
            let first = store(pool, "one")
            try await Fixtures.fill(first)
            try await release("2.0", (0..<450).map(Self.secret), in: first)
            let (one, two) = (store(pool, "two", "one"), store(pool, "two", "one"))
            async let left = one.sealDocuments()
            async let right = two.sealDocuments()
            let moved = try await left.rekeyed + right.rekeyed
            let rest = try await one.sealDocuments()
            #expect(moved + rest.rekeyed == 450)
            let facts = try await one.sealingFacts()
            #expect(facts.sealed == ["two": 450])
            #expect(try await store(pool, "two").document(Self.secret(7).digest) == Self.secret(7).content)
        }
    }

    @Test func whatNoKeyOpensIsNamedAndNothingIsLost() async throws {
        try await withDatabase { pool in
            let store = store(pool, "one")
            try await Fixtures.fill(store)
            try await release("2.0", [Self.secret(1), Self.secret(2), Self.settings], in: store)
            for other in [self.store(pool), self.store(pool, "wrong")] {
                let error = await #expect(throws: StoreError.self) { try await other.document(Self.secret(1).digest) }
                #expect(error?.code == .sealed)
                #expect(try await other.document(Self.settings.digest) == Self.settings.content)
                let facts = try await other.sealingFacts()
                #expect(facts.unreadable(with: other.openingKeys) == ["one": 2])
                let pass = try await other.sealDocuments()
                #expect(pass.rekeyed == 0 && pass.sealed == 0)
            }
            let missing = await #expect(throws: StoreError.self) {
                try await self.store(pool).document(Self.secret(1).digest)
            }
            #expect(missing?.message.contains("--secrets-key-file") == true)

            // One row in another's place is found out, by looking and by reading; the others come under the next key.
            try await pool.query(
                """
                UPDATE documents d SET content = o.content, sealed_key = o.sealed_key
                FROM documents o WHERE d.digest = $1 AND o.digest = $2
                """, [.text(Self.secret(1).digest.rawValue), .text(Self.secret(2).digest.rawValue)])
            let next = self.store(pool, "two", "one")
            let error = await #expect(throws: StoreError.self) { try await next.document(Self.secret(1).digest) }
            #expect(error?.code == .sealed)
            let pass = try await next.sealDocuments()
            #expect(pass.damaged == [Self.secret(1).digest] && pass.rekeyed == 1)
            #expect(try await next.document(Self.secret(2).digest) == Self.secret(2).content)
        }
    }
}
