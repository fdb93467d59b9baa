/// A machine's step from one phase to another; from nil where it begins.
public struct Move<Phase: Hashable & Sendable>: Hashable, Sendable {
    public var from: Phase?
    public var to: Phase

    public init(from: Phase?, to: Phase) {
        self.from = from
        self.to = to
    }
}
