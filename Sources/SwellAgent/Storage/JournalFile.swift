internal import FoundationEssentials
internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// The journal on disk: one JSON file, replaced whole and flushed at each change.
struct JournalFile: Sendable {
    /// The version of the file's form that this program writes and understands.
    static let version = 1
    private static let sizeLimit = 64 << 20

    let path: String
    private let memory = Memory()

    /// What was written last, for all copies.
    private final class Memory: Sendable {
        let encoder = Mutex(JournalEncoder())
    }

    init(stateDirectory: String) { self.path = stateDirectory + "/journal.json" }

    private struct Envelope: Decodable {
        var version: Int
        var journal: AgentJournal
    }

    private struct VersionOnly: Codable { var version: Int }

    /// The stored journal; nil before the first.
    ///
    /// - Throws: ``AgentError`` with code `corruptJournal` when the file is there and cannot be understood.
    func load() throws(AgentError) -> AgentJournal? {
        guard let bytes = try AtomicFile.read(path, limit: Self.sizeLimit) else { return nil }
        let data = Data(bytes)
        do {
            let version = try JSONDecoder().decode(VersionOnly.self, from: data).version
            guard version == Self.version else {
                throw AgentError(
                    .corruptJournal, "\(path): version \(version); this agent understands version \(Self.version)")
            }
            return try JSONDecoder().decode(Envelope.self, from: data).journal
        } catch let error as AgentError {
            throw error
        } catch {
            throw AgentError(.corruptJournal, "\(path): not a journal as this agent writes it", cause: error)
        }
    }

    /// Writes the journal; on return it has reached the disk.
    func write(_ journal: AgentJournal) async throws {
        let bytes = try memory.encoder.withLock { encoder throws in
            try encoder.encode(journal, version: Self.version)
        }
        let path = path
        try await AtomicFile.offload { try AtomicFile.write(bytes, to: path, isDurable: true) }
    }

    /// Moves an unreadable journal out of the way, for people to look at; gives its new path.
    func setAside(now: Timestamp) throws(AgentError) -> String {
        let other = "\(path).unreadable-\(now.milliseconds)"
        try AtomicFile.move(path, to: other)
        return other
    }
}
