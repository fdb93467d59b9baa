internal import SwellModel

/// Which findings of drift are audited, for one application on one cluster: each, as long as they are not more than one in
/// ``interval``, and up to ``burst`` that come closer together.
///
/// Kept as one moment, up to which the share is used up. Overflow rule: what comes beyond the share is not audited; it stands as the
/// latest finding all the same, and in the count of it.
enum DriftAudit {
    static let interval: Interval = .seconds(10)
    static let burst = 6

    /// How far ahead of now the share may be used up so that one more is audited.
    static let room = Interval(milliseconds: interval.milliseconds * Int64(burst - 1))

    /// Until when the share is used up once a finding is audited now; nil where it is not.
    ///
    /// - Parameter used: Until when it was used up before.
    static func next(after used: Timestamp?, now: Timestamp) -> Timestamp? {
        let from = max(used ?? now, now)
        return from - now <= room ? from + interval : nil
    }
}
