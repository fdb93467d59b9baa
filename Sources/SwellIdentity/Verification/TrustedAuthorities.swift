internal import Synchronization
public import X509

/// The authorities that are trusted now. Replacing them takes effect at the next handshake; during the change of an
/// authority both the old and the new one are in the list.
public final class TrustedAuthorities: Sendable {
    private let list: Mutex<[Certificate]>

    /// Trusts `authorities`.
    public init(_ authorities: [Certificate]) { self.list = Mutex(authorities) }

    /// The authorities trusted now.
    public var current: [Certificate] { list.withLock { $0 } }

    /// Trusts `authorities` instead, from the next handshake on.
    public func replace(with authorities: [Certificate]) { list.withLock { $0 = authorities } }
}
