/// The health of an object or of all that a release brought to a cluster, worst first.
public enum Health: String, Sendable, Codable, CaseIterable, Comparable {
    case failed, degraded, unknown, progressing, suspended, healthy

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    /// Worse is less: the health of a set is its minimum.
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}
