internal import SwellModel
internal import SwellStore

/// The newest rows of the audit log, as far as a replica has read them for its streams: without a gap from ``floor`` to ``head``.
///
/// Overflow rule: of more than ``capacity`` rows the oldest go; whoever is behind them reads the log itself.
struct AuditWindow: Sendable {
    static let capacity = 2_000

    /// The id up to which rows are known.
    private(set) var head: Int64
    /// The id above which they are held.
    private(set) var floor: Int64
    private var rows: [AuditEvent] = []

    /// Begins behind the log's newest row.
    init(behind id: Int64) {
        self.head = id
        self.floor = id
    }

    /// Takes in the rows that follow ``head``, in their order.
    mutating func take(_ new: [AuditEvent]) {
        for row in new {
            precondition(row.id > head, "rows of the audit log come in order")
            head = row.id
            rows.append(row)
        }
        guard rows.count > Self.capacity else { return }
        let excess = rows.count - Self.capacity
        floor = rows[excess - 1].id
        rows.removeFirst(excess)
    }

    /// The rows after `cursor` that a filter admits; nil where they are not all held.
    func rows(after cursor: Int64, _ filter: EventFilter) -> [AuditEvent]? {
        guard cursor >= floor else { return nil }
        return rows.filter { $0.id > cursor && filter.admits($0) }
    }
}
