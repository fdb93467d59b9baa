/// A length of time in whole milliseconds, written as Go and Kubernetes write it: `90s`, `5m`, `1h30m`, `250ms`.
public struct Interval: Hashable, Sendable, Comparable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static let zero = Self(milliseconds: 0)
    public static func milliseconds(_ value: Int64) -> Self { Self(milliseconds: value) }
    public static func seconds(_ value: Int64) -> Self { Self(milliseconds: value * 1_000) }
    public static func minutes(_ value: Int64) -> Self { Self(milliseconds: value * 60_000) }
    public static func hours(_ value: Int64) -> Self { Self(milliseconds: value * 3_600_000) }

    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
    public static func + (left: Self, right: Self) -> Self {
        Self(milliseconds: left.milliseconds + right.milliseconds)
    }
    public static func - (left: Self, right: Self) -> Self {
        Self(milliseconds: left.milliseconds - right.milliseconds)
    }

    /// The same length as the standard library's type, for sleeping and deadlines.
    public var duration: Duration { .milliseconds(milliseconds) }
}

extension Interval: CustomStringConvertible {
    public var description: String {
        guard milliseconds != 0 else { return "0s" }
        guard milliseconds > 0 else { return "-" + Interval(milliseconds: -milliseconds).description }
        var rest = milliseconds
        var text = ""
        for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] as [(String, Int64)]
        where rest >= size {
            text += "\(rest / size)\(unit)"
            rest %= size
        }
        return text
    }

    /// The longest that can be written, in milliseconds: ten years.
    private static let longestWritten: Int64 = 10 * 366 * 24 * 3_600_000

    /// Reads one or more numbers with units `d`, `h`, `m`, `s`, `ms`, largest first, a day of 24 hours; at most ten years. Days are read and not
    /// written: Kubernetes has none.
    public init?(_ text: String) {
        let sizes: [(unit: String, size: Int64)] = [
            ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
        ]
        var total: Int64 = 0
        var rest = Substring(text)
        var next = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            // Bounded before it is multiplied: lengths come from documents, and an overflow would end the whole process.
            guard let value = Int64(digits),
                let index = sizes.indices.first(where: { $0 >= next && sizes[$0].unit == unit }),
                value <= Self.longestWritten / sizes[index].size
            else { return nil }
            total += value * sizes[index].size
            next = index + 1
        }
        guard !text.isEmpty, total <= Self.longestWritten else { return nil }
        self.milliseconds = total
    }
}

extension Interval: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Interval(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is not a length of time such as 90s, 5m or 1h30m")
        }
        self = value
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
