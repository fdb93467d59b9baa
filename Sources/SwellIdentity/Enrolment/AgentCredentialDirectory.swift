public import Crypto
internal import SwiftASN1
public import X509

/// Where an agent keeps who it is: a directory of mode 0700 with three files.
///
/// - `credential.pem`: private key and certificate chain together (0600), replaced in one step at each renewal.
/// - `authority.pem`: the authorities that it trusts.
/// - `pending-key.pem`: the key of an enrolment under way (0600), so that a retry shows the same key and a join token
///   whose first answer was lost still serves.
public struct AgentCredentialDirectory: Sendable {
    /// The directory.
    public let path: String

    /// The directory at `path`, which need not exist yet.
    public init(path: String) { self.path = path }

    private var credentialFile: String { path + "/credential.pem" }
    private var authorityFile: String { path + "/authority.pem" }
    private var pendingKeyFile: String { path + "/pending-key.pem" }

    /// The stored credential and the authorities, or nil before the first enrolment.
    public func load() throws(IdentityError) -> (credential: Credential, authorities: [Certificate])? {
        guard try SecretFile.isThere(credentialFile), try SecretFile.isThere(authorityFile) else { return nil }
        try SecretFile.makeDirectory(path)
        let text = try SecretFile.read(credentialFile, access: .ownerOnly)
        guard let split = text.firstRange(of: "-----BEGIN CERTIFICATE-----") else {
            throw IdentityError(
                .invalidCertificate,
                "\(credentialFile): expected a private key and a certificate; remove it to enrol again")
        }
        let credential = try Credential(
            chainPEM: String(text[split.lowerBound...]), keyPEM: String(text[..<split.lowerBound]),
            origin: credentialFile)
        let authorities = try certificates(
            fromPEM: SecretFile.read(authorityFile, access: .anybody), origin: authorityFile)
        return (credential, authorities)
    }

    private var pinFile: String { path + "/pin" }

    /// The pin that the stored authorities were begun with; nil where none was noted.
    public func pin() throws(IdentityError) -> KeyFingerprint? {
        guard try SecretFile.isThere(pinFile) else { return nil }
        return try KeyFingerprint(parsing: SecretFile.read(pinFile, access: .anybody).filter { !$0.isWhitespace })
    }

    /// Notes the pin that the stored authorities began with.
    public func store(pin: KeyFingerprint) throws(IdentityError) {
        try SecretFile.makeDirectory(path)
        try SecretFile.write("\(pin)\n", to: pinFile, mode: 0o644)
    }

    /// The key for the enrolment under way; made and written down at the first call.
    public func pendingKey() throws(IdentityError) -> P256.Signing.PrivateKey {
        try SecretFile.makeDirectory(path)
        if try SecretFile.isThere(pendingKeyFile) {
            return try privateKey(
                fromPEM: SecretFile.read(pendingKeyFile, access: .ownerOnly), origin: pendingKeyFile)
        }
        let key = P256.Signing.PrivateKey()
        try SecretFile.write(key.pemRepresentation, to: pendingKeyFile, mode: 0o600, replacing: false)
        return key
    }

    /// Stores a new credential and what to trust, and ends the enrolment under way.
    public func store(_ credential: Credential, authorities: [Certificate]) throws(IdentityError) {
        try SecretFile.makeDirectory(path)
        try SecretFile.write(pem(of: authorities), to: authorityFile, mode: 0o644)
        let key = credential.key.pemRepresentation
        try SecretFile.write(
            key + (key.hasSuffix("\n") ? "" : "\n") + credential.chainPEM(), to: credentialFile, mode: 0o600)
        try SecretFile.remove(pendingKeyFile)
    }
}
