/// How many connections a port holds, of whom.
package struct ConnectionLimits: Sendable, Hashable {
    /// All connections. Beyond, a new one is refused: those that are here work.
    package var total: Int
    /// So many places of ``total`` are strangers' alone, so that whoever is known cannot take away what asks nobody's leave (a probe), nor
    /// keep the next one from becoming known.
    package var reserved: Int
    /// Connections of whom nothing is known yet. Beyond, the oldest of them goes: it had the longest time to say who it is.
    package var strangers: Int
    /// Strangers from one ``AddressBlock``. Beyond, the oldest from there goes, so that one address displaces only its own.
    package var strangersPerAddress: Int
    /// Connections of one peer that is known. Beyond, its oldest goes: an agent whose network broke comes again before its former
    /// connection is known to be dead. Nil for as many as ``total``.
    package var perPeer: Int?

    package init(
        total: Int, strangers: Int, strangersPerAddress: Int, perPeer: Int? = nil, reserved: Int = 0
    ) {
        precondition(total > 0 && strangers > 0 && strangersPerAddress > 0 && perPeer ?? 1 > 0)
        precondition((0..<total).contains(reserved))
        self.total = total
        self.reserved = reserved
        self.strangers = strangers
        self.strangersPerAddress = strangersPerAddress
        self.perPeer = perPeer
    }
}

/// The connections of a port, and which go when more come. Pure: who calls it closes what it names.
///
/// What is named to be closed is out of the table at once. Bounded by ``ConnectionLimits/total``.
package struct ConnectionTable<ID: Hashable & Sendable>: Sendable {
    /// What becomes of a new connection.
    package enum Admission: Sendable, Hashable {
        /// It is in; the displaced one is to be closed.
        case admitted(displacing: ID?)
        case refused
    }

    private struct Entry {
        /// Rises with each connection, so the lowest is the oldest.
        var number: UInt64
        var address: AddressBlock
        var peer: String?
    }

    package let limits: ConnectionLimits
    private var entries: [ID: Entry] = [:]
    private var strangers: [AddressBlock: Set<ID>] = [:]
    private var peers: [String: Set<ID>] = [:]
    private var nextNumber: UInt64 = 0
    /// How many of the connections are strangers'.
    package private(set) var strangerCount = 0

    package init(_ limits: ConnectionLimits) { self.limits = limits }

    package var count: Int { entries.count }

    /// Whether nothing is known yet of the one at the other end; false for what is not in the table.
    package func isStranger(_ id: ID) -> Bool { entries[id].map { $0.peer == nil } ?? false }

    /// Whether it is known who is at the other end; false for what is not in the table.
    package func isKnown(_ id: ID) -> Bool { entries[id].map { $0.peer != nil } ?? false }

    /// Where a connection comes from; nil for what is not in the table.
    package func address(of id: ID) -> AddressBlock? { entries[id]?.address }

    /// The connections of a peer that is known.
    package func connections(of peer: String) -> Set<ID> { peers[peer] ?? [] }

    /// Takes a new connection in.
    package mutating func admit(_ id: ID, from address: AddressBlock) -> Admission {
        guard entries[id] == nil else { return .admitted(displacing: nil) }
        var displaced: ID?
        let neighbours = strangers[address] ?? []
        if neighbours.count >= limits.strangersPerAddress {
            displaced = oldest(of: neighbours)
        } else if strangerCount >= limits.strangers {
            // The address with the most is who floods, if it is one; its oldest goes before another's.
            displaced = strangers.values.max { $0.count < $1.count }.flatMap { most in
                most.count > 1 ? oldest(of: most) : oldest(of: entries.keys.filter(isStranger))
            }
        }
        if let displaced { remove(displaced) }
        guard entries.count < limits.total else { return .refused }
        entries[id] = Entry(number: nextNumber, address: address)
        nextNumber += 1
        strangers[address, default: []].insert(id)
        strangerCount += 1
        return .admitted(displacing: displaced)
    }

    /// Notes who is at the other end of a connection; gives the one that goes for it: the peer's oldest where it has one too many; where
    /// only the places that are ``ConnectionLimits/reserved`` are left, the oldest of the peer with the most, or this very one where
    /// nobody has two.
    package mutating func recognise(_ id: ID, as peer: String) -> ID? {
        guard let entry = entries[id], entry.peer != peer else { return nil }
        forgetOwner(id, entry)
        entries[id]?.peer = peer
        let others = peers[peer] ?? []
        var displaced = others.count >= limits.perPeer ?? .max ? oldest(of: others) : nil
        peers[peer, default: []].insert(id)
        if displaced == nil, count - strangerCount > limits.total - limits.reserved {
            let most = peers.values.map(\.count).max() ?? 0
            displaced = most > 1 ? oldest(of: peers.values.filter { $0.count == most }.joined()) : id
        }
        if let displaced { remove(displaced) }
        return displaced
    }

    /// A connection is gone, or is to be closed.
    package mutating func remove(_ id: ID) {
        guard let entry = entries[id] else { return }
        forgetOwner(id, entry)
        entries[id] = nil
    }

    private mutating func forgetOwner(_ id: ID, _ entry: Entry) {
        if let peer = entry.peer {
            peers[peer]?.remove(id)
            if peers[peer]?.isEmpty == true { peers[peer] = nil }
        } else {
            strangers[entry.address]?.remove(id)
            if strangers[entry.address]?.isEmpty == true { strangers[entry.address] = nil }
            strangerCount -= 1
        }
    }

    /// Looks through them: only where a limit is reached, and what is looked through is as many as it allows.
    private func oldest(of ids: some Sequence<ID>) -> ID? {
        ids.min { entries[$0]?.number ?? .max < entries[$1]?.number ?? .max }
    }
}
