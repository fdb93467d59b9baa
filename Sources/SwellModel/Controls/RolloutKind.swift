/// What a rollout carries.
public enum RolloutKind: Sendable, Hashable, Codable {
    /// One release to every target.
    case release
    /// Every target back to the last release proven healthy there before `rollout` came.
    case undo(of: RolloutName)
    /// The application off every target, whatever else was proven there; `rollout` brought what they run.
    case removal(of: RolloutName)

    /// The rollout whose release it takes off its targets; nil where it brings one.
    public var takesOff: RolloutName? {
        switch self {
        case .release: nil
        case .undo(let rollout), .removal(let rollout): rollout
        }
    }

    /// Whether nothing of the application is to stay.
    public var isRemoval: Bool { if case .removal = self { true } else { false } }
}
