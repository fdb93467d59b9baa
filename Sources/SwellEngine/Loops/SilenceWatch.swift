public import SwellModel

/// Whose session is silent for so long that it is to be ended. Bounded by the sessions.
///
/// Time in which the replica itself stood still is not held against its agents: what they said meanwhile waits to be read.
public struct SilenceWatch: Sendable {
    private let limit: Interval
    private let pace: Interval
    private var heardAt: [ClusterName: Tick] = [:]
    private var lookedAt: Tick?

    /// - Parameters:
    ///   - limit: after how long without a word a session ends.
    ///   - pace: how often ``silent(now:)`` is going to be asked. Where it is asked much later, the replica stood still.
    public init(limit: Interval, pace: Interval) {
        self.limit = limit
        self.pace = pace
    }

    /// A session began, or its agent said something.
    public mutating func heard(_ cluster: ClusterName, at now: Tick) { heardAt[cluster] = now }

    /// The cluster has no session any more.
    public mutating func ended(_ cluster: ClusterName) { heardAt[cluster] = nil }

    /// The clusters that were silent for too long, in the order of names. Each is named until it is heard or has ended.
    public mutating func silent(now: Tick) -> [ClusterName] {
        if let lookedAt {
            let stood = now - lookedAt - pace
            // Twice the pace is a busy replica, beyond it one that stood still.
            if stood > pace {
                for cluster in heardAt.keys { heardAt[cluster] = min(now, (heardAt[cluster] ?? now) + stood) }
            }
        }
        lookedAt = now
        return heardAt.filter { now - $0.value > limit }.keys.sorted()
    }
}
