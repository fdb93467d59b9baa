/// How many of a stage's clusters failed, and how many may.
public struct FailureBudget: Sendable, Hashable, CustomStringConvertible {
    public let failed: Int
    public let allowed: Int

    public init(failed: Int, allowed: Int) {
        self.failed = failed
        self.allowed = allowed
    }

    public var isExceeded: Bool { failed > allowed }

    /// As people read it: `2 failed, more than the budget of 1`.
    public var description: String {
        isExceeded ? "\(failed) failed, more than the budget of \(allowed)" : "\(failed) failed, \(allowed) may"
    }
}
