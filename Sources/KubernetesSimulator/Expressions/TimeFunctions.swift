/// An instant with nanoseconds, as the language's timestamps have.
struct ExpressionTime: Sendable, Hashable, Comparable {
    /// Since 1970-01-01T00:00:00Z.
    var seconds: Int64
    /// From 0 to 999 999 999.
    var nanoseconds: Int64

    static let least: Int64 = -62_135_596_800
    static let most: Int64 = 253_402_300_799

    static func < (left: ExpressionTime, right: ExpressionTime) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// Nil outside of the years 1 to 9999.
    init?(seconds: Int64, nanoseconds: Int64) {
        guard (Self.least...Self.most).contains(seconds) else { return nil }
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Reads RFC 3339.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        func number(_ start: Int, _ count: Int) -> Int? {
            guard start + count <= bytes.count else { return nil }
            var result = 0
            for byte in bytes[start..<start + count] {
                guard (48...57).contains(byte) else { return nil }
                result = result * 10 + Int(byte - 48)
            }
            return result
        }
        func mark(_ place: Int, _ wanted: Character) -> Bool {
            place < bytes.count && bytes[place] == wanted.asciiValue
        }
        guard mark(4, "-"), mark(7, "-"), mark(10, "T") || mark(10, "t"), mark(13, ":"), mark(16, ":"),
            let year = number(0, 4), let month = number(5, 2), let day = number(8, 2), let hour = number(11, 2),
            let minute = number(14, 2), let second = number(17, 2), (1...12).contains(month), (1...31).contains(day),
            hour < 24,
            minute < 60, second < 60
        else { return nil }
        let days = Timestamp.daysFromCivil(year, month, day)
        guard Timestamp.civil(days).day == day else { return nil }
        var place = 19
        var fraction: Int64 = 0
        if mark(place, ".") {
            place += 1
            var unit: Int64 = 100_000_000
            let start = place
            while let digit = number(place, 1) {
                fraction += Int64(digit) * unit
                unit /= 10
                place += 1
            }
            if place == start { return nil }
        }
        var offset = 0
        if mark(place, "Z") || mark(place, "z") {
            place += 1
        } else if mark(place, "+") || mark(place, "-"), mark(place + 3, ":"), let hours = number(place + 1, 2),
            let minutes = number(place + 4, 2), hours < 24, minutes < 60
        {
            offset = (hours * 60 + minutes) * (mark(place, "-") ? -60 : 60)
            place += 6
        } else {
            return nil
        }
        guard place == bytes.count else { return nil }
        let total = Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second - offset)
        self.init(seconds: total, nanoseconds: fraction)
    }

    var text: String {
        let whole = civil
        func pad(_ value: Int, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        var fraction = ""
        if nanoseconds > 0 {
            fraction = "." + pad(Int(nanoseconds), 9)
            while fraction.last == "0" { fraction.removeLast() }
        }
        return "\(pad(whole.year, 4))-\(pad(whole.month, 2))-\(pad(whole.day, 2))T\(pad(whole.second / 3600, 2)):"
            + "\(pad(whole.second / 60 % 60, 2)):\(pad(whole.second % 60, 2))\(fraction)Z"
    }

    /// Year, month, day, and second of the day; and the day counted from 1970.
    fileprivate var civil: (year: Int, month: Int, day: Int, second: Int, number: Int) {
        let number = Int(seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400)
        let (year, month, day) = Timestamp.civil(number)
        return (year, month, day, Int(seconds) - number * 86_400, number)
    }

    /// Reads a duration as Go writes them, `1h30m`, `-1.5s`; nil for another text or what nanoseconds cannot count.
    static func duration(_ text: String) -> Int64? {
        var rest = Substring(text)
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest.removeFirst() }
        if rest == "0" { return 0 }
        if rest.isEmpty { return nil }
        var total = 0.0
        var exact: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !($0.isASCII && ($0.isNumber || $0 == ".")) }
            rest = rest.dropFirst(unit.count)
            let sizes: [String: Int64] = [
                "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000,
                "h": 3_600_000_000_000,
            ]
            guard let size = sizes[String(unit)], let number = Double(digits) else { return nil }
            total += number * Double(size)
            guard total < 9.2e18 else { return nil }
            let whole = Int64(digits.split(separator: ".", omittingEmptySubsequences: false)[0]) ?? 0
            let (product, overflow) = whole.multipliedReportingOverflow(by: size)
            let part = ((number - Double(whole)) * Double(size)).rounded()
            guard !overflow, abs(part) < 1e18 else { return nil }
            let (sum, overflows) = exact.addingReportingOverflow(product)
            guard !overflows else { return nil }
            exact = sum + Int64(part)
        }
        return isNegative ? -exact : exact
    }

    /// `90s`: seconds with their fraction, as the language converts durations.
    static func durationText(_ nanoseconds: Int64) -> String {
        let whole = nanoseconds.magnitude / 1_000_000_000
        var fraction = String(nanoseconds.magnitude % 1_000_000_000 + 1_000_000_000).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "\(nanoseconds < 0 ? "-" : "")\(whole)\(fraction.isEmpty ? "" : ".\(fraction)")s"
    }

    /// The instant so much later.
    func adding(_ duration: Int64) throws(ExpressionError) -> ExpressionTime {
        var second = seconds + duration / 1_000_000_000
        var nano = nanoseconds + duration % 1_000_000_000
        if nano < 0 {
            nano += 1_000_000_000
            second -= 1
        } else if nano >= 1_000_000_000 {
            nano -= 1_000_000_000
            second += 1
        }
        guard let result = ExpressionTime(seconds: second, nanoseconds: nano) else {
            throw .evaluation("timestamp overflow")
        }
        return result
    }
}

