internal import SwellModel

/// Lengths of time as people say them.
enum Ages {
    /// `12s`, `4m10s`, `3h20m`, `2d4h`: the two largest units.
    static func text(_ interval: Interval) -> String {
        let seconds = max(0, interval.milliseconds / 1_000)
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3_600: return seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds / 60)m\(seconds % 60)s"
        case ..<86_400: return "\(seconds / 3_600)h\(seconds / 60 % 60)m"
        default: return "\(seconds / 86_400)d\(seconds / 3_600 % 24)h"
        }
    }

    static func since(_ moment: Timestamp?, now: Timestamp) -> String {
        moment.map { text(now - $0) } ?? "-"
    }

    /// `09:30:12`, in UTC.
    static func clock(_ moment: Timestamp) -> String { String(moment.description.dropFirst(11).prefix(8)) }
}

extension Timestamp {
    /// This machine's clock; for showing ages only, never for deciding.
    static var onThisMachine: Timestamp { Timestamp(milliseconds: Int64(Terminal.now * 1_000)) }
}
