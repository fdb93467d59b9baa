internal import FoundationEssentials
internal import SwellIdentity
internal import SwellModel
internal import SwellStore
internal import Synchronization

/// The certificates that were ended before their time, as this replica remembers them beside the database: one that is restored to a moment
/// before brings none of them back.
///
/// Each is remembered until it would have expired by itself.
final class EndedCertificates: Sendable {
    /// How many are remembered; beyond it those go that expire first.
    static let limit = 20_000

    private struct File: Codable {
        var version = 1
        var ended: [EndedCertificate]
    }

    /// Where they are written down; nil for nowhere.
    private let path: String?
    private let remembered: Mutex<[CertificateUse: EndedCertificate]>

    /// - Throws: ``IdentityError`` where there is a file that cannot be read or understood.
    init(path: String?) throws {
        self.path = path
        self.remembered = Mutex(try path.map(Self.read) ?? [:])
    }

    var uses: [CertificateUse] { remembered.withLock { $0.keys.sorted() } }

    func contains(_ use: CertificateUse) -> Bool { remembered.withLock { $0[use] != nil } }

    /// Remembers these, and forgets what has expired.
    ///
    /// - Throws: ``IdentityError`` where they cannot be written down; they are remembered all the same.
    func add(_ ended: [EndedCertificate], now: Timestamp) throws {
        let isNews = remembered.withLock { known in
            let before = known.count
            let isNews = ended.contains { known[$0.use] == nil }
            for certificate in ended { known[certificate.use] = certificate }
            known = Self.kept(known, now)
            return isNews || known.count != before
        }
        guard isNews, let path else { return }
        // Another replica may share the folder: nobody forgets what the other has learnt.
        var all = try Self.read(path)
        all.merge(remembered.withLock { $0 }) { $1 }
        let file = File(ended: Self.kept(all, now).values.sorted { $0.use < $1.use })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try SecretFile.write(String(decoding: try encoder.encode(file), as: UTF8.self), to: path, mode: 0o600)
    }

    private static func kept(
        _ known: [CertificateUse: EndedCertificate], _ now: Timestamp
    ) -> [CertificateUse: EndedCertificate] {
        var kept = known.filter { $0.value.expiresAt > now }
        if kept.count > limit {
            let last = kept.sorted { ($1.value.expiresAt, $0.key) < ($0.value.expiresAt, $1.key) }.prefix(limit)
            kept = Dictionary(uniqueKeysWithValues: last.map { ($0.key, $0.value) })
        }
        return kept
    }

    private static func read(_ path: String) throws -> [CertificateUse: EndedCertificate] {
        guard try SecretFile.isThere(path) else { return [:] }
        let text = try SecretFile.read(path, access: .notEverybody)
        guard let file = try? JSONDecoder().decode(File.self, from: Data(text.utf8)), file.version == 1 else {
            throw IdentityError(
                .file,
                "\(path) cannot be understood: it tells which certificates were ended, so that a restored database brings none back; where that is known otherwise, remove it"
            )
        }
        return Dictionary(file.ended.map { ($0.use, $0) }) { $1 }
    }
}
