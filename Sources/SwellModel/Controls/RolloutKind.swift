/// What a rollout carries.
public enum RolloutKind: Sendable, Hashable, Codable {
    /// One release to every target.
    case release
    /// Every target back to the last release proven healthy there before `rollout` came.
    case undo(of: RolloutName)
}
