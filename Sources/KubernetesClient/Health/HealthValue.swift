/// How an object, or a set of them, fares. Ordered from worst to best.
public enum HealthValue: Int, Sendable, Hashable, CaseIterable, Comparable {
    /// It has failed, and will not get better by waiting.
    case failed
    /// It does not work as it should; waiting may help.
    case degraded
    /// Nothing is known.
    case unknown
    /// It is on its way.
    case progressing
    /// It was told to wait.
    case suspended
    /// It is as wanted.
    case healthy

    public static func < (left: HealthValue, right: HealthValue) -> Bool { left.rawValue < right.rawValue }
}

extension HealthValue: CustomStringConvertible {
    public var description: String {
        switch self {
        case .failed: "failed"
        case .degraded: "degraded"
        case .unknown: "unknown"
        case .progressing: "progressing"
        case .suspended: "suspended"
        case .healthy: "healthy"
        }
    }
}
