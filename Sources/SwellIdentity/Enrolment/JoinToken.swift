internal import Crypto
public import SwellModel

/// What a new agent shows once to be let in: `swell-join.<cluster>.<secret>`.
///
/// The secret (52 characters of a-z and 2-7, 256 bits) is kept nowhere but with its holder; the store has the ``hash``
/// and, under it, the cluster that counts. The name inside the token lets a mistake be found before the token is spent.
/// The description does not show the secret.
public struct JoinToken: Sendable, CustomStringConvertible {
    /// The cluster that the token claims to let in. The store's word counts.
    public let cluster: ClusterName
    private let secret: String

    private static let prefix = "swell-join."
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
    private static let secretLength = 52

    /// Makes a token for `cluster` from `generator`'s randomness, which must be fit for cryptography.
    public static func generate(for cluster: ClusterName, using generator: inout some RandomNumberGenerator)
        -> JoinToken
    {
        var secret: [UInt8] = []
        for _ in 0..<secretLength { secret.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]) }
        return JoinToken(cluster: cluster, secret: String(decoding: secret, as: UTF8.self))
    }

    private init(cluster: ClusterName, secret: String) {
        self.cluster = cluster
        self.secret = secret
    }

    /// Reads a token as the join command has it. The error does not quote it.
    public init(parsing text: String) throws(IdentityError) {
        let rest = text.utf8.count <= 160 && text.hasPrefix(Self.prefix) ? text.dropFirst(Self.prefix.count) : ""
        guard let dot = rest.lastIndex(of: "."), let cluster = try? ClusterName(String(rest[..<dot])) else {
            throw Self.malformed
        }
        let secret = rest[rest.index(after: dot)...]
        guard secret.utf8.count == Self.secretLength, secret.utf8.allSatisfy({ Self.alphabet.contains($0) }) else {
            throw Self.malformed
        }
        self.init(cluster: cluster, secret: String(secret))
    }

    private static var malformed: IdentityError {
        IdentityError(
            .invalidToken,
            "not a join token: expected swell-join.<cluster>.<52 characters of a-z and 2-7>, whole and unchanged")
    }

    /// The whole token, for its one showing to the person who asked for it.
    public var text: String { "\(Self.prefix)\(cluster).\(secret)" }

    /// What is stored in the token's stead: SHA-256 over its text, in hexadecimal. The secret has 256 bits of its own,
    /// so neither salt nor a slow hash is needed, and looking it up by its hash leaks nothing.
    public var hash: String { hexadecimal(SHA256.hash(data: Array(text.utf8))) }

    public var description: String { "\(Self.prefix)\(cluster).***" }
}

extension CertificateAuthority {
    /// The serial number for the certificate that `token` gets `request`'s key, in hexadecimal.
    ///
    /// It follows from both, so that a store which lets the same serial number spend the token again lets an agent ask
    /// again when the first answer was lost on its way, and nobody else.
    public static func enrolmentSerial(of token: JoinToken, for request: SigningRequest) -> String {
        let digest = SHA256.hash(data: Array("swell enrolment \(token.hash) \(request.keyFingerprint)".utf8))
        // RFC 5280, 4.1.2.2: positive, at most 20 bytes. A first byte of 1...127 makes it so.
        var bytes = Array(digest.prefix(16))
        bytes[0] = bytes[0] & 0x7f | 0x40
        return hexadecimal(bytes)
    }
}
