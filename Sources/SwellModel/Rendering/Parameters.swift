/// The names of parameters, and how text refers to them.
public enum ParameterNames {
    /// What every cluster has by itself: `cluster`, `region`, `environment`, the application's `application` and `namespace`,
    /// and `release`, the first twelve digits of the release's digest.
    public static let builtIn: Set<String> = [
        "cluster", "region", "environment", "application", "namespace", "release",
    ]

    /// A label of the cluster is spelled `label.KEY`.
    static let labelPrefix = "label."

    static func isValid(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 63 else { return false }
        func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }
        return isLetter(first)
            && name.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F }
    }
}

/// A text with references to parameters.
///
/// `${name}` stands for the parameter's text; `$${` is a `${` that stays. Where the whole text is `${name:integer}`, `${name:number}`
/// or `${name:boolean}`, the value becomes one of that type, for fields such as `spec.replicas`.
struct ParameterText {
    enum Part: Hashable {
        case literal(String)
        case parameter(name: String, type: ValueType)
    }
    enum ValueType: String, CaseIterable { case text, integer, number, boolean }

    let parts: [Part]

    /// Whether nothing refers to a parameter.
    var isLiteral: Bool { parts.allSatisfy { if case .literal = $0 { true } else { false } } }

    /// Reads a text; throws what is wrong with it, without a place.
    init(_ text: String) throws(ModelError) {
        var parts: [Part] = []
        var literal = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            literal += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                literal += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else {
                    throw ModelError(
                        code: .syntax, message: "'${' is not closed; write ${name} (\(PlainReferences.ways(of: "…")))")
                }
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = ""
                parts.append(try Self.reference(rest[rest.index(rest.startIndex, offsetBy: 2)..<end]))
                rest = rest[rest.index(after: end)...]
            } else {
                literal += "$"
                rest = rest.dropFirst()
            }
        }
        literal += rest
        if !literal.isEmpty { parts.append(.literal(literal)) }
        if parts.count > 1 {
            for case .parameter(let name, let type) in parts where type != .text {
                throw ModelError(
                    code: .invalidValue,
                    message: "${\(name):\(type.rawValue)} must be the whole value; within a text write ${\(name)}")
            }
        }
        self.parts = parts
    }

    private static func reference(_ text: Substring) throws(ModelError) -> Part {
        let pieces = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(pieces[0])
        let isLabel =
            name.hasPrefix(ParameterNames.labelPrefix) && name.utf8.count > ParameterNames.labelPrefix.utf8.count
        guard isLabel || ParameterNames.isValid(name) else {
            throw ModelError(
                code: .syntax,
                message:
                    "'${\(text.prefix(80))}' names no parameter; write ${name} "
                    + "(\(PlainReferences.ways(of: text.prefix(80))))"
            )
        }
        guard pieces.count == 2 else { return .parameter(name: name, type: .text) }
        guard let type = ValueType(rawValue: String(pieces[1])) else {
            throw ModelError(
                code: .syntax,
                message:
                    "'${\(text.prefix(80))}' asks for an unknown type; known are integer, number, boolean and text; "
                    + PlainReferences.ways(of: text.prefix(80))
            )
        }
        return .parameter(name: name, type: type)
    }
}
