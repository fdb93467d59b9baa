public import SwellModel
public import X509

/// How an authority is replaced while everything runs, step by step, in its directory. Replicas follow what is there.
///
/// 1. ``prepare(trustDomain:now:)``: the next one is made (`next.pem`, `next-key.pem`), and both sign each other (`bridges.pem`). From now
///    on it is trusted, and certificates still come from the old one.
/// 2. ``activate(trustDomain:now:)``: it signs. The old one is trusted still (`former.pem`), and its key is gone. What the next one says of
///    it from then on goes out with each certificate, and is good for as long.
/// 3. ``retire(trustDomain:now:isForced:)``: once what the old one signed has expired, it is trusted no more.
extension AuthorityDirectory {
    /// Where a change stands.
    public enum Phase: String, Sendable { case settled, prepared, activated }

    var nextFile: String { path + "/next.pem" }
    var nextKeyFile: String { path + "/next-key.pem" }
    var formerFile: String { path + "/former.pem" }
    var bridgesFile: String { path + "/bridges.pem" }
    var activatedFile: String { path + "/activated-at" }

    /// Where the change of the authority stands, as the files say.
    ///
    /// - Throws: where that cannot be looked at: nothing is taken for over on account of a volume that is away.
    public var phase: Phase {
        get throws(IdentityError) {
            if try isAnother(formerFile) { return .activated }
            return try isAnother(nextFile) ? .prepared : .settled
        }
    }

    /// Whether a file beside the authority has another one. Files are written and copied one after the other: for a moment, or where that was
    /// cut short, one of them has the authority that signs.
    private func isAnother(_ file: String) throws(IdentityError) -> Bool {
        guard try SecretFile.isThere(file) else { return false }
        guard try SecretFile.isThere(certificateFile) else { return true }
        func keys(_ file: String) throws(IdentityError) -> [Certificate.PublicKey] {
            try certificates(fromPEM: SecretFile.read(file, access: .anybody), origin: file).map(\.publicKey)
        }
        return try keys(file) != keys(certificateFile)
    }

    /// The authority with those beside it that are valid still. Makes nothing: where there is none, that is an error.
    public func loadSet(trustDomain: TrustDomain, now: Timestamp) throws(IdentityError) -> AuthoritySet {
        try set(around: load(trustDomain: trustDomain), now: now)
    }

    /// The same at the first start of an installation, where ``loadOrCreate(trustDomain:now:)`` makes the authority if there is none.
    public func loadOrCreateSet(trustDomain: TrustDomain, now: Timestamp) throws(IdentityError) -> AuthoritySet {
        try set(around: loadOrCreate(trustDomain: trustDomain, now: now), now: now)
    }

    private func set(around issuing: CertificateAuthority, now: Timestamp) throws(IdentityError) -> AuthoritySet {
        let file: String
        let phase = try phase
        switch phase {
        case .settled: return AuthoritySet(issuing)
        case .prepared: file = nextFile
        case .activated: file = formerFile
        }
        // One that has expired vouches for nobody any more, and agents refuse an answer that names it.
        func valid(_ file: String) throws(IdentityError) -> [Certificate] {
            try certificates(fromPEM: SecretFile.read(file, access: .anybody), origin: file)
                .filter { Timestamp($0.notValidAfter) > now }
        }
        let others = try valid(file)
        return AuthoritySet(
            issuing, others: others, bridges: others.isEmpty ? [] : try valid(bridgesFile),
            areFormer: phase == .activated)
    }

    /// When the authority that is prepared was made; nil where none is.
    public func preparedAt() throws(IdentityError) -> Timestamp? {
        guard try SecretFile.isThere(nextFile) else { return nil }
        let next = try certificates(fromPEM: SecretFile.read(nextFile, access: .anybody), origin: nextFile)
        return next.first.map { Timestamp($0.notValidBefore) + CertificateAuthority.clockAllowance }
    }

    /// Makes the next authority, which is trusted from now on and does not sign yet. Returns its pin.
    public func prepare(trustDomain: TrustDomain, now: Timestamp) throws(IdentityError) -> KeyFingerprint {
        let old = try load(trustDomain: trustDomain)
        let phase = try phase
        guard phase == .settled else {
            throw misplaced("prepare", "the last change is not over: it is \(phase.rawValue)")
        }
        let next = try CertificateAuthority.create(trustDomain: trustDomain, now: now)
        let bridges = try [
            old.crossSign(next: next.certificate, now: now), next.crossSign(former: old.certificate, now: now),
        ]
        // The certificate last: while it is missing, nothing has begun.
        try SecretFile.write(next.keyPEM(), to: nextKeyFile, mode: 0o600)
        try SecretFile.write(pem(of: bridges), to: bridgesFile, mode: 0o644)
        try SecretFile.write(next.certificatePEM(), to: nextFile, mode: 0o644)
        return next.fingerprint
    }

