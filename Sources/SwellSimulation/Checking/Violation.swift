/// An invariant that broke, by its number in the design; 0 for a promise of the store or the decision's own shape.
public struct Violation: Error, Sendable, Hashable, CustomStringConvertible {
    public var invariant: Int
    public var message: String

    public init(invariant: Int, message: String) {
        self.invariant = invariant
        self.message = message
    }

    public var description: String { "invariant \(invariant): \(message)" }
}
