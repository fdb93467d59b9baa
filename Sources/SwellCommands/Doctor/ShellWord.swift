/// Text of somebody else's in a command that is shown to be copied.
enum ShellWord {
    /// The text as one word of a shell, which takes none of it for more: as it is where that holds, and else in single quotes. A path that
    /// looks like an option is led by `./`.
    static func quoted(_ text: String) -> String {
        let text = text.hasPrefix("-") ? "./" + text : text
        let isPlain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-,:@%+=".contains($0)) }
        if isPlain, !text.isEmpty { return text }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }
}
