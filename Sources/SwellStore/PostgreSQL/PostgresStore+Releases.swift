internal import PostgresClient
public import SwellModel

extension PostgresStore: ReleaseStore {
    public func createRelease(_ release: Release, documents: [ContentDocument]) async throws(StoreError) -> Release {
        try DocumentRules.check(release, documents: documents)
        let rows = try DocumentRows(documents, sealing)
        return try await transact { transaction in
            let known = try await transaction.query(
                "SELECT 1 FROM applications WHERE name = $1 FOR SHARE", [.name(release.application)])
            guard !known.isEmpty else { throw StoreError.noApplication(release.application) }
            try await transaction.pipeline([
                // As whoever prunes does: releases first, so that the two never wait for each other.
                PostgresStatement("LOCK TABLE releases IN ROW EXCLUSIVE MODE"),
                PostgresStatement(
                    """
                    INSERT INTO documents (digest, content, key_id, sealed_key, is_secret)
                    SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::bytea[], $5::boolean[])
                    ON CONFLICT (digest) DO NOTHING
                    """,
                    [
                        .digests(rows.digests), .byteArrays(rows.contents), .texts(rows.keyIDs),
                        .byteArrays(rows.sealedKeys), .bools(rows.areSecret),
                    ]),
                PostgresStatement(
                    """
                    INSERT INTO bundle_documents (bundle, document) SELECT $1, unnest($2::text[])
                    ON CONFLICT DO NOTHING
                    """, [.digest(release.reference.digest), .digests(rows.digests)]),
            ])
            let inserted = try await transaction.query(
                """
                INSERT INTO releases (application, version, digest, document) VALUES ($1, $2, $3, $4)
                ON CONFLICT (application, version) DO NOTHING
                """,
                [
                    .name(release.application), .text(release.reference.version), .digest(release.reference.digest),
                    .json(encoding: release),
                ])
            guard inserted.affectedRows == 0 else {
                try await transaction.record([.released(release, at: transaction.now())])
                return release
            }
            let stored: Release = try await transaction.query(
                "SELECT document FROM releases WHERE application = $1 AND version = $2",
                [.name(release.application), .text(release.reference.version)]
            ).single().json(0)
            guard stored.reference.digest == release.reference.digest else {
                throw StoreError.versionTaken(release, by: stored.reference.digest)
            }
            return stored
        }
    }

    public func releases(of application: ApplicationName, limit: Int) async throws(StoreError) -> [Release] {
        try await releaseListing(of: application, limit: limit).whole("release")
    }

    public func releaseListing(
        of application: ApplicationName, limit: Int
    ) async throws(StoreError) -> Listing<Release> {
        try await read(
            "SELECT document, version FROM releases WHERE application = $1 ORDER BY id DESC LIMIT $2",
            [.name(application), .int(limit)]
        ) { try $0.listing(named: 1) { try $0.json(0) } }
    }

    public func release(of application: ApplicationName, version: String) async throws(StoreError) -> Release? {
        try await read(
            "SELECT document FROM releases WHERE application = $1 AND version = $2",
            [.name(application), .text(Column.text(version))]
        ) { try $0.first?.json(0) }
    }

    public func document(_ digest: ContentDigest) async throws(StoreError) -> [UInt8]? {
        try await read("SELECT content, key_id, sealed_key FROM documents WHERE digest = $1", [.digest(digest)]) {
            try $0.first.map { try content(of: $0, digest) }
        }
    }
}
