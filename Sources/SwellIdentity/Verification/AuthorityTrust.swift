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
/// An authority that changes signs the next one (``CertificateAuthority/crossSign(next:now:)``), and the next one signs it back
/// (``CertificateAuthority/crossSign(former:now:lifetime:)``). So trust goes on from what an agent has, whoever speaks as the coordinator; a
/// stranger's root is refused, also beside a trusted one. Back it goes for days only: nobody looks after a former authority's key.
enum AuthorityTrust {
    /// The authorities to trust from now on, of those that are offered.
    ///
    /// - Parameters:
    ///   - offered: self-signed authorities, and the certificates in which they sign each other.
    ///   - anchor: what is trusted now.
    /// - Returns: Those offered but the former ones for which the word is over.
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
        var taken: [Certificate] = []
        for root in roots {
            if let fault = fault(of: root, in: domain, now: now) {
                throw IdentityError(.untrusted, "the authority \(KeyFingerprint(of: root.publicKey)) \(fault)")
            }
            let said: Word? =
                anchor.holds(root.publicKey) ? .isGood : word(for: root, by: trusted, offered, in: domain, now: now)
            switch said {
            case .isGood: taken.append(root)
            case .isOver: continue
            case nil:
                throw IdentityError(
                    .untrusted,
                    "the authority \(KeyFingerprint(of: root.publicKey)) is neither trusted here nor signed by one that is: "
                        + "if the coordinator's authority was replaced, give its --ca-hash"
                )
            }
        }
        guard !taken.isEmpty else { throw IdentityError(.untrusted, "the coordinator named no authority") }
        return taken
    }

    /// The authorities that a peer may be judged by: those that are trusted, and those that it presents and a trusted one has signed, but for
    /// those with the fingerprints of retired ones.
    static func judges(
        presented: [Certificate], under anchor: TrustAnchor, but retired: Set<String> = [], in domain: TrustDomain?,
        now: Timestamp
    ) -> [Certificate] {
        let trusted = trustedRoots(presented, anchor)
        let vouched = presented.filter { root in
            root.isSelfSigned && !anchor.holds(root.publicKey) && fault(of: root, in: domain, now: now) == nil
                && !retired.contains("\(KeyFingerprint(of: root.publicKey))")
                && word(for: root, by: trusted, presented, in: domain, now: now) == .isGood
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

    /// What a trusted authority says of another one.
    private enum Word { case isGood, isOver }

    /// What the trusted ones say of `root`; nil where they say nothing of it.
    private static func word(
        for root: Certificate, by trusted: [Certificate], _ offered: [Certificate], in domain: TrustDomain?,
        now: Timestamp
    ) -> Word? {
        var word: Word?
        for bridge in offered where bridge.publicKey == root.publicKey && flaw(of: bridge, in: domain) == nil {
            let signer = trusted.first { authority in
                authority.publicKey != root.publicKey && fault(of: authority, in: domain, now: now) == nil
                    && bridge.issuer == authority.subject
                    && authority.publicKey.isValidSignature(bridge.signature, for: bridge)
            }
            guard let signer else { continue }
            let (start, end) = counts(bridge, by: signer)
            if start <= now, now <= end { return .isGood }
            if end < now, isOfAFormer(bridge, by: signer) { word = .isOver }
        }
        return word
    }

    /// When a signature over another authority counts.
    private static func counts(_ bridge: Certificate, by signer: Certificate) -> (from: Timestamp, to: Timestamp) {
        let (start, end) = (Timestamp(bridge.notValidBefore), Timestamp(bridge.notValidAfter))
        guard isOfAFormer(bridge, by: signer) else { return (start, end) }
        return (start, min(end, start + CertificateAuthority.clockAllowance + CertificateAuthority.formerLifetime))
    }

    /// Whether a signature is over an authority that was there before its signer. It says so itself, since the one that it is over may show any
    /// times of its own: it ends before its signer, or began with it. (Earlier versions signed the former one as the next one was made, until
    /// the first of both ended.)
    private static func isOfAFormer(_ bridge: Certificate, by signer: Certificate) -> Bool {
        bridge.notValidAfter < signer.notValidAfter || bridge.notValidBefore <= signer.notValidBefore
    }

    /// What keeps a certificate from being an authority's of this circle of trust now; nil where nothing does.
    private static func fault(of certificate: Certificate, in domain: TrustDomain?, now: Timestamp) -> String? {
        let (start, end) = (Timestamp(certificate.notValidBefore), Timestamp(certificate.notValidAfter))
        guard start <= now else { return "is valid from \(start) on, and it is \(now) by the clock here" }
        guard now <= end else { return "expired at \(end), and it is \(now) by the clock here" }
        return flaw(of: certificate, in: domain)
    }

    /// The same, whenever it is.
    private static func flaw(of certificate: Certificate, in domain: TrustDomain?) -> String? {
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
