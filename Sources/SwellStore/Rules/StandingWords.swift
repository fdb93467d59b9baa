public import SwellEngine

extension Rollout {
    /// How many targets stand how, by the word for it.
    public var standings: [String: Int] {
        targets.values.reduce(into: [:]) { $0[$1.standing, default: 0] += 1 }
    }
}

extension TargetState {
    /// Where it stands, as people and lists are told: its phase, but a removal that is done is never called healthy or rolled back, and
    /// what has nowhere to go back to is held, not skipped. Unreachable is who is not heard of; what is not known is unknown.
    public var standing: String {
        switch phase {
        case .healthy, .rolledBack:
            if let attempt, attempt.release == nil { return Self.removed }
        case .skipped where skip == .neverHealthy:
            return Self.held
        case .unreachable where attempt?.evidence.isUnknown == true:
            return Self.unknown
        default: break
        }
        return phase.rawValue
    }

    /// Nothing of the release is there any more, since there was no other to go to.
    public static let removed = "removed"
    /// Its agent is there, and neither it nor a controller can say how it is.
    public static let unknown = "unknown"
    /// It stays as it is, since there is no other release to go to and nobody said to remove.
    public static let held = "held"
}
