public import SwellModel
internal import Synchronization
public import X509

/// The authority that signs, with those that are trusted beside it while one takes another's place.
public struct AuthoritySet: Sendable {
    /// The one that signs.
    public let issuing: CertificateAuthority
    /// Others that are trusted: the next one, or the former one.
    public let others: [Certificate]
    /// The certificates in which the authorities sign each other, as they are stored.
    public let bridges: [Certificate]

    /// Whether the others are former ones; next ones otherwise.
    private let areFormer: Bool

    /// - Parameters:
    ///   - others: at most one; none in ordinary times.
    ///   - bridges: at most two.
    ///   - areFormer: whether the one that signs took the others' place.
    public init(
        _ issuing: CertificateAuthority, others: [Certificate] = [], bridges: [Certificate] = [],
        areFormer: Bool = false
    ) {
        self.areFormer = areFormer
        self.issuing = issuing
        self.others = others
        self.bridges = bridges
    }

    /// Every authority that is trusted, the one that signs first.
    public var roots: [Certificate] { [issuing.certificate] + others }

    /// What a peer is shown beside a leaf that is issued now, so that it can go over from one authority to the other. What the one that signs says
    /// of former ones is made for this leaf, and good for as long.
    public func path(
        at now: Timestamp, lifetime: Interval = CertificateAuthority.defaultLeafLifetime
    ) throws(IdentityError) -> [Certificate] {
        guard areFormer else { return roots + bridges }
        var path = roots + bridges.filter { $0.publicKey == issuing.certificate.publicKey }
        for former in others where Timestamp(former.notValidAfter) > now {
            path.append(try issuing.crossSign(former: former, now: now, lifetime: lifetime))
        }
        return path
    }

    /// Every authority that is trusted as PEM, for those who connect.
    public func rootsPEM() throws(IdentityError) -> String { try pem(of: roots) }

    /// This set without those others whose fingerprints are among `retired`, and without what leads to them. The one that signs stays.
    public func leavingOut(_ retired: Set<String>) -> AuthoritySet {
        let kept = others.filter { !retired.contains("\(KeyFingerprint(of: $0.publicKey))") }
        guard kept.count < others.count else { return self }
        return AuthoritySet(issuing, others: kept, bridges: kept.isEmpty ? [] : bridges, areFormer: areFormer)
    }

    /// Issues a certificate, with a new key, to the coordinator. Its chain leads to every authority that an agent may trust now.
    public func issueServerCredential(
        names: ServerNames, now: Timestamp, lifetime: Interval = CertificateAuthority.defaultLeafLifetime
    ) throws(IdentityError) -> Credential {
        let issued = try issuing.issueServerCredential(names: names, now: now, lifetime: lifetime)
        return try Credential(chain: [issued.leaf] + path(at: now, lifetime: lifetime), key: issued.key)
    }

    /// What tells this set from another.
    public var fingerprints: [KeyFingerprint] { roots.map { KeyFingerprint(of: $0.publicKey) } }

    /// The same, in the order in which they sign: the former one, the one that signs, the next one. By the steps that were taken: two may be
    /// of one second, and clocks go back.
    public var fingerprintsByAge: [KeyFingerprint] {
        (areFormer ? others + [issuing.certificate] : roots).map { KeyFingerprint(of: $0.publicKey) }
    }
}

/// The authority as it is now, for all that sign with it or judge by it. Replacing it needs no restart.
public final class RotatingAuthority: Sendable {
    private struct Held {
        /// As the folder has it.
        var found: AuthoritySet
        /// The fingerprints of what is trusted no more in this installation, whatever a folder has.
        var retired: Set<String> = []

        var trusted: AuthoritySet { found.leavingOut(retired) }
    }

    private let held: Mutex<Held>
    /// The authorities that peers are judged by.
    public let trusted: TrustedAuthorities
    /// The circle of trust, which does not change with the authority.
    public let trustDomain: TrustDomain

    public init(_ set: AuthoritySet) {
        self.held = Mutex(Held(found: set))
        self.trusted = TrustedAuthorities(set.roots)
        self.trustDomain = set.issuing.trustDomain
    }

    /// One that is alone.
    public convenience init(_ authority: CertificateAuthority) { self.init(AuthoritySet(authority)) }

    /// The authority and those beside it that are trusted.
    public var current: AuthoritySet { held.withLock(\.trusted) }

    /// The set as it was given, with those beside the authority that are left out since they were retired.
    public var found: AuthoritySet { held.withLock(\.found) }

    /// Those of ``found`` that are left out.
    public var leftOut: [KeyFingerprint] {
        held.withLock { held in
            let kept = held.trusted.fingerprints
            return held.found.fingerprints.filter { !kept.contains($0) }
        }
    }

    /// Signs with, and judges by, `set` from now on. What was signed before counts as long as its authority is in the set and was not
    /// retired.
    public func replace(with set: AuthoritySet) {
        held.withLock {
            $0.found = set
            trusted.replace(with: $0.trusted.roots, retired: $0.retired)
        }
    }

    /// Trusts nothing with one of these fingerprints from now on, whatever set is given and whoever signed it; only the one that signs is not
    /// left out.
    public func leaveOut(_ retired: Set<String>) {
        held.withLock { held in
            guard held.retired != retired else { return }
            held.retired = retired
            trusted.replace(with: held.trusted.roots, retired: retired)
        }
    }

    /// What of `set` would be trusted.
    public func trusting(_ set: AuthoritySet) -> AuthoritySet { set.leavingOut(held.withLock(\.retired)) }

    /// Issues a certificate, with a new key, to the coordinator. Its chain leads to every authority that an agent may trust now.
    public func issueServerCredential(
        names: ServerNames, now: Timestamp, lifetime: Interval = CertificateAuthority.defaultLeafLifetime
    ) throws(IdentityError) -> Credential {
        try current.issueServerCredential(names: names, now: now, lifetime: lifetime)
    }

    /// Issues a certificate to the agent of `cluster`, as ``CertificateAuthority/issueAgentCertificate(cluster:for:serial:now:lifetime:)``.
    ///
    /// - Returns: with it, the authorities that the agent is to trust, and in what they sign each other.
    public func issueAgentCertificate(
        cluster: ClusterName, for request: SigningRequest, serial: String? = nil, now: Timestamp,
        lifetime: Interval = CertificateAuthority.defaultLeafLifetime
    ) throws(IdentityError) -> (certificate: IssuedCertificate, authorities: [Certificate]) {
        let set = current
        let issued = try set.issuing.issueAgentCertificate(
            cluster: cluster, for: request, serial: serial, now: now, lifetime: lifetime)
        // With all of it, also a replica that does not know of the change yet can judge.
        let path = try set.path(at: now, lifetime: lifetime)
        return (IssuedCertificate(chain: [issued.leaf] + path, identity: issued.identity), path)
    }
}

extension [Certificate] {
    /// As DER, as it goes over the wire.
    public func encodedAsDER() throws(IdentityError) -> [[UInt8]] {
        do {
            return try map { try $0.derBytes() }
        } catch {
            throw IdentityError(.invalidCertificate, "a certificate cannot be written as DER", cause: error)
        }
    }
}
