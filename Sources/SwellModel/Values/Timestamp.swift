/// A moment: milliseconds since 1970-01-01T00:00:00Z. In decisions always read off the database's clock.
///
/// Encoded as RFC 3339 in UTC with milliseconds (`2026-03-01T09:30:00.000Z`).
public struct Timestamp: Hashable, Sendable, Comparable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
    public static func + (left: Self, right: Interval) -> Self {
        Self(milliseconds: left.milliseconds + right.milliseconds)
    }
    public static func - (left: Self, right: Interval) -> Self {
        Self(milliseconds: left.milliseconds - right.milliseconds)
    }
    /// The time from `right` to `left`, negative when `left` is earlier.
    public static func - (left: Self, right: Self) -> Interval {
        Interval(milliseconds: left.milliseconds - right.milliseconds)
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC. Calendar arithmetic after Howard Hinnant's `civil_from_days`.
    public var description: String {
        let (days, inDay) = milliseconds.flooredQuotientAndRemainder(dividingBy: 86_400_000)
        let shifted = days + 719_468
        let era = shifted.flooredQuotientAndRemainder(dividingBy: 146_097).quotient
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let time = "\(padded(inDay / 3_600_000, 2)):\(padded(inDay / 60_000 % 60, 2)):\(padded(inDay / 1_000 % 60, 2))"
        return "\(date)T\(time).\(padded(inDay % 1_000, 3))Z"
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Reads RFC 3339 in UTC (`Z`), with or without fractions of a second. A day that the month does not have is none; nor is
    /// a leap second, which no clock here shows.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[range] {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        func isThere(_ mark: Unicode.Scalar, at places: [Int]) -> Bool {
            places.allSatisfy { bytes[$0] == UInt8(ascii: mark) }
        }
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), bytes[10] == UInt8(ascii: "T"),
            isThere("-", at: [4, 7]), isThere(":", at: [13, 16]),
            let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), (1...12).contains(month),
            (1...Self.days(in: month, of: year)).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        var fraction: Int64 = 0
        if bytes[19] == UInt8(ascii: ".") {
            let digits = min(3, bytes.count - 21)
            guard digits > 0, let value = number(20..<(20 + digits)),
                bytes[20..<(bytes.count - 1)].allSatisfy({ $0 >= 48 && $0 <= 57 })
            else { return nil }
            fraction = value * [100, 10, 1][digits - 1]
        } else if bytes.count != 20 {
            return nil
        }
        let adjustedYear = month <= 2 ? year - 1 : year
        let era = adjustedYear.flooredQuotientAndRemainder(dividingBy: 400).quotient
        let yearOfEra = adjustedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        self.milliseconds = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + fraction
    }
}

extension Timestamp: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Timestamp(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is not an RFC 3339 time in UTC")
        }
        self = value
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

private func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

extension Int64 {
    fileprivate func flooredQuotientAndRemainder(dividingBy divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
