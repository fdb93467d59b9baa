internal import FoundationEssentials
internal import SwellEngine
internal import SwellModel

/// The bytes of a journal. Each change writes the whole of it, of which one record has changed: the others' bytes are kept from the last time,
/// so that a cluster of a hundred applications pays for one. Bounded by the journal.
struct JournalEncoder {
    private struct Entry {
        var record: AgentRecord
        var bytes: [UInt8]
    }

    /// The same form, with nothing in place of the records.
    private struct Envelope: Encodable {
        var version: Int
        var journal: AgentJournal
    }

    private static let place = Array("\"applications\":{}".utf8)

    private var entries: [ApplicationName: Entry] = [:]

    mutating func encode(_ journal: AgentJournal, version: Int) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var outline = journal
        outline.applications = [:]
        let around = Array(try encoder.encode(Envelope(version: version, journal: outline)))
        // Within a text its quotes would be escaped.
        guard let place = around.firstRange(of: Self.place) else {
            preconditionFailure("a journal has a place for its records")
        }
        entries = entries.filter { journal.applications[$0.key] != nil }
        var bytes = Array(around[..<place.upperBound].dropLast())
        for (index, name) in journal.applications.keys.sorted().enumerated() {
            guard let record = journal.applications[name] else { continue }
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            // A name has no letter that JSON escapes.
            bytes += Array("\"\(name)\":".utf8)
            bytes += try self.bytes(of: record, named: name, encoder)
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes + around[place.upperBound...]
    }

    private mutating func bytes(
        of record: AgentRecord, named name: ApplicationName, _ encoder: JSONEncoder
    ) throws -> [UInt8] {
        if let entry = entries[name], entry.record == record { return entry.bytes }
        let bytes = Array(try encoder.encode(record))
        entries[name] = Entry(record: record, bytes: bytes)
        return bytes
    }
}