    /// Lets the prepared authority sign. It may be run again where it was interrupted. Returns its pin.
    public func activate(trustDomain: TrustDomain, now: Timestamp) throws(IdentityError) -> KeyFingerprint {
        guard try SecretFile.isThere(nextFile) else {
            throw misplaced("activate", "no authority is prepared; run 'swell-coordinator authority prepare' before")
        }
        let next = try Self.load(
            certificateFile: nextFile, keyFile: nextKeyFile, trustDomain: trustDomain, access: .ownerOnly)
        let certificate = try SecretFile.read(certificateFile, access: .anybody)
        let nextCertificate = try next.certificatePEM()
        if certificate != nextCertificate {
            try SecretFile.write(certificate, to: formerFile, mode: 0o644)
            try SecretFile.write("\(now)\n", to: activatedFile, mode: 0o644)
            try SecretFile.write(next.keyPEM(), to: keyFile, mode: 0o600)
            try SecretFile.write(nextCertificate, to: certificateFile, mode: 0o644)
        }
        try SecretFile.remove(nextFile)
        try SecretFile.remove(nextKeyFile)
        return next.fingerprint
    }

    /// Ends the trust in the former authority. Refused while certificates that it signed may be valid, unless it `isForced`: their
    /// agents join again with new tokens.
    public func retire(trustDomain: TrustDomain, now: Timestamp, isForced: Bool) throws(IdentityError) {
        let (phase, isUnderWay) = (try phase, try SecretFile.isThere(nextFile))
        guard phase == .activated, !isUnderWay else {
            throw misplaced("retire", "no former authority is trusted; it is \(phase.rawValue)")
        }
        // A folder that was put together again lacks it: when that change began, nobody knows.
        var until: Timestamp?
        if try SecretFile.isThere(activatedFile) {
            let text = try SecretFile.read(activatedFile, access: .anybody).filter { !$0.isWhitespace }
            until = Timestamp(text).map { $0 + CertificateAuthority.defaultLeafLifetime }
        }
        guard isForced || until.map({ $0 <= now }) == true else {
            throw misplaced(
                "retire",
                "certificates of the former authority may be valid until \(until.map { "\($0)" } ?? "tomorrow"); "
                    + "--force ends them, and their agents join again with new tokens")
        }
        try SecretFile.remove(formerFile)
        try SecretFile.remove(bridgesFile)
        try SecretFile.remove(activatedFile)
    }

    private func misplaced(_ step: String, _ why: String) -> IdentityError {
        IdentityError(.file, "\(path): cannot \(step): \(why)")
    }
}

extension CertificateAuthority {
    /// Signs the next authority's certificate, for those who trust this one. Good for as long as this one is: whoever was away for
    /// long finds the coordinator by it.
    public func crossSign(next other: Certificate, now: Timestamp) throws(IdentityError) -> Certificate {
        // Later than this one's beginning, which is when earlier versions signed former ones (``SignedAuthority``).
        let start = max(now - Self.clockAllowance, Timestamp(certificate.notValidBefore) + .seconds(1))
        return try crossSign(other, from: start, to: notValidAfter)
    }

    /// Signs the former authority's certificate, for those who trust this one alone while what the former one issued is good still. Its key
    /// may be in anybody's hands later, so this is short.
    public func crossSign(
        former other: Certificate, now: Timestamp, lifetime: Interval = formerLifetime
    ) throws(IdentityError) -> Certificate {
        let start = max(now - Self.clockAllowance, Timestamp(certificate.notValidBefore))
        return try crossSign(
            other, from: start,
            to: min(now + min(lifetime, Self.formerLifetime), Timestamp(other.notValidAfter), notValidAfter))
    }

    /// For how long a signature over a former authority counts at most, whatever it says itself: three days from its beginning, of which
    /// a certificate lives one.
    public static let formerLifetime: Interval = .hours(3 * 24)

    private func crossSign(
        _ other: Certificate, from start: Timestamp, to end: Timestamp
    ) throws(IdentityError) -> Certificate {
        do {
            return try signed(
                version: .v3, publicKey: other.publicKey, subject: other.subject, from: start, to: end,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: other.publicKey)
                    AuthorityKeyIdentifier(
                        keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
                    SubjectAlternativeNames([.uniformResourceIdentifier(trustDomain.uri)])
                })
        } catch {
            throw IdentityError(.invalidCertificate, "the other authority cannot be signed", cause: error)
        }
    }
}
