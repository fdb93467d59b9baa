public import SwellModel

/// Where the authority lives on disk: `authority.pem` and `authority-key.pem` in one directory of mode 0700.
public struct AuthorityDirectory: Sendable {
    /// The directory.
    public let path: String

    /// The directory at `path`, which need not exist yet.
    public init(path: String) { self.path = path }

    var certificateFile: String { path + "/authority.pem" }
    var keyFile: String { path + "/authority-key.pem" }

    /// Loads the authority, or makes one if the directory has none: for the first start of an installation alone. Whoever looks at one
    /// that has to be there uses ``load(trustDomain:)``.
    ///
    /// Half of an authority (a key without its certificate or the reverse) is an error, never a reason to make a new
    /// one: agents out there may trust the lost one. So is one that cannot be looked at.
    public func loadOrCreate(trustDomain: TrustDomain, now: Timestamp) throws(IdentityError) -> CertificateAuthority {
        try SecretFile.makeDirectory(path)
        if try SecretFile.isThere(certificateFile) { return try load(trustDomain: trustDomain) }
        if try SecretFile.isThere(keyFile) { throw missing(certificateFile) }
        let authority = try CertificateAuthority.create(trustDomain: trustDomain, now: now)
        try SecretFile.write(authority.keyPEM(), to: keyFile, mode: 0o600, replacing: false)
        try SecretFile.write(authority.certificatePEM(), to: certificateFile, mode: 0o644, replacing: false)
        return authority
    }

    /// Loads the authority, and makes nothing: where it is missing, that is an error.
    public func load(trustDomain: TrustDomain) throws(IdentityError) -> CertificateAuthority {
        try SecretFile.checkDirectory(path)
        let isThere = (try SecretFile.isThere(certificateFile), try SecretFile.isThere(keyFile))
        switch isThere {
        case (true, true):
            return try Self.load(
                certificateFile: certificateFile, keyFile: keyFile, trustDomain: trustDomain, access: .ownerOnly)
        case (false, false):
            throw IdentityError(
                .file,
                "\(path): there is no authority in it; restore it from its backup, or begin another installation with a new state directory"
            )
        case (let hasCertificate, _): throw missing(hasCertificate ? keyFile : certificateFile)
        }
    }

    private func missing(_ file: String) -> IdentityError {
        IdentityError(
            .file,
            "\(file) is missing beside its other half; restore it, or begin another installation with a new state directory"
        )
    }

    /// Loads an authority that somebody else made and mounted, such as from a Kubernetes secret. The key's file must
    /// not be open to everybody; a group may read it.
    public static func load(
        certificateFile: String, keyFile: String, trustDomain: TrustDomain
    ) throws(IdentityError) -> CertificateAuthority {
        try load(certificateFile: certificateFile, keyFile: keyFile, trustDomain: trustDomain, access: .notEverybody)
    }

    static func load(
        certificateFile: String, keyFile: String, trustDomain: TrustDomain, access: SecretFile.Access
    ) throws(IdentityError) -> CertificateAuthority {
        let certificate = try SecretFile.read(certificateFile, access: .anybody)
        let key = try SecretFile.read(keyFile, access: access)
        return try CertificateAuthority(
            certificatePEM: certificate, keyPEM: key, trustDomain: trustDomain,
            origin: "\(certificateFile) with \(keyFile)")
    }
}
