internal import Crypto
public import SwellIdentity
public import SwellModel

/// The coordinator's folder on disk: its authority, the operator's token, and what joining agents need. All state of rollouts
/// is in PostgreSQL; this holds secrets, and what a database must not forget when it is restored. Replicas may share it or be given copies.
public struct StateFolder: Sendable {
    /// The folder's path; made with mode 0700 where it is missing.
    public let path: String

    public init(path: String) { self.path = path }

    /// `operator-token`: the bearer token of the first operator, mode 0600.
    public var operatorTokenFile: String { path + "/operator-token" }
    /// `ca.pem`: the authority's certificate, for operators and agents.
    public var authorityFile: String { path + "/ca.pem" }
    /// `ca-hash`: the pin for joining agents.
    public var authorityHashFile: String { path + "/ca-hash" }

    /// `revoked.json`: what was revoked in the last two days, mode 0600.
    public var rememberedEndsFile: String { path + "/revoked.json" }
    /// Where the authority is.
    public var directory: AuthorityDirectory { AuthorityDirectory(path: path + "/authority") }

    /// Writes for operators and agents what they are to trust: every authority that is, and the pin of the one that signs.
    public func publish(_ authority: AuthoritySet) throws(IdentityError) {
        try SecretFile.write(authority.rootsPEM(), to: authorityFile, mode: 0o644)
        try SecretFile.write("\(authority.issuing.fingerprint)\n", to: authorityHashFile, mode: 0o644)
    }

    /// Loads what is there and makes what is missing.
    ///
    /// - Returns: the authority and the operator's token.
    public func open(
        trustDomain: TrustDomain, now: Timestamp
    ) throws(IdentityError) -> (authority: AuthoritySet, operatorToken: String) {
        try SecretFile.makeDirectory(path)
        let authority: AuthoritySet
        do {
            // Once there was one, its absence is a loss and no beginning: agents out there trust it.
            let isBegun = try SecretFile.isThere(authorityHashFile)
            authority =
                isBegun
                ? try directory.loadSet(trustDomain: trustDomain, now: now)
                : try directory.loadOrCreateSet(trustDomain: trustDomain, now: now)
        } catch  where SecretFile.exists(authorityFile) || SecretFile.exists(path + "/authority/authority.pem") {
            // Another replica that shares the folder made it in the same moment; half of one is still an error.
            authority = try directory.loadSet(trustDomain: trustDomain, now: now)
        }
        try publish(authority)
        if !SecretFile.exists(operatorTokenFile) {
            do {
                try SecretFile.write(Self.makeToken() + "\n", to: operatorTokenFile, mode: 0o600, replacing: false)
            } catch  where SecretFile.exists(operatorTokenFile) {
                // The other replica was quicker: its token is the token.
            }
        }
        let text = try SecretFile.read(operatorTokenFile, access: .notEverybody)
        return (authority, text.filter { !$0.isWhitespace })
    }

    /// A replica's name where none was given: the host's with the port for agents, which tells those of one machine apart, and a word that is
    /// drawn once a folder, since hosts can have one name. The same one at each start.
    public func replicaName(host: String, port: Int) throws(IdentityError) -> String {
        try SecretFile.makeDirectory(path)
        let file = path + "/replica-id"
        if try !SecretFile.isThere(file) {
            let word = String(UInt32.random(in: .min ... .max), radix: 36)
            do {
                try SecretFile.write(word + "\n", to: file, mode: 0o644, replacing: false)
            } catch  where SecretFile.exists(file) {
                // A replica that shares the folder was quicker.
            }
        }
        let word = try SecretFile.read(file, access: .anybody).filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
        return "\(host)-\(port)-\(word.prefix(16))"
    }

    /// 256 random bits in hexadecimal, behind a word that tells secret scanners what it is.
    private static func makeToken() -> String {
        let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        return "swell_operator_" + bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }
}
