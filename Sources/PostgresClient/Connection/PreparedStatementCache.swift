/// Which statements a connection has prepared: at most so many, the least recently used going first. A value without I/O.
struct PreparedStatementCache {
    struct Key: Hashable {
        let sql: String
        let types: [UInt32]
    }

    /// What to send for a statement.
    enum Plan: Equatable {
        case use(name: String)
        case prepare(name: String)
    }

    private struct Entry {
        let name: String
        var lastUse: Int
    }

    let limit: Int
    private var entries: [Key: Entry] = [:]
    /// Counts uses, and with them names.
    private var uses = 0
    /// Statements that the server still holds and nobody wants.
    private(set) var discarded: [String] = []

    init(limit: Int) { self.limit = limit }

    var count: Int { entries.count }

    /// What to do to run a statement.
    mutating func plan(_ key: Key) -> Plan {
        uses += 1
        if let name = entries[key]?.name {
            entries[key]?.lastUse = uses
            return .use(name: name)
        }
        return .prepare(name: "s\(uses)")
    }

    /// The server has prepared a statement.
    mutating func prepared(_ key: Key, name: String) {
        if let old = entries.updateValue(Entry(name: name, lastUse: uses), forKey: key) { discarded.append(old.name) }
        guard entries.count > limit, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
            return
        }
        entries[oldest.key] = nil
        discarded.append(oldest.value.name)
    }

    /// The server has let go of a statement.
    mutating func deallocated(_ name: String) { discarded.removeAll { $0 == name } }

    /// A schema change has made what is prepared stale.
    mutating func discardAll() {
        discarded += entries.values.map(\.name).sorted()
        entries.removeAll()
    }

    /// The server holds nothing any more.
    mutating func forgetAll() {
        discarded.removeAll()
        entries.removeAll()
    }
}
