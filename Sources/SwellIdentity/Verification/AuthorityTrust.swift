internal import SwellModel
public import X509

/// What an agent trusts before it is told of anything else: the authorities that it has, or at first contact the pin of one.
public enum TrustAnchor: Sendable {
    case authorities([Certificate])
    case pin(KeyFingerprint)

    /// Whether a key is one of those that are trusted.
    func holds(_ key: Certificate.PublicKey) -> Bool {
        switch self {
        case .authorities(let list): list.contains { $0.publicKey == key }
        case .pin(let pin): KeyFingerprint(of: key) == pin
        }
    }
}

/// Which authorities may be trusted that were not before: those alone that a trusted one has signed.
///
/// An authority that changes signs the next one (``CertificateAuthority/crossSign(_:now:)``), and the next one signs it back. So trust goes
/// on from what an agent has, whoever speaks as the coordinator; a stranger's root is refused, also beside a trusted one.
enum AuthorityTrust {
    /// The authorities to trust from now on, of those that are offered.
    ///
    /// - Parameters:
    ///   - offered: self-signed authorities, and the certificates in which they sign each other.
    ///   - anchor: what is trusted now.
    /// - Throws: `pinMismatch` where the pinned one is not offered; `untrusted` where any authority is not vouched for, or none is left.
    static func authorities(
        among offered: [Certificate], under anchor: TrustAnchor, in domain: TrustDomain, now: Timestamp
    ) throws(IdentityError) -> [Certificate] {
        let roots = offered.filter(\.isSelfSigned)
        if case .pin(let pin) = anchor, !roots.contains(where: { anchor.holds($0.publicKey) }) {
            throw IdentityError(
                .pinMismatch, "none of the authorities that the coordinator named has the pinned key \(pin)")
        }
        let trusted = trustedRoots(offered, anchor)
        for root in roots {
            if let fault = fault(of: root, in: domain, now: now) {
                throw IdentityError(.untrusted, "the authority \(KeyFingerprint(of: root.publicKey)) \(fault)")
            }
            guard anchor.holds(root.publicKey) || isVouched(root, by: trusted, offered, in: domain, now: now) else {
                throw IdentityError(
                    .untrusted,
                    "the authority \(KeyFingerprint(of: root.publicKey)) is neither trusted here nor signed by one that is: "
                        + "if the coordinator's authority was replaced, give its --ca-hash"
                )
            }
        }
        guard !roots.isEmpty else { throw IdentityError(.untrusted, "the coordinator named no authority") }
        return roots
    }

    /// The authorities that a peer may be judged by: those that are trusted, and those that it presents and a trusted one has signed.
    static func judges(
        presented: [Certificate], under anchor: TrustAnchor, in domain: TrustDomain?, now: Timestamp
    ) -> [Certificate] {
        let trusted = trustedRoots(presented, anchor)
        let vouched = presented.filter { root in
            root.isSelfSigned && !anchor.holds(root.publicKey) && fault(of: root, in: domain, now: now) == nil
                && isVouched(root, by: trusted, presented, in: domain, now: now)
        }
        return trusted + vouched
    }

    /// The list to keep: the former authorities stay until one of the new list has been met in a handshake.
    static func kept(
        _ list: [Certificate], former: [Certificate], met root: KeyFingerprint?
    ) -> [Certificate] {
        guard !list.contains(where: { KeyFingerprint(of: $0.publicKey) == root }) else { return list }
        let missing = former.filter { old in !list.contains { $0.publicKey == old.publicKey } }
        return Array((list + missing).prefix(PeerVerifier.chainLimit))
    }

    private static func trustedRoots(_ offered: [Certificate], _ anchor: TrustAnchor) -> [Certificate] {
        switch anchor {
        case .authorities(let list): list
        case .pin: offered.filter { $0.isSelfSigned && anchor.holds($0.publicKey) }
        }
    }

    private static func isVouched(
        _ root: Certificate, by trusted: [Certificate], _ offered: [Certificate], in domain: TrustDomain?,
        now: Timestamp
    ) -> Bool {
        offered.contains { bridge in
            bridge.publicKey == root.publicKey && fault(of: bridge, in: domain, now: now) == nil
                && trusted.contains { authority in
                    authority.publicKey != root.publicKey && fault(of: authority, in: domain, now: now) == nil
                        && bridge.issuer == authority.subject
                        && authority.publicKey.isValidSignature(bridge.signature, for: bridge)
                }
        }
    }

    /// What keeps a certificate from being an authority's of this circle of trust now; nil where nothing does.
    private static func fault(of certificate: Certificate, in domain: TrustDomain?, now: Timestamp) -> String? {
        let (start, end) = (Timestamp(certificate.notValidBefore), Timestamp(certificate.notValidAfter))
        guard start <= now else { return "is valid from \(start) on, and it is \(now) by the clock here" }
        guard now <= end else { return "expired at \(end), and it is \(now) by the clock here" }
        guard let constraints = try? certificate.extensions.basicConstraints, case .isCertificateAuthority = constraints
        else { return "is no authority: its basic constraints do not say CA" }
        if let usage = try? certificate.extensions.keyUsage, !usage.keyCertSign {
            return "may not sign: its key usage lacks keyCertSign"
        }
        if let usage = try? certificate.extensions.extendedKeyUsage, !usage.isEmpty {
            return "is meant for something else: it has an extended key usage"
        }
        let names = certificate.uriNames
        if let domain, !names.isEmpty, names != [domain.uri] {
            return "vouches for \(names.joined(separator: ", ")), not for trust domain \(domain)"
        }
        return nil
    }
}

extension Certificate {
    /// Whether its key has signed it.
    var isSelfSigned: Bool { issuer == subject && publicKey.isValidSignature(signature, for: self) }
}
