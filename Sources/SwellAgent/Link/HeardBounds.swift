internal import SwellModel

/// How much of an agent's time a coordinator may order about. What is beyond is bounded, never obeyed: an agent that is told to sleep for
/// years by a coordinator that was somebody else's for an hour would not hear of the end of it, and one told to never rest would be
/// of no use to its cluster.
enum HeardBounds {
    /// How long the agent may be sent away for, the agent's own jitter not counted. Not zero: else it would dial without pause.
    static let away = Interval.seconds(1)...Interval.minutes(10)
    /// How often it must be heard of.
    static let heartbeat = Interval.milliseconds(100)...Interval.seconds(60)
    /// How long it gathers what is not urgent.
    static let gathering = Interval.milliseconds(10)...Interval.seconds(5)
    /// How long a release may be given to be healthy, and has to stay so.
    static let deadline = Interval.seconds(1)...Interval.hours(30 * 24)
    static let healthyTime = Interval.zero...Interval.hours(7 * 24)
    /// The least time between two renewals of a certificate, however short its life.
    static let renewal = Duration.seconds(1)
    /// The most messages of one session heard within a second; the next wait, and the coordinator with them.
    static let messagesPerSecond = 500

    /// What is taken of a value, and what is said where that is another one.
    static func bound(
        _ value: Interval, to range: ClosedRange<Interval>, _ what: String
    ) -> (value: Interval, remark: String?) {
        let bounded = min(max(value, range.lowerBound), range.upperBound)
        guard bounded != value else { return (value, nil) }
        return (bounded, "\(what): \(value) is taken as \(bounded)")
    }

    /// A welcome within the bounds.
    static func bound(_ welcome: inout SessionPaces) -> [String] {
        let heartbeat = bound(welcome.heartbeat, to: heartbeat, "heartbeat")
        let gathering = bound(welcome.gathering, to: gathering, "gathering of reports")
        welcome = SessionPaces(heartbeat: heartbeat.value, gathering: gathering.value)
        return [heartbeat.remark, gathering.remark].compactMap { $0 }
    }

    /// An assignment within the bounds.
    static func bound(_ assignment: inout Assignment) -> [String] {
        let name = "\(assignment.application)"
        let deadline = bound(assignment.settings.progressDeadline, to: deadline, "\(name)'s progressDeadline")
        let healthy = bound(assignment.settings.minHealthyTime, to: healthyTime, "\(name)'s minHealthyTime")
        assignment.settings.progressDeadline = deadline.value
        assignment.settings.minHealthyTime = healthy.value
        return [deadline.remark, healthy.remark].compactMap { $0 }
    }
}

/// How often a session speaks.
struct SessionPaces: Sendable, Hashable {
    var heartbeat: Interval
    var gathering: Interval
}

/// Counts what is heard, and says how long to wait before hearing more.
struct HearingPace: Sendable {
    private var second: ContinuousClock.Instant?
    private var heard = 0

    /// Takes note of a message; the wait until the next one is heard.
    mutating func hear(at now: ContinuousClock.Instant) -> Duration {
        guard let second, now - second < .seconds(1) else {
            self.second = now
            heard = 1
            return .zero
        }
        heard += 1
        return heard > HeardBounds.messagesPerSecond ? .seconds(1) - (now - second) : .zero
    }
}
