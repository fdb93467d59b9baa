internal import Crypto
internal import FoundationEssentials
public import SwellModel

/// The keys under which Secrets of releases are stored: AES-256-GCM in two layers. Each document has a key of its own, which is sealed with
/// the first of these; so a change of keys touches the small sealed keys, and no key seals more than it safely may.
public struct SecretsKeyring: DocumentSealing {
    /// The most keys of one ring.
    public static let maximumKeys = 16

    private struct Key: Sendable {
        let id: String
        let key: SymmetricKey

        init(_ key: SymmetricKey) {
            self.key = key
            var hash = SHA256()
            hash.update(data: Array("swell secrets key\0".utf8))
            key.withUnsafeBytes { hash.update(bufferPointer: $0) }
            self.id = SecretsKeyring.hexadecimal(Array(hash.finalize()).prefix(8))
        }
    }

    private let keys: [Key]

    public var sealingKey: String { keys[0].id }
    public var openingKeys: [String] { keys.map(\.id) }

    /// Reads a key file: one key a line, in hexadecimal behind ``prefix``; the first seals, all open. Lines that begin with `#` are left
    /// out.
    public init(parsing text: String, file: String) throws(IdentityError) {
        var keys: [Key] = []
        var number = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            let word = line.split(whereSeparator: \.isWhitespace).first ?? ""
            if word.isEmpty || word.hasPrefix("#") { continue }
            // What it was is not said: it may be a key with a slip in it.
            guard word.hasPrefix(Self.prefix), let bytes = Self.bytes(word.dropFirst(Self.prefix.count)),
                bytes.count == 32
            else {
                throw IdentityError(
                    .file, "\(file):\(number): no key; expected \(Self.prefix) and 64 hexadecimal digits")
            }
            let key = Key(SymmetricKey(data: bytes))
            guard !keys.contains(where: { $0.id == key.id }) else {
                throw IdentityError(.file, "\(file):\(number): the key \(key.id) is in the file already")
            }
            keys.append(key)
        }
        guard !keys.isEmpty, keys.count <= Self.maximumKeys else {
            throw IdentityError(.file, "\(file): \(keys.count) keys; expected 1 to \(Self.maximumKeys)")
        }
        self.keys = keys
    }

    private init(_ keys: [Key]) { self.keys = keys }

    /// Tells secret scanners what it is.
    static let prefix = "swell_secrets_key_"

    /// A ring of one new key.
    public static func generate() -> SecretsKeyring { SecretsKeyring([Key(SymmetricKey(size: .bits256))]) }

    /// The file's text.
    package var text: String {
        keys.map { key in
            "# \(key.id)\n" + Self.prefix + key.key.withUnsafeBytes { Self.hexadecimal(Array($0)) } + "\n"
        }.joined()
    }

    /// The ring with one more key, which only opens as yet.
    public func adding(_ other: SecretsKeyring) -> SecretsKeyring { SecretsKeyring(keys + other.keys) }

    /// The ring in which the last key seals.
    public func activatingLast() -> SecretsKeyring { SecretsKeyring(Array(keys.suffix(1) + keys.dropLast())) }

    /// The ring with nothing but the key that seals.
    public func retiringOthers() -> SecretsKeyring { SecretsKeyring(Array(keys.prefix(1))) }

    // MARK: - Sealing

    public func seal(_ content: [UInt8], as digest: ContentDigest) throws -> SealedDocument {
        let own = SymmetricKey(size: .bits256)
        let sealed = try AES.GCM.seal(content, using: own, authenticating: Self.bound(content: digest))
        return try wrapped(own, around: Array(sealed.combined ?? Data()), digest)
    }

    public func open(_ sealed: SealedDocument, as digest: ContentDigest) throws -> [UInt8] {
        let own = try unwrapped(sealed, digest)
        do {
            let box = try AES.GCM.SealedBox(combined: sealed.content)
            return Array(try AES.GCM.open(box, using: own, authenticating: Self.bound(content: digest)))
        } catch {
            throw Self.damaged(digest)
        }
    }

    public func rekeyed(_ sealed: SealedDocument, as digest: ContentDigest) throws -> SealedDocument? {
        guard sealed.keyID != sealingKey else { return nil }
        return try wrapped(try unwrapped(sealed, digest), around: sealed.content, digest)
    }

    private func wrapped(
        _ own: SymmetricKey, around content: [UInt8], _ digest: ContentDigest
    ) throws -> SealedDocument {
        let key = keys[0]
        let plain = own.withUnsafeBytes { Array($0) }
        let box = try AES.GCM.seal(plain, using: key.key, authenticating: Self.bound(key: key.id, digest))
        return SealedDocument(keyID: key.id, sealedKey: Array(box.combined ?? Data()), content: content)
    }

    private func unwrapped(_ sealed: SealedDocument, _ digest: ContentDigest) throws -> SymmetricKey {
        guard let key = keys.first(where: { $0.id == sealed.keyID }) else {
            throw IdentityError(
                .missingKey,
                "document \(digest.short) is sealed with the key \(sealed.keyID.prefix(64)), and the keys given are "
                    + "\(openingKeys.joined(separator: ", ")): add that key to the file of --secrets-key-file")
        }
        do {
            let box = try AES.GCM.SealedBox(combined: sealed.sealedKey)
            let plain = try AES.GCM.open(box, using: key.key, authenticating: Self.bound(key: key.id, digest))
            return SymmetricKey(data: plain)
        } catch {
            throw Self.damaged(digest)
        }
    }

    private static func damaged(_ digest: ContentDigest) -> IdentityError {
        IdentityError(
            .damagedSecret,
            "what is stored as document \(digest.short) was changed, cut short, or sealed as another document: restore "
                + "that row of `documents` from a backup, or make the release again")
    }

    private static func bound(content digest: ContentDigest) -> [UInt8] {
        Array("swell document 1\0\(digest.rawValue)".utf8)
    }

    private static func bound(key id: String, _ digest: ContentDigest) -> [UInt8] {
        Array("swell document key 1\0\(id)\0\(digest.rawValue)".utf8)
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func bytes(_ text: Substring) -> [UInt8]? {
        guard text.utf8.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        var rest = text[...]
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16), rest.first?.isHexDigit == true else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}

/// A file with the keys of a ring, mode 0600.
public struct SecretsKeyFile: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    public var exists: Bool { SecretFile.exists(path) }

    /// Reads the ring.
    public func read() throws(IdentityError) -> SecretsKeyring {
        try SecretsKeyring(parsing: try SecretFile.read(path, access: .notEverybody), file: path)
    }

    /// The ring; nil where the file is missing or empty, as service managers have what was not given to them.
    public func readIfAny() throws(IdentityError) -> SecretsKeyring? {
        guard exists, try SecretFile.read(path, access: .notEverybody).contains(where: { !$0.isWhitespace }) else {
            return nil
        }
        return try read()
    }

    /// Writes a ring; without `replacing`, a file that is there already is an error.
    public func write(_ ring: SecretsKeyring, replacing: Bool) throws(IdentityError) {
        try SecretFile.write(ring.text, to: path, mode: 0o600, replacing: replacing)
    }
}
