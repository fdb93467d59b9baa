internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// How often the log is told what one peer causes. Pure: the caller gives the time.
///
/// Of each peer and kind some lines at once, then one an interval; what was left out in between is counted, and told with the line that
/// comes through next. At most ``keyLimit`` pairs of peer and kind are remembered. Where all of them are in debt, every further peer
/// counts as one, the strangers, of whom each kind has its own: so it holds ``keyLimit`` pairs and one for each kind.
struct MentionLimit<Peer: Hashable & Sendable, Kind: Hashable & Sendable>: Sendable {
    /// What the log is to be told of one occurrence.
    enum Mention: Sendable, Hashable {
        /// It is told, and that so many like it were left out since the last.
        case told(leftOut: Int)
        case leftOut
    }

    private struct Key: Hashable {
        var peer: Peer
        var kind: Kind
    }

    private struct Entry {
        var paidUntil: Tick
        var leftOut = 0

        mutating func note(at now: Tick, burst: Int, interval: Interval) -> Mention {
            let start = max(paidUntil, now)
            guard start - now <= Interval(milliseconds: interval.milliseconds * Int64(burst - 1)) else {
                leftOut += 1
                return .leftOut
            }
            paidUntil = start + interval
            defer { leftOut = 0 }
            return .told(leftOut: leftOut)
        }
    }

    /// How many lines may come at once after a rest.
    let burst: Int
    /// How long one takes to be earned back.
    let interval: Interval
    let keyLimit: Int
    private var known: [Key: Entry] = [:]
    private var strangers: [Kind: Entry] = [:]
    private var sweptAt: Tick?

    init(burst: Int = 5, interval: Interval = .minutes(1), keyLimit: Int = 4_096) {
        self.burst = burst
        self.interval = interval
        self.keyLimit = keyLimit
    }

    /// How many pairs of peer and kind are remembered, the strangers' among them.
    var count: Int { known.count + strangers.count }

    /// Notes that `peer` caused one more of `kind`.
    mutating func note(_ kind: Kind, of peer: Peer, at now: Tick) -> Mention {
        let key = Key(peer: peer, kind: kind)
        guard hasRoom(for: key, at: now) else {
            return strangers[kind, default: Entry(paidUntil: now)].note(at: now, burst: burst, interval: interval)
        }
        return known[key, default: Entry(paidUntil: now)].note(at: now, burst: burst, interval: interval)
    }

    private mutating func hasRoom(for key: Key, at now: Tick) -> Bool {
        guard known[key] == nil, known.count >= keyLimit else { return true }
        // Once a second is enough: looking through all of them for each stranger would be what a flood wants.
        if sweptAt.map({ now - $0 >= .seconds(1) }) ?? true {
            sweptAt = now
            forget(now)
        }
        return known.count < keyLimit
    }

    /// Forgets who has nothing on account; what was left out of theirs counts as the strangers'.
    private mutating func forget(_ now: Tick) {
        for (key, entry) in known where entry.paidUntil <= now {
            known[key] = nil
            guard entry.leftOut > 0 else { continue }
            strangers[key.kind, default: Entry(paidUntil: now)].leftOut += entry.leftOut
        }
    }
}

/// Tells the log what peers cause, and no peer can fill it: see ``MentionLimit``.
final class PeerLog: Sendable {
    /// What is told, each with its own allowance for each peer.
    enum Kind: String, Sendable, CaseIterable {
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
