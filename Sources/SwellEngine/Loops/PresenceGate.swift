public import SwellModel

/// Whether who is silent in the store is silent in truth.
///
/// While the store was away nobody could write who was seen; while this replica stood still, neither could it. What is decided in the
/// first moment after that would find the whole fleet silent. So a decision waits until presence has been written without a gap for a
/// whole heartbeat: by then every agent that lives was heard of, and the other replicas, whose writes this one does not see, have had
/// as much time. A gap is ``gapLimit`` without a write that the store answered.
///
/// The wait is bounded: after ``patience`` of being asked in vain, while the store answers everything but presence, decisions go on;
/// who is silent is then unknown, which stops and never fails (invariant 23).
public struct PresenceGate: Sendable {
    /// How often an agent must be heard of.
    private let heartbeat: Interval
    private var writtenSince: Tick?
    private var writtenAt: Tick?
    private var askedAt: Tick?
    private var waited = Interval.zero

    public init(heartbeat: Interval) { self.heartbeat = heartbeat }

    /// Writes further apart leave a gap. Below what a policy may call silent (three heartbeats), with a heartbeat to spare.
    public var gapLimit: Interval { Interval(milliseconds: 2 * heartbeat.milliseconds) }
    /// How long it is waited for presence that cannot be written.
    public var patience: Interval { Interval(milliseconds: 6 * heartbeat.milliseconds) }

    /// The store answered a write of presence, at this moment: when it was asked says nothing, it may have stood still since.
    public mutating func written(at now: Tick) {
        if let writtenAt, let writtenSince, now - writtenAt <= gapLimit {
            self.writtenSince = writtenSince
        } else {
            writtenSince = now
        }
        writtenAt = now
        waited = .zero
    }

    /// Whether the silence of agents, as the store has it, may be believed.
    public func isTrustworthy(now: Tick) -> Bool {
        guard let writtenAt, let writtenSince else { return false }
        return now - writtenAt <= gapLimit && writtenAt - writtenSince >= heartbeat
    }

    /// The store did not answer: what was waited for in vain until now was waited for in its absence, and says nothing.
    public mutating func storeFailed() {
        askedAt = nil
        waited = .zero
    }

    /// Whether to decide now. To be asked again and again while it is not, and only while the store answers.
    public mutating func mayDecide(now: Tick) -> Bool {
        guard !isTrustworthy(now: now) else {
            askedAt = nil
            return true
        }
        // Time in which nobody asked, since the store was away or the process stood still, is no waiting.
        if let askedAt, now - askedAt <= heartbeat { waited = waited + (now - askedAt) }
        askedAt = now
        return waited >= patience
    }
}
