internal import Synchronization
public import X509

/// The authorities that are trusted now. Replacing them takes effect at the next handshake; during the change of an
/// authority both the old and the new one are in the list.
public final class TrustedAuthorities: Sendable {
    private struct State {
        var anchor: TrustAnchor
        var retired: Set<String> = []
        var met: KeyFingerprint?
        var meetings = 0
    }

    private let state: Mutex<State>

    /// Trusts `authorities`.
    public init(_ authorities: [Certificate]) { self.state = Mutex(State(anchor: .authorities(authorities))) }

    /// Trusts the one authority whose key has this fingerprint, whichever certificate it comes with.
    public init(pinned pin: KeyFingerprint) { self.state = Mutex(State(anchor: .pin(pin))) }

    /// What is trusted now.
    public var anchor: TrustAnchor { state.withLock { $0.anchor } }

    /// The fingerprints of those that are trusted on nobody's word any more.
    var retired: Set<String> { state.withLock(\.retired) }

    /// The authorities trusted now; none where only a pin is known.
    public var current: [Certificate] {
        if case .authorities(let list) = anchor { list } else { [] }
    }

    /// Whether only a pin is known.
    public var isPinned: Bool { if case .pin = anchor { true } else { false } }

    /// The authority that the last peer was proven by.
    public var met: KeyFingerprint? { state.withLock { $0.met } }

    /// How many peers were proven so far: more of them after a connection say that its other side was who it should be.
    public var meetings: Int { state.withLock { $0.meetings } }

    /// Whether the authority with this key is among those that are trusted.
    public func holds(_ pin: KeyFingerprint) -> Bool {
        switch anchor {
        case .authorities(let list): list.contains { KeyFingerprint(of: $0.publicKey) == pin }
        case .pin(let own): own == pin
        }
    }

    func note(met root: KeyFingerprint) {
        state.withLock { state in
            state.met = root
            state.meetings &+= 1
        }
    }

    /// Trusts `authorities` instead, from the next handshake on.
    public func replace(with authorities: [Certificate]) {
        state.withLock { $0.anchor = .authorities(authorities) }
    }

    /// The same, and none with one of these fingerprints, whoever signed it.
    func replace(with authorities: [Certificate], retired: Set<String>) {
        state.withLock { state in
            state.anchor = .authorities(authorities)
            state.retired = retired
        }
    }
}
