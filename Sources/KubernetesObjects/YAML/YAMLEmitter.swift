internal import ShownText

extension JSONValue {
    /// The value as a YAML document in block style with sorted keys, as `kubectl -o yaml` writes it.
    ///
    /// What ``YAMLReader`` reads back is the same value: a string that could be taken for something else is quoted.
    public func yaml() -> String {
        var output = ""
        switch self {
        case .object(let members) where !members.isEmpty: YAMLEmitter.mapping(members, indent: 0, to: &output)
        case .array(let elements) where !elements.isEmpty: YAMLEmitter.sequence(elements, indent: 0, to: &output)
        default:
            YAMLEmitter.inline(self, indent: 0, to: &output)
        }
        return output
    }
}

private enum YAMLEmitter {
    /// YAML looks no further than 1,024 characters for the colon after a key; beyond, a key needs a `?` before it.
    private static let longestSimpleKey = 1_000

    static func mapping(_ members: [String: JSONValue], indent: Int, firstOnLine: Bool = false, to output: inout String)
    {
        var onLine = firstOnLine
        for (key, member) in members.sorted(by: { $0.key < $1.key }) {
            if !onLine { output.append(String(repeating: " ", count: indent)) }
            onLine = false
            let written = quotedIfNeeded(key)
            if written.utf8.count <= longestSimpleKey {
                output.append(written)
            } else {
                output.append("? \(written)\n")
                output.append(String(repeating: " ", count: indent))
            }
            output.append(":")
            switch member {
            case .object(let nested) where !nested.isEmpty:
                output.append("\n")
                mapping(nested, indent: indent + 2, to: &output)
            case .array(let elements) where !elements.isEmpty:
                output.append("\n")
                sequence(elements, indent: indent, to: &output)
            default:
                output.append(" ")
                inline(member, indent: indent + 2, to: &output)
            }
        }
    }

    static func sequence(_ elements: [JSONValue], indent: Int, firstOnLine: Bool = false, to output: inout String) {
        var onLine = firstOnLine
        for element in elements {
            if !onLine { output.append(String(repeating: " ", count: indent)) }
            onLine = false
            output.append("- ")
            switch element {
            case .object(let members) where !members.isEmpty:
                mapping(members, indent: indent + 2, firstOnLine: true, to: &output)
            case .array(let nested) where !nested.isEmpty:
                sequence(nested, indent: indent + 2, firstOnLine: true, to: &output)
            default:
                inline(element, indent: indent + 2, to: &output)
            }
        }
    }

    /// A value that begins on the current line, with the newline after it.
    static func inline(_ value: JSONValue, indent: Int, to output: inout String) {
        switch value {
        case .string(let text) where isLiteralBlock(text):
            literalBlock(text, indent: indent, to: &output)
        case .string(let text):
            output.append(quotedIfNeeded(text))
            output.append("\n")
        case .object: output.append("{}\n")
        case .array: output.append("[]\n")
        default:
            output.append(value.serialized())
            output.append("\n")
        }
    }

    private static func isLiteralBlock(_ text: String) -> Bool {
        guard text.utf8.contains(0x0A), let first = text.unicodeScalars.first, first != " ", first != "\n",
            first != "\t"
        else { return false }
        return text.unicodeScalars.allSatisfy { $0 == "\n" || $0 == "\t" || isPrintable($0) }
    }

    private static func literalBlock(_ text: String, indent: Int, to output: inout String) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if !text.hasSuffix("\n") {
            output.append("|-\n")
        } else {
            lines.removeLast()
            output.append(text.hasSuffix("\n\n") ? "|+\n" : "|\n")
        }
        let margin = String(repeating: " ", count: max(indent, 2))
        for line in lines {
            if !line.isEmpty {
                output.append(margin)
                output.append(contentsOf: line)
            }
            output.append("\n")
        }
    }

    /// Whether a character stands as it is: what YAML prints, but for what would show otherwise than it reads.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if PlainText.isUnsafe(scalar) { return false }
        return switch scalar.value {
        case 0x20...0x7E, 0xA0...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }

    private static let indicators: Set<Unicode.Scalar> = [
        "-", "?", ":", ",", "[", "]", "{", "}", "#", "&", "*", "!", "|", ">", "'", "\"", "%", "@", "`", "=", "<", "~",
        " ",
    ]

    private static func quotedIfNeeded(_ text: String) -> String {
        isPlain(text) ? text : quoted(text)
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, !indicators.contains(first), text.utf8.last != 0x20,
            YAMLScalars.resolve(plain: text) == .string(text)
        else { return false }
        if text.hasPrefix("...") { return false }
        let startsLikeNumber = ("0"..."9").contains(first) || first == "+" || first == "."
        var previous: Unicode.Scalar = first
        for scalar in text.unicodeScalars {
            guard isPrintable(scalar) else { return false }
            if scalar == "#", previous == " " { return false }
            if previous == ":", scalar == " " { return false }
            if startsLikeNumber, scalar == ":" || scalar == "_" { return false }
            previous = scalar
        }
        if previous == ":" { return false }
        // YAML 1.1 readers other than Go's take dates for timestamps.
        if startsLikeNumber, text.utf8.count >= 8, text.utf8.dropFirst(4).first == UInt8(ascii: "-") { return false }
        return true
    }

    private static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output.append("\\\"")
            case "\\": output.append("\\\\")
            case "\n": output.append("\\n")
            case "\r": output.append("\\r")
            case "\t": output.append("\\t")
            default:
                if isPrintable(scalar) {
                    output.unicodeScalars.append(scalar)
                } else {
                    let hex = String(scalar.value, radix: 16)
                    output.append("\\u")
                    output.append(String(repeating: "0", count: max(0, 4 - hex.count)))
                    output.append(hex)
                }
            }
        }
        output.append("\"")
        return output
    }
}
