package import SwellModel

/// How often the log is told what one peer causes. Pure: the caller gives the time.
///
/// Of each peer and kind some lines at once, then one an interval; what was left out in between is counted, and told with the line that
/// comes through next. At most ``keyLimit`` pairs of peer and kind are remembered. Where all of them are in debt, every further peer
/// counts as one, the strangers, of whom each kind has its own: so it holds ``keyLimit`` pairs and one for each kind.
package struct MentionLimit<Peer: Hashable & Sendable, Kind: Hashable & Sendable>: Sendable {
    /// What the log is to be told of one occurrence.
    package enum Mention: Sendable, Hashable {
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
    package let burst: Int
    /// How long one takes to be earned back.
    package let interval: Interval
    package let keyLimit: Int
    private var known: [Key: Entry] = [:]
    private var strangers: [Kind: Entry] = [:]
    private var sweptAt: Tick?

    package init(burst: Int = 5, interval: Interval = .minutes(1), keyLimit: Int = 4_096) {
        self.burst = burst
        self.interval = interval
        self.keyLimit = keyLimit
    }

    /// How many pairs of peer and kind are remembered, the strangers' among them.
    package var count: Int { known.count + strangers.count }

    /// Notes that `peer` caused one more of `kind`.
    package mutating func note(_ kind: Kind, of peer: Peer, at now: Tick) -> Mention {
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
