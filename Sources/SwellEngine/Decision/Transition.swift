public import SwellModel

/// One change of one subject of a rollout: an audit row. It carries the subject's new value, so that replaying the rows gives the state.
public struct Transition: Sendable, Hashable, Codable {
    public enum Subject: Sendable, Hashable, Codable {
        case rollout
        case stage(index: Int, name: StageName)
        case target(ClusterName)
    }

    /// The new value of the subject.
    public enum Value: Sendable, Hashable, Codable {
        case header(RolloutHeader)
        case stage(StageState)
        case target(TargetState)

        /// The words under which rows of every version are stored.
        private enum CodingKeys: String, CodingKey {
            case header = "rollout"
            case stage, target
        }
    }

    public var rollout: RolloutName
    public var subject: Subject
    /// The phase before, nil for a new subject (a joiner); and after. Equal where only other fields changed.
    public var from: String?
    public var to: String
    /// What a person did to it, where the phases do not say: `approved`, `promoted`.
    public var verb: String?
    /// Why: the subject's reason, for people.
    public var reason: String?
    /// Who caused it: an operator's name, or `swell`.
    public var by: String
    public var at: Timestamp
    public var value: Value

    public init(
        rollout: RolloutName, subject: Subject, from: String?, to: String, reason: String?, by: String, at: Timestamp,
        value: Value, verb: String? = nil
    ) {
        self.rollout = rollout
        self.subject = subject
        self.from = from
        self.to = to
        self.reason = reason
        self.by = by
        self.at = at
        self.value = value
        self.verb = verb
    }
}
