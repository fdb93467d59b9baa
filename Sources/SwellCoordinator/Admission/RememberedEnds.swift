internal import FoundationEssentials
internal import SwellIdentity
internal import SwellModel
internal import SwellStore
internal import Synchronization

/// What was ended before its time, as this replica remembers it beside the database: one that is restored to a moment before brings none of
/// it back.
///
/// Remembered for ``lifetime``, after which what was ended has expired by itself.
final class RememberedEnds: Sendable {
    /// How many floors (one a cluster) and single certificates are remembered; beyond it the oldest go.
    static let floorLimit = 20_000
    static let certificateLimit = 5_000
    /// Twice what a certificate lives.
    static let lifetime = CertificateAuthority.defaultLeafLifetime + CertificateAuthority.defaultLeafLifetime
    /// Above what the limits allow to be written.
    static let sizeLimit = 8 << 20

    private struct Certificate: Codable, Hashable {
        var cluster: ClusterName
        var serial: String
        var at: Timestamp

        var use: CertificateUse { CertificateUse(cluster, serial: serial) }
    }

    private struct File: Codable {
        var version = 1
        var floors: [TrustFloor]
        var certificates: [Certificate]
    }

    private struct Memory {
        var floors: [ClusterName: TrustFloor] = [:]
        var certificates: [CertificateUse: Certificate] = [:]

        init() {}

        init(_ file: File) {
            floors = Dictionary(file.floors.map { ($0.cluster, $0) }) { $0.at < $1.at ? $1 : $0 }
            certificates = Dictionary(file.certificates.map { ($0.use, $0) }) { $1 }
        }

        var file: File {
            File(
                floors: floors.values.sorted { $0.cluster < $1.cluster },
                certificates: certificates.values.sorted { $0.use < $1.use })
        }

        /// Takes in what is news, and forgets what is too old or too much.
        mutating func merge(_ other: Memory, now: Timestamp) {
            floors.merge(other.floors) { $0.at < $1.at ? $1 : $0 }
            certificates.merge(other.certificates) { known, _ in known }
            let oldest = now - RememberedEnds.lifetime
            floors = floors.filter { $0.value.at > oldest }
            certificates = certificates.filter { $0.value.at > oldest }
            if floors.count > RememberedEnds.floorLimit {
                let last = floors.values.sorted { ($1.at, $0.cluster) < ($0.at, $1.cluster) }
                floors = Dictionary(
                    uniqueKeysWithValues: last.prefix(RememberedEnds.floorLimit).map { ($0.cluster, $0) })
            }
            if certificates.count > RememberedEnds.certificateLimit {
                let last = certificates.values.sorted { ($1.at, $0.use) < ($0.at, $1.use) }
                certificates = Dictionary(
                    uniqueKeysWithValues: last.prefix(RememberedEnds.certificateLimit).map { ($0.use, $0) })
            }
        }
    }

    private struct State {
        var memory: Memory
        /// Whether the file lacks some of it.
        var isUnwritten = false
    }

    /// Where it is written down; nil for nowhere.
    private let path: String?
    private let state: Mutex<State>

    /// - Throws: ``IdentityError`` where there is a file that cannot be read or understood.
    init(path: String?) throws {
        self.path = path
        self.state = Mutex(State(memory: try path.map(Self.read) ?? Memory()))
    }

    /// All of it, for the store to end again.
    func all(now: Timestamp) -> EndedTrust {
        let file = state.withLock { $0.memory.file }
        return EndedTrust(floors: file.floors, certificates: file.certificates.map(\.use), now: now)
    }

    /// Whether a certificate was ended by its serial number.
    func isNamed(_ use: CertificateUse) -> Bool { state.withLock { $0.memory.certificates[use] != nil } }

    /// The floor by which a certificate that the store lists was ended all the same, as far as its moment tells: by the table of ``TrustFloor``
    /// only where the store is behind it.
    func floor(ending use: CertificateUse, issuedAt: Timestamp) -> TrustFloor? {
        state.withLock { $0.memory.floors[use.cluster] }.flatMap {
            $0.ends(use.serial, issuedAt: issuedAt, tolerance: .zero - TrustFloor.tolerance) ? $0 : nil
        }
    }

    /// Whether a certificate that the store does not know was ended, by the table of ``TrustFloor``.
    func contains(_ use: CertificateUse, issuedAt: Timestamp) -> Bool {
        state.withLock {
            $0.memory.certificates[use] != nil
                || $0.memory.floors[use.cluster]?.ends(use.serial, issuedAt: issuedAt) == true
        }
    }

    /// Remembers what the store told.
    ///
    /// - Throws: ``IdentityError`` where it cannot be written down; it is remembered all the same, and written the next time.
    func add(_ ended: EndedTrust) throws {
        let isUnwritten = state.withLock { state in
            let before = state.memory
            var news = Memory()
            for var floor in ended.floors {
                // One that was noted under a clock that was ahead is remembered by when it was told: whoever joins after it, in a store of
                // before, would be ended by its moment otherwise. Told again, it is the same one.
                let known = before.floors[floor.cluster]
                let isKnown = known.map { $0.number == floor.number && $0.serial == floor.serial } ?? false
                floor.at = min(floor.at, isKnown ? known?.at ?? ended.now : ended.now)
                news.floors[floor.cluster] = floor
            }
            news.certificates = Dictionary(
                ended.certificates.map { ($0, Certificate(cluster: $0.cluster, serial: $0.serial, at: ended.now)) }
            ) { $1 }
            state.memory.merge(news, now: ended.now)
            if before.floors != state.memory.floors || before.certificates != state.memory.certificates {
                state.isUnwritten = true
            }
            return state.isUnwritten
        }
        guard isUnwritten, let path else { return }
        // Another replica may share the folder: nobody forgets what the other has learnt.
        var all = try Self.read(path)
        all.merge(state.withLock { $0.memory }, now: ended.now)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try SecretFile.write(String(decoding: try encoder.encode(all.file), as: UTF8.self), to: path, mode: 0o600)
        state.withLock { $0.isUnwritten = false }
    }

    private static func read(_ path: String) throws -> Memory {
        guard try SecretFile.isThere(path) else { return Memory() }
        let text = try SecretFile.read(path, access: .notEverybody, limit: sizeLimit)
        guard let file = try? JSONDecoder().decode(File.self, from: Data(text.utf8)), file.version == 1 else {
            throw IdentityError(
                .file,
                "\(path) cannot be understood: it tells what was revoked, so that a restored database does not bring it back. Remove it, and revoke again what was revoked since the backup, if the database was restored"
            )
        }
        return Memory(file)
    }
}
