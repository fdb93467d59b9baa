/// From when on somebody wants to see what happened, as people write it: a length of time before now (`2h`, `-2h`), a day in UTC
/// (`2026-11-30`), or a moment of RFC 3339, in UTC or with an offset (`2026-11-30T09:30:00+02:00`).
public enum StartOfWindow: Sendable, Hashable {
    case before(Interval)
    case at(Timestamp)

    /// What may be written, for messages.
    public static let forms =
        "a length of time such as 2h or 3d, a day such as 2026-03-01 (UTC), or a moment such as 2026-03-01T09:30:00Z or 2026-03-01T09:30:00+02:00"

    public init?(_ text: String) {
        // `-2h` is how other tools write two hours ago.
        if let length = Interval(text.hasPrefix("-") ? String(text.dropFirst()) : text) {
            self = .before(length)
        } else if let moment = Timestamp(text) ?? Timestamp(text + "T00:00:00Z") ?? Self.moment(withOffset: text) {
            self = .at(moment)
        } else {
            return nil
        }
    }

    /// The moment, where it is `now`.
    public func moment(now: Timestamp) -> Timestamp {
        switch self {
        case .before(let length): now - length
        case .at(let moment): moment
        }
    }

    /// As one word without a sign that a URL or a shell takes for its own.
    public var text: String {
        switch self {
        case .before(let length): "\(length)"
        case .at(let moment): "\(moment)"
        }
    }

    private static func moment(withOffset text: String) -> Timestamp? {
        // `+02:00` at the end, hours below 24.
        let offset = Array(text.utf8.suffix(6))
        guard offset.count == 6, text.utf8.count > 6, offset[3] == UInt8(ascii: ":"),
            offset[0] == UInt8(ascii: "+") || offset[0] == UInt8(ascii: "-"),
            let local = Timestamp(String(decoding: text.utf8.dropLast(6), as: UTF8.self) + "Z"),
            let hours = number(offset[1], offset[2]), let minutes = number(offset[4], offset[5]), hours < 24,
            minutes < 60
        else { return nil }
        let length = Interval.minutes(hours * 60 + minutes)
        return offset[0] == UInt8(ascii: "+") ? local - length : local + length
    }

    private static func number(_ tens: UInt8, _ ones: UInt8) -> Int64? {
        guard (48...57).contains(tens), (48...57).contains(ones) else { return nil }
        return Int64(tens - 48) * 10 + Int64(ones - 48)
    }
}
