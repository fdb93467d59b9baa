public import SwellModel

/// A grant to write decisions, on the database's clock. The epoch is drawn from one sequence for all leases, so a later claim of
/// anything has a higher one than every earlier claim.
public struct Lease: Sendable, Hashable {
    /// What is leased, such as `rollout/shop-7`.
    public var name: String
    /// The replica that holds it.
    public var holder: String
    public var epoch: Int64
    public var expiresAt: Timestamp

    public init(name: String, holder: String, epoch: Int64, expiresAt: Timestamp) {
        self.name = name
        self.holder = holder
        self.epoch = epoch
        self.expiresAt = expiresAt
    }
}
