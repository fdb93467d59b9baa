/// Something that cannot be, and is: a mistake of this program, or a row that it did not write.
///
/// Not for what merely comes late or is refused: that has its own answer. Thrown where one rollout can be left alone for it, so that
/// the others go on.
public struct Impossible: Error, Sendable, Hashable, CustomStringConvertible {
    /// What cannot be.
    public let what: String
    /// Where, and what was found there.
    public let context: String

    public init(_ what: StaticString, _ context: String) {
        self.what = "\(what)"
        self.context = context
    }

    public var description: String { "impossible: \(what): \(context)" }
}
