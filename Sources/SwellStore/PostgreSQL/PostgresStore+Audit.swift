internal import PostgresClient
public import SwellEngine
public import SwellModel

extension PostgresStore: AuditStore {
    private static let columns = """
        SELECT id, at, caused_by, what, rollout, application, stage, region, cluster, from_phase, to_phase, reason
        FROM audit_events
        """

    public func events(after cursor: Int64, filter: EventFilter, limit: Int) async throws(StoreError) -> [AuditEvent] {
        let (conditions, parameters) = filter.conditions(after: [.int64(cursor), .int(limit)])
        return try await read(
            "\(Self.columns) WHERE id > $1\(conditions) ORDER BY id LIMIT $2", parameters
        ) { try $0.map { try AuditEvent($0) } }
    }

    public func latestEvents(filter: EventFilter, limit: Int) async throws(StoreError) -> [AuditEvent] {
        let (conditions, parameters) = filter.conditions(after: [.int(limit)])
        return try await read(
            "\(Self.columns) WHERE true\(conditions) ORDER BY id DESC LIMIT $1", parameters
        ) { try $0.reversed().map { try AuditEvent($0) } }
    }

    public func plan(of rollout: RolloutName) async throws(StoreError) -> Rollout? {
        try await read("SELECT plan FROM rollouts WHERE name = $1", [.name(rollout)]) { try $0.first?.json(0) }
    }

    public func transitions(of rollout: RolloutName, after cursor: Int64, limit: Int) async throws(StoreError) -> (
        transitions: [Transition], cursor: Int64
    ) {
        try await read(
            """
            SELECT transition, id FROM audit_events WHERE rollout = $1 AND transition IS NOT NULL AND id > $2
            ORDER BY id LIMIT $3
            """, [.name(rollout), .int64(cursor), .int(limit)]
        ) { rows in
            (try rows.map { try $0.json(0) }, try rows.last?.decode(Int64.self, at: 1) ?? cursor)
        }
    }
}

extension EventFilter {
    /// The restrictions as SQL, with the parameters that come before theirs.
    fileprivate func conditions(after given: [PostgresValue]) -> (sql: String, parameters: [PostgresValue]) {
        var sql = ""
        var parameters = given
        let wanted: [(String, String?)] = [
            ("rollout", rollout?.rawValue), ("application", application?.rawValue), ("cluster", cluster?.rawValue),
            ("region", region?.rawValue),
        ]
        for (column, value) in wanted {
            guard let value else { continue }
            parameters.append(.text(value))
            sql += " AND \(column) = $\(parameters.count)"
        }
        return (sql, parameters)
    }
}

extension AuditEvent {
    fileprivate init(_ row: PostgresRow) throws {
        self.init(
            id: try row.decode(at: 0), at: try row.time(1), by: try row.decode(at: 2), what: try row.decode(at: 3),
            rollout: try row.nameIfAny(4), application: try row.nameIfAny(5), stage: try row.nameIfAny(6),
            region: try row.nameIfAny(7), cluster: try row.nameIfAny(8), from: try row.decode(at: 9),
            to: try row.decode(at: 10), reason: try row.decode(at: 11))
    }
}
