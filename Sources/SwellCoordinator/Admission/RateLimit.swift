internal import SwellModel

/// How often each of many may do something: a burst at once, then one each interval. Pure: the caller gives the time.
///
/// The virtual scheduling form of the generic cell rate algorithm (ITU-T I.371): one moment a key is all it remembers.
struct RateLimit<Key: Hashable & Sendable>: Sendable {
    /// How many may come at once after a rest.
    let burst: Int
    /// How long one takes to be earned back.
    let interval: Interval
    /// The most keys remembered. When all of them are still in debt, unknown keys are refused.
    let keyLimit: Int
    private var paidUntil: [Key: Timestamp] = [:]

    init(burst: Int, interval: Interval, keyLimit: Int = 4_096) {
        self.burst = burst
        self.interval = interval
        self.keyLimit = keyLimit
    }

    /// Whether `key` may now; notes nothing.
    func wouldAdmit(_ key: Key, at now: Timestamp) -> Bool {
        max(paidUntil[key] ?? now, now) - now <= Interval(milliseconds: interval.milliseconds * Int64(burst - 1))
    }

    /// Whether `key` may now, and notes that it did.
    mutating func admits(_ key: Key, at now: Timestamp) -> Bool {
        let start = max(paidUntil[key] ?? now, now)
        let allowance = Interval(milliseconds: interval.milliseconds * Int64(burst - 1))
        guard start - now <= allowance else { return false }
        if paidUntil[key] == nil, paidUntil.count >= keyLimit {
            paidUntil = paidUntil.filter { $0.value > now }
            guard paidUntil.count < keyLimit else { return false }
        }
        paidUntil[key] = start + interval
        return true
    }
}
