internal import PostgresClient

/// A role of the database that replicas work as without owning what they work on: it reads and writes, adds to the audit log, and can
/// neither change what is in the log nor drop or alter a table.
public struct ServiceRole: Sendable, Hashable {
    public let name: String

    /// - Throws: ``StoreError`` `invalid` where that is no name of a role: up to 63 letters of a to z, digits and underscores.
    public init(_ name: String) throws(StoreError) {
        guard let first = name.utf8.first, name.utf8.count <= 63,
            !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
            name.utf8.allSatisfy({
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || $0 == UInt8(ascii: "_")
            })
        else {
            throw StoreError(
                code: .invalid,
                message: "the role '\(name)': expected up to 63 of a to z, 0 to 9 and _, beginning with a letter")
        }
        self.name = name
    }

    /// Who was granted to work with the tables, and does not own them.
    static func all(over connection: PostgresConnection) async throws -> [ServiceRole] {
        try await connection.query(
            """
            SELECT DISTINCT a.grantee::regrole::text FROM pg_class c, aclexplode(c.relacl) a
            WHERE c.oid = 'audit_events'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner AND a.grantee <> 0
            """
        ).scalars(String.self).compactMap { try? ServiceRole($0) }
    }

    /// Grants what replicas need, and takes back what they once had of the audit log. May be repeated.
    func grant(over connection: PostgresConnection) async throws {
        let schema = try await connection.query("SELECT quote_ident(current_schema())").scalar(String.self)
        let roles = try await connection.query("SELECT count(*) FROM pg_roles WHERE rolname = $1", [.text(name)])
        guard try roles.scalar(Int.self) == 1 else {
            throw StoreError(code: .notFound, message: "the database has no role '\(name)': CREATE ROLE \(name) LOGIN")
        }
        let isOwner = try await connection.query(
            "SELECT pg_has_role($1, relowner, 'USAGE') FROM pg_class WHERE oid = 'audit_events'::regclass",
            [.text(name)]
        ).scalar(Bool.self)
        guard !isOwner else {
            throw StoreError(
                code: .invalid,
                message:
                    "the role '\(name)' owns the tables, or is a member of who does: nothing that is granted would "
                    + "bind it; make a role of its own, and run this as the owner")
        }
        // PostgreSQL 14 and what was upgraded from it let everybody make objects in `public`.
        try await connection.query("REVOKE CREATE ON SCHEMA \(schema) FROM PUBLIC")
        let mayCreate = try await connection.query(
            "SELECT has_schema_privilege($1, current_schema(), 'CREATE')", [.text(name)]
        ).scalar(Bool.self)
        guard !mayCreate else {
            throw StoreError(
                code: .invalid,
                message:
                    "the role '\(name)' may make objects in the schema \(schema), beside those that it only works with: "
                    + "REVOKE CREATE ON SCHEMA \(schema) FROM PUBLIC, \(name), as a superuser")
        }
        let months = try await connection.query(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_events'::regclass"
        ).scalars(String.self)
        try await connection.withTransaction { [name] transaction in
            for statement in [
                "GRANT USAGE ON SCHEMA \(schema) TO \(name)",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \(schema) TO \(name)",
                "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA \(schema) TO \(name)",
                "REVOKE ALL ON schema_migrations FROM \(name)",
                "GRANT SELECT ON schema_migrations TO \(name)",
                "REVOKE ALL ON audit_retention FROM \(name)",
                // Rows go in and out by the log itself, whatever its partition.
                "REVOKE ALL ON \((["audit_events"] + months).joined(separator: ", ")) FROM \(name)",
                "GRANT SELECT, INSERT ON audit_events TO \(name)",
                "GRANT EXECUTE ON FUNCTION swell_prepare_audit_partitions(integer), swell_drop_audit_partition(text) TO \(name)",
            ] { try await transaction.query(statement) }
        }
    }
}
