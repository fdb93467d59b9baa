internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// Tells the log what peers cause, and no peer can fill it: see ``MentionLimit``.
final class PeerLog: Sendable {
    /// What is told, each with its own allowance for each peer.
    enum Kind: String, Sendable, CaseIterable {
        case connectionCut = "connection closed"
        case handshakeRefused = "peer refused at the handshake"
        case enrolmentRefused = "enrolment refused"
        case callRefused = "call refused"
        case callBrokeOff = "call broke off"
        case sentAway = "agent sent away"
        case connected = "agent connected"
        case disconnected = "agent disconnected"
        case secondAgent = "two agents take turns under the name of one cluster; was it cloned?"
        case contentLacking = "the agent cannot get at documents"
        case notIngested = "session ends, since what the agent said was not ingested"
        case partNotIngested = "a part of what the agent runs was not ingested"
        case previewNotStored = "the answer to a preview was not stored"
        case reportsRefused = "reports refused"
        case reportsHeldBack = "reports are held back: they come faster than they may"
        case renewed = "certificate renewed"
    }

    private let logger: Logger
    private let tick: @Sendable () -> Tick
    private let limit: Mutex<MentionLimit<String, Kind>>

    init(
        logger: Logger, tick: @escaping @Sendable () -> Tick, limit: MentionLimit<String, Kind> = MentionLimit()
    ) {
        self.logger = logger
        self.tick = tick
        self.limit = Mutex(limit)
    }

    /// Tells the log, if there is still room for `peer`, the name of a cluster or what else tells one peer from another.
    func note(
        _ kind: Kind, of peer: String, level: Logger.Level = .warning,
        _ metadata: @autoclosure () -> Logger.Metadata = [:]
    ) {
        // What nobody reads costs no allowance.
        guard level >= logger.logLevel else { return }
        let moment = tick()
        guard case .told(let leftOut) = limit.withLock({ $0.note(kind, of: peer, at: moment) }) else { return }
        var metadata = metadata()
        if leftOut > 0 { metadata["suppressed"] = "\(leftOut)" }
        logger.log(level: level, "\(kind.rawValue)", metadata: metadata)
    }

    /// Of the agent of a cluster.
    func note(
        _ kind: Kind, of cluster: ClusterName, level: Logger.Level = .warning,
        _ metadata: @autoclosure () -> Logger.Metadata = [:]
    ) {
        note(kind, of: cluster.rawValue, level: level, metadata().merging(["cluster": "\(cluster)"]) { own, _ in own })
    }
}
