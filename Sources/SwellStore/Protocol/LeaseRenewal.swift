public import SwellEngine

/// What a holder still holds; each list in the order of names.
public struct LeaseRenewal: Sendable, Hashable {
    public var renewed: [Lease]
    /// Held, and left as they were: something is committed under them at the moment. To be renewed the next time.
    public var busy: [Lease]

    public init(renewed: [Lease] = [], busy: [Lease] = []) {
        self.renewed = renewed
        self.busy = busy
    }
}
