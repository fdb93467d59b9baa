public import SwellModel
@_spi(FixedExpiryValidationTime) public import X509

/// Proves who is on the other side of a connection.
///
/// A peer is believed if its chain leads to a trusted authority, every certificate in it is valid now, the leaf is meant
/// for the peer's side of a connection (extended key usage, which X509's verifier leaves to us), its one URI name is of
/// our trust domain and of the expected role, and its serial number is not denied.
public struct PeerVerifier: Sendable {
    /// Who is expected.
    public struct Expectation: Sendable {
        enum Side { case agent, coordinator }
        let side: Side
        let trustDomain: TrustDomain?

        /// Any cluster's agent of the trust domain.
        public static func cluster(in trustDomain: TrustDomain) -> Expectation {
            Expectation(side: .agent, trustDomain: trustDomain)
        }

        /// The coordinator of the trust domain; nil at first contact, when the pin stands for it.
        public static func coordinator(in trustDomain: TrustDomain?) -> Expectation {
            Expectation(side: .coordinator, trustDomain: trustDomain)
        }
    }

    /// Who a peer was proven to be.
    public struct Peer: Sendable {
        /// Its name.
        public let identity: WorkloadIdentity
        /// Its chain, leaf first, authority last.
        public let chain: ValidatedCertificateChain
        /// When its certificate ceases to be valid; a connection should not outlive it by much.
        public var notValidAfter: Timestamp { Timestamp(chain.leaf.notValidAfter) }
        /// Its certificate's serial number in hexadecimal.
        public var serial: String { chain.leaf.serialText }
    }

    /// The most certificates that a peer may present.
    public static let chainLimit = 6
    /// The most bytes that one certificate may have.
    public static let certificateSizeLimit = 16 * 1024

    private let authorities: TrustedAuthorities
    private let expectation: Expectation
    private let now: @Sendable () -> Timestamp
    private let isDenied: @Sendable (_ serial: String) -> Bool

    /// A verifier that trusts `authorities`.
    ///
    /// - Parameters:
    ///   - now: the wall clock.
    ///   - isDenied: whether the certificate of this serial number (lower-case hexadecimal) was revoked. Called at every
    ///     handshake, on no particular thread; it must not block.
    public init(
        authorities: TrustedAuthorities, expecting expectation: Expectation, now: @escaping @Sendable () -> Timestamp,
        isDenied: @escaping @Sendable (_ serial: String) -> Bool = { _ in false }
    ) {
        self.authorities = authorities
        self.expectation = expectation
        self.now = now
        self.isDenied = isDenied
    }

    /// A verifier for an agent's first contact: it trusts the one authority, among those that the coordinator presents,
    /// whose key has the fingerprint from the join command.
    public init(pinned pin: KeyFingerprint, now: @escaping @Sendable () -> Timestamp) {
        self.authorities = TrustedAuthorities(pinned: pin)
        self.expectation = .coordinator(in: nil)
        self.now = now
        self.isDenied = { _ in false }
    }

    /// Proves the peer that presented `presented`, leaf first.
    public func verify(_ presented: [Certificate]) async throws(IdentityError) -> Peer {
        guard let leaf = presented.first, presented.count <= Self.chainLimit else {
            throw IdentityError(
                .untrusted, "the peer presented \(presented.count) certificates; expected 1 to \(Self.chainLimit)")
        }
        let identity = try checkNames(of: leaf)
        do throws(IdentityError) {
            return try await verify(leaf, Array(presented.dropFirst()), named: identity)
        } catch {
            var refusal = error
            refusal.claimed = identity.clusterName
            throw refusal
        }
    }

    private func verify(
        _ leaf: Certificate, _ rest: [Certificate], named identity: WorkloadIdentity
    ) async throws(IdentityError) -> Peer {
        try checkUsage(of: leaf, named: identity)
        let chain = try await checkChain(leaf: leaf, rest: rest, named: identity)
        let serial = leaf.serialText
        guard !isDenied(serial) else {
            throw IdentityError(.denied, "the certificate of \(identity) with serial \(serial) is on the denylist")
        }
        if let root = chain.last { authorities.note(met: KeyFingerprint(of: root.publicKey)) }
        return Peer(identity: identity, chain: chain)
    }

