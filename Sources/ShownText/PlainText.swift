/// Which characters a terminal would act upon, or show out of their order, instead of showing them. Whoever writes others' texts
/// where people read (terminals, logs, YAML) asks here, and spells them out by what his own format has for it.
public enum PlainText {
    /// Control characters (C0, DEL, C1), line and paragraph separators, what turns the direction of text, and marks of direction,
    /// which show nothing. Tabs and line ends of text are not meant.
    public static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0..<0x20, 0x7F...0x9F: true
        case 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x206F, 0xFFF9...0xFFFB: true
        default: false
        }
    }

    /// The text with such characters spelled out (`\x1b`).
    public static func shown(_ text: String) -> String { spelled(text) { "\\x\(String($0.value, radix: 16))" } }

    /// The same in JSON's spelling (`\u001b`), which says the same where the text is JSON.
    public static func shownAsJSON(_ text: String) -> String {
        spelled(text) {
            let hex = String($0.value, radix: 16)
            return "\\u" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
        }
    }

    /// What is wrong with a text that others will read, or nil. Line ends may be those of any system.
    public static func problem(in text: String) -> String? {
        let scalars = text.unicodeScalars
        for index in scalars.indices where isUnsafe(scalars[index]) {
            let next = scalars.index(after: index)
            if scalars[index] == "\r", next < scalars.endIndex, scalars[next] == "\n" { continue }
            let hex = String(scalars[index].value, radix: 16, uppercase: true)
            return "has the control character U+\(String(repeating: "0", count: max(0, 4 - hex.count)))\(hex); "
                + "write plain text"
        }
        return nil
    }

    private static func spelled(_ text: String, _ spelling: (Unicode.Scalar) -> String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isUnsafe(scalar) { result += spelling(scalar) } else { result.unicodeScalars.append(scalar) }
        }
        return result
    }
}
