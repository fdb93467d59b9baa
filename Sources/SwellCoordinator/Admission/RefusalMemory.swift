package import SwellModel
internal import Synchronization

/// Why each cluster's agent was not let in here last, for whoever asks why it is away. Clusters are those that a certificate of ours named.
///
/// Of ``limit`` clusters: of one more, whose agent was refused longest ago is forgotten. Kept in memory, so that each replica knows its own.
package final class RefusalMemory: Sendable {
    package struct Refusal: Sendable, Hashable {
        /// As it was told to the agent, cut to ``reasonLimit`` characters.
        package let reason: String
        package let at: Timestamp
    }

    static let limit = 4_096
    static let reasonLimit = 400

    private let last = Mutex<[ClusterName: Refusal]>([:])

    init() {}

    func note(_ reason: String, of cluster: ClusterName, at now: Timestamp) {
        last.withLock { last in
            if last.count >= Self.limit, last[cluster] == nil,
                let oldest = last.min(by: { $0.value.at < $1.value.at })?.key
            {
                last[oldest] = nil
            }
            last[cluster] = Refusal(reason: String(reason.prefix(Self.reasonLimit)), at: now)
        }
    }

    /// Of one cluster; nil where none is known.
    package func last(of cluster: ClusterName) -> Refusal? { last.withLock { $0[cluster] } }
}