    private func checkNames(of leaf: Certificate) throws(IdentityError) -> WorkloadIdentity {
        let identity = try leaf.workloadIdentity()
        if let domain = expectation.trustDomain, identity.trustDomain != domain {
            throw IdentityError(.untrusted, "\(identity) is not of trust domain \(domain)")
        }
        switch (expectation.side, identity.role) {
        case (.agent, .cluster), (.coordinator, .coordinator): return identity
        case (.agent, .coordinator): throw IdentityError(.untrusted, "\(identity): expected a cluster's agent")
        case (.coordinator, .cluster): throw IdentityError(.untrusted, "\(identity): expected the coordinator")
        }
    }

    private func checkUsage(of leaf: Certificate, named identity: WorkloadIdentity) throws(IdentityError) {
        let needed: ExtendedKeyUsage.Usage = expectation.side == .agent ? .clientAuth : .serverAuth
        guard let usage = try? leaf.extensions.extendedKeyUsage, usage.contains(needed) else {
            throw IdentityError(.untrusted, "the certificate of \(identity) is not meant for \(needed)")
        }
        if let constraints = try? leaf.extensions.basicConstraints, case .isCertificateAuthority = constraints {
            throw IdentityError(.untrusted, "the certificate of \(identity) is an authority's; expected a leaf")
        }
    }

    /// Before the verifier does, whose words are the whole certificate's.
    private func checkTime(of leaf: Certificate, named identity: WorkloadIdentity) throws(IdentityError) {
        let (now, start, end) = (now(), Timestamp(leaf.notValidBefore), Timestamp(leaf.notValidAfter))
        if now < start {
            throw IdentityError(
                .untrusted,
                "the certificate of \(identity) is valid from \(start) on, but it is \(now) by the clock here: the clock here or the issuer's is wrong"
            )
        }
        if now > end {
            throw IdentityError(
                .untrusted,
                "the certificate of \(identity) with serial \(leaf.serialText) expired at \(end), and it is \(now) by the clock here: it must be renewed, or the clock here is wrong"
            )
        }
    }

    private func checkChain(
        leaf: Certificate, rest: [Certificate], named identity: WorkloadIdentity
    ) async throws(IdentityError) -> ValidatedCertificateChain {
        let anchor = authorities.anchor
        if case .pin(let pin) = anchor, !rest.contains(where: { anchor.holds($0.publicKey) }) {
            throw IdentityError(
                .pinMismatch,
                "no certificate that the coordinator presented has the pinned key \(pin); is the join command of this installation?"
            )
        }
        // Whose it is comes before when it was good: a stranger's own is told of by nothing that it says itself.
        let moment = min(max(now(), Timestamp(leaf.notValidBefore)), Timestamp(leaf.notValidAfter))
        let roots = AuthorityTrust.judges(
            presented: rest, under: anchor, but: authorities.retired,
            in: expectation.trustDomain ?? identity.trustDomain, now: moment)
        let time = moment.date
        var verifier = Verifier(rootCertificates: CertificateStore(roots)) {
            RFC5280Policy(fixedExpiryValidationTime: time)
        }
        // Authorities sign leaves and nothing between: whoever is vouched for is among the roots, and what a peer shows beside is no link.
        switch await verifier.validate(leaf: leaf, intermediates: CertificateStore([])) {
        case .validCertificate(let chain):
            try checkTime(of: leaf, named: identity)
            return chain
        case .couldNotValidate(let failures):
            let reason = failures.map { "\($0.policyFailureReason)" }.joined(separator: "; ")
            throw IdentityError(
                .untrusted,
                "\(identity): \(reason.isEmpty ? "no trusted authority signed its certificate" : reason)")
        }
    }
}
