/// Instants as seconds since 1970, and their spelling in objects (RFC 3339, whole seconds, UTC).
enum Timestamp {
    /// `2026-11-21T09:00:00Z`.
    static func text(_ instant: Double) -> String {
        // Up to the end of the year 9999, the last that has a spelling.
        let seconds = Int(min(max(instant.rounded(.down), 0), 253_402_300_799))
        let day = seconds / 86_400
        let rest = seconds - day * 86_400
        let (year, month, dayOfMonth) = civil(day)
        return
            "\(pad(year, 4))-\(pad(month, 2))-\(pad(dayOfMonth, 2))T\(pad(rest / 3600, 2)):\(pad(rest / 60 % 60, 2)):\(pad(rest % 60, 2))Z"
    }

    /// Reads what ``text(_:)`` writes; a fraction of a second is dropped.
    static func instant(_ text: String) -> Double? {
        let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
        guard numbers.count >= 6, numbers.prefix(6).allSatisfy({ $0 < 10_000 }) else { return nil }
        let days = daysFromCivil(numbers[0], numbers[1], numbers[2])
        return Double(days * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5])
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
    static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
    }

    static func daysFromCivil(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// What the server says of a text that is no time with microseconds, as Go words it; nil when it is one.
    static func microFault(in text: String) -> String? {
        let layout = "2006-01-02T15:04:05.000000Z07:00"
        var rest = Substring(text)
        for element in ["2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05", ".000000", "Z07:00"] {
            let form =
                switch element {
                case ".000000": #/\.[0-9]{6}/#
                case "Z07:00": #/Z|[-+][0-9]{2}:[0-9]{2}/#
                case "2006": #/[0-9]{4}/#
                case "-", "T", ":": nil as Regex<Substring>?
                default: #/[0-9]{2}/#
                }
            let match =
                form.flatMap { rest.prefixMatch(of: $0)?.0 }
                ?? (form == nil && rest.hasPrefix(element) ? rest.prefix(1) : nil)
            guard let match else {
                return "parsing time \"\(text)\" as \"\(layout)\": cannot parse \"\(rest)\" as \"\(element)\""
            }
            rest = rest.dropFirst(match.count)
        }
        return rest.isEmpty ? nil : "parsing time \"\(text)\": extra text: \"\(rest)\""
    }
}