extension FunctionLibrary {
    static let times: [String: [FunctionOverload]] = [
        "timestamp": conversion(from: [.timestamp, .string, .int], to: .timestamp) { value throws(ExpressionError) in
            switch value {
            case .timestamp: return value
            case .string(let text):
                guard let time = ExpressionTime(text) else {
                    throw .conversion(from: "string", to: "google.protobuf.Timestamp")
                }
                return .timestamp(time)
            case .int(let seconds):
                guard let time = ExpressionTime(seconds: seconds, nanoseconds: 0) else {
                    throw .evaluation("timestamp overflow")
                }
                return .timestamp(time)
            default: throw .noSuchOverload
            }
        },
        "duration": conversion(from: [.duration, .string, .int], to: .duration) { value throws(ExpressionError) in
            switch value {
            case .duration: return value
            case .int(let nanoseconds): return .duration(nanoseconds)
            case .string(let text):
                guard let duration = ExpressionTime.duration(text) else {
                    throw .conversion(from: "string", to: "google.protobuf.Duration")
                }
                return .duration(duration)
            default: throw .noSuchOverload
            }
        },
        "_+_": [
            function([.timestamp, .duration], .timestamp) { arguments throws(ExpressionError) in
                try shifted(arguments[0], by: arguments[1], forward: true)
            },
            function([.duration, .timestamp], .timestamp) { arguments throws(ExpressionError) in
                try shifted(arguments[1], by: arguments[0], forward: true)
            },
            function([.duration, .duration], .duration) { arguments throws(ExpressionError) in
                guard case (.duration(let left), .duration(let right)) = (arguments[0], arguments[1]) else {
                    throw .noSuchOverload
                }
                let (sum, overflow) = left.addingReportingOverflow(right)
                if overflow { throw .evaluation("duration overflow") }
                return .duration(sum)
            },
        ],
        "_-_": [
            function([.timestamp, .duration], .timestamp) { arguments throws(ExpressionError) in
                try shifted(arguments[0], by: arguments[1], forward: false)
            },
            function([.timestamp, .timestamp], .duration) { arguments throws(ExpressionError) in
                guard case (.timestamp(let left), .timestamp(let right)) = (arguments[0], arguments[1]) else {
                    throw .noSuchOverload
                }
                let (product, overflow) = (left.seconds - right.seconds).multipliedReportingOverflow(by: 1_000_000_000)
                let (sum, overflows) = product.addingReportingOverflow(left.nanoseconds - right.nanoseconds)
                if overflow || overflows { throw .evaluation("duration overflow") }
                return .duration(sum)
            },
            function([.duration, .duration], .duration) { arguments throws(ExpressionError) in
                guard case (.duration(let left), .duration(let right)) = (arguments[0], arguments[1]) else {
                    throw .noSuchOverload
                }
                let (difference, overflow) = left.subtractingReportingOverflow(right)
                if overflow { throw .evaluation("duration overflow") }
                return .duration(difference)
            },
        ],
        "getFullYear": [field { $0.civil.year }],
        "getMonth": [field { $0.civil.month - 1 }],
        "getDate": [field { $0.civil.day }],
        "getDayOfMonth": [field { $0.civil.day - 1 }],
        "getDayOfWeek": [field { (($0.civil.number % 7) + 11) % 7 }],
        "getDayOfYear": [field { $0.civil.number - Timestamp.daysFromCivil($0.civil.year, 1, 1) }],
        "getHours": [field { $0.civil.second / 3600 }, span(3_600_000_000_000)],
        "getMinutes": [field { $0.civil.second / 60 % 60 }, span(60_000_000_000)],
        "getSeconds": [field { $0.civil.second % 60 }, span(1_000_000_000)],
        "getMilliseconds": [field { Int($0.nanoseconds / 1_000_000) }, span(1_000_000)],
    ]

    private static func shifted(_ time: ExpressionValue, by duration: ExpressionValue, forward: Bool)
        throws(ExpressionError)
        -> ExpressionValue
    {
        guard case (.timestamp(let time), .duration(let duration)) = (time, duration), forward || duration != .min
        else {
            throw .noSuchOverload
        }
        return .timestamp(try time.adding(forward ? duration : -duration))
    }

    private static func field(_ read: @escaping @Sendable (ExpressionTime) -> Int) -> FunctionOverload {
        method([.timestamp], .int) { arguments throws(ExpressionError) in
            guard case .timestamp(let time) = arguments[0] else { throw .noSuchOverload }
            return .int(Int64(read(time)))
        }
    }

    private static func span(_ unit: Int64) -> FunctionOverload {
        method([.duration], .int) { arguments throws(ExpressionError) in
            guard case .duration(let duration) = arguments[0] else { throw .noSuchOverload }
            return .int(duration / unit)
        }
    }
}
