package import SwellModel
internal import Synchronization

/// Why each cluster's agent was not let in here last, for whoever asks why it is away. Clusters are those that a certificate of ours named.
///
/// Who was refused at the handshake only calls himself a cluster's agent, as anybody may: that is remembered apart, so that it hides nothing
/// that was proven.
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
    private let claimed = Mutex<[ClusterName: Refusal]>([:])

    init() {}

    func note(_ reason: String, of cluster: ClusterName, at now: Timestamp) {
        last.withLock { Self.note(reason, of: cluster, at: now, in: &$0) }
    }

    /// Notes why somebody was refused at the handshake who calls himself the agent of `cluster`.
    func note(claim reason: String, of cluster: ClusterName, at now: Timestamp) {
        claimed.withLock { Self.note(reason, of: cluster, at: now, in: &$0) }
    }

    private static func note(
        _ reason: String, of cluster: ClusterName, at now: Timestamp, in last: inout [ClusterName: Refusal]
    ) {
        if last.count >= limit, last[cluster] == nil, let oldest = last.min(by: { $0.value.at < $1.value.at })?.key {
            last[oldest] = nil
        }
        last[cluster] = Refusal(reason: String(reason.prefix(reasonLimit)), at: now)
    }

    /// Of one cluster; nil where none is known.
    package func last(of cluster: ClusterName) -> Refusal? { last.withLock { $0[cluster] } }
    /// Of somebody who called himself its agent; nil where none is known.
    package func lastClaim(of cluster: ClusterName) -> Refusal? { claimed.withLock { $0[cluster] } }
}
