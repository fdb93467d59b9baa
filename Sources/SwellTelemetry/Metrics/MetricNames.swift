/// Names as Prometheus allows them (its data model: `[a-zA-Z_:][a-zA-Z0-9_:]*`, labels without the colon).
enum MetricNames {
    /// `label` as a metric's name: every other character becomes `_`.
    static func metric(_ label: String) -> String { cleaned(label, fallback: "unnamed") }

    /// `name` as a label's name. Names that begin with `__`, and histograms' own `le`, are Prometheus's: they get a prefix.
    static func label(_ name: String) -> String {
        let name = cleaned(name, fallback: "label")
        return name == "le" || name.hasPrefix("__") ? "exported_\(name)" : name
    }

    private static func cleaned(_ text: String, fallback: String) -> String {
        var bytes: [UInt8] = text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                byte
            default: UInt8(ascii: "_")
            }
        }
        if let first = bytes.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) {
            bytes.insert(UInt8(ascii: "_"), at: 0)
        }
        return bytes.isEmpty ? fallback : String(decoding: bytes, as: UTF8.self)
    }
}

/// The labels of one series, sorted by name, each name once.
struct LabelSet: Hashable, Comparable {
    let pairs: [Pair]

    struct Pair: Hashable {
        let name: String
        let value: String
    }

    /// The most bytes of a label's value; what is beyond is cut.
    static let valueLimit = 256

    init(_ dimensions: [(String, String)]) {
        var seen: Set<String> = []
        pairs = dimensions.map { Pair(name: MetricNames.label($0.0), value: Self.cut($0.1)) }
            .filter { seen.insert($0.name).inserted }
            .sorted { $0.name < $1.name }
    }

    private init(pairs: [Pair]) { self.pairs = pairs }

    /// The same names, every value `other`: where series beyond the limit are counted together.
    var overflow: LabelSet { LabelSet(pairs: pairs.map { Pair(name: $0.name, value: "other") }) }

    /// `{a="b",c="d"}` with `additional` at the end, or nothing where there are no labels.
    func text(adding additional: Pair? = nil) -> String {
        let all = additional.map { pairs + [$0] } ?? pairs
        guard !all.isEmpty else { return "" }
        return "{" + all.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",") + "}"
    }

    static func < (left: LabelSet, right: LabelSet) -> Bool { left.text() < right.text() }

    /// As the text format wants it: backslash, quote and line feed escaped.
    private static func escaped(_ value: String) -> String {
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }

    private static func cut(_ value: String) -> String {
        guard value.utf8.count > valueLimit else { return value }
        return String(decoding: value.utf8.prefix(valueLimit), as: UTF8.self)
    }
}
