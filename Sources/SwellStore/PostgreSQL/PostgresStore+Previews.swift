internal import PostgresClient
public import SwellModel

extension PostgresStore: PreviewStore {
    public func askPreviews(
        of release: ReleaseReference, application: ApplicationName, on clusters: [ClusterName], lifetime: Interval
    ) async throws(StoreError) -> [PreviewRequest] {
        try await transact { transaction in
            let results = try await transaction.pipeline([
                PostgresStatement("DELETE FROM previews WHERE expires_at <= clock_timestamp()"),
                PostgresStatement("SELECT count(*) FROM previews WHERE answer IS NULL"),
            ])
            let open = try results[1].scalar(Int.self)
            guard open + clusters.count <= Bounds.openPreviews else { throw StoreError.tooManyPreviews(open) }
            return try await transaction.query(
                """
                INSERT INTO previews (cluster, application, version, digest, expires_at)
                SELECT n.cluster, $2, $3, $4, swell_now() + make_interval(secs => $5::bigint / 1000.0)
                FROM unnest($1::text[]) WITH ORDINALITY AS n (cluster, ordinal) ORDER BY n.ordinal
                RETURNING id, cluster, application, version, digest, $5::bigint
                """,
                [
                    .names(clusters), .name(application), .text(release.version), .digest(release.digest),
                    .int64(lifetime.milliseconds),
                ]
            ).map { try PreviewRequest($0) }
        }
    }

    public func openPreviews() async throws(StoreError) -> [PreviewRequest] {
        try await read(
            """
            SELECT id, cluster, application, version, digest,
                (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::bigint FROM previews
            WHERE answer IS NULL AND expires_at > clock_timestamp() ORDER BY id
            """
        ) { try $0.map { try PreviewRequest($0) } }
    }

    public func answerPreview(_ id: Int64, from cluster: ClusterName, _ answer: PreviewAnswer)
        async throws(StoreError) -> Bool
    {
        try await transact { transaction in
            let result = try await transaction.query(
                """
                UPDATE previews SET answer = $3
                WHERE id = $1 AND cluster = $2 AND answer IS NULL AND expires_at > clock_timestamp()
                """, [.int64(id), .name(cluster), try .json(encoding: answer)])
            return result.affectedRows == 1
        }
    }

    public func answeredPreviews(_ ids: [Int64]) async throws(StoreError) -> Set<Int64> {
        try await read(
            "SELECT id FROM previews WHERE id = ANY($1::bigint[]) AND answer IS NOT NULL", [.int64s(ids)]
        ) { Set(try $0.scalars(Int64.self)) }
    }

    public func previewAnswers(to ids: [Int64]) async throws(StoreError) -> [Int64: PreviewAnswer] {
        try await read(
            "SELECT id, answer FROM previews WHERE id = ANY($1::bigint[]) AND answer IS NOT NULL", [.int64s(ids)]
        ) { rows in
            try rows.reduce(into: [:]) { answers, row in
                answers[try row.decode(Int64.self, at: 0)] = try row.json(1, as: PreviewAnswer.self)
            }
        }
    }

    public func closePreviews(_ ids: [Int64]) async throws(StoreError) {
        try await transact { transaction in
            try await transaction.query("DELETE FROM previews WHERE id = ANY($1::bigint[])", [.int64s(ids)])
        }
    }
}

extension PreviewRequest {
    fileprivate init(_ row: PostgresRow) throws {
        self.init(
            id: try row.decode(at: 0), cluster: try row.name(1), application: try row.name(2),
            release: ReleaseReference(version: try row.decode(at: 3), digest: try row.digest(4)),
            timeLimit: .milliseconds(try row.decode(at: 5)))
    }
}
