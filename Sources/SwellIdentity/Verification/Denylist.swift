internal import Synchronization

/// Serial numbers of certificates that are refused although they are valid: an agent that was removed, a key that was
/// lost. Entries may be dropped once the certificate has expired by itself.
public final class Denylist: Sendable {
    private let serials: Mutex<Set<String>>

    /// Denies `serials`, each in lower-case hexadecimal.
    public init(_ serials: Set<String> = []) { self.serials = Mutex(serials) }

    /// Denies exactly `serials` from now on, as the store has them.
    public func replace(with serials: Set<String>) { self.serials.withLock { $0 = serials } }

    /// Whether the certificate with this serial number is denied.
    public func contains(_ serial: String) -> Bool { serials.withLock { $0.contains(serial) } }
}
