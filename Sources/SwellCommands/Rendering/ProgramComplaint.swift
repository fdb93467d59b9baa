internal import SwellModel

/// What kubectl, kustomize and helm write beside their output, as people want it: what is wrong first, warnings after it, without the time
/// and the source line that klog puts before each line, and without what is only said for information.
struct ProgramComplaint {
    /// The most that is told of a program that succeeded: lines, and characters of each.
    private static let maximumWarnings = 20
    private static let maximumLength = 400

    /// The lines, what is wrong before what is only warned of.
    let text: String
    /// What to tell where the program succeeded all the same.
    let warnings: [String]

    init(_ written: String) {
        var errors: [String] = []
        var warnings: [String] = []
        for line in written.split(whereSeparator: \.isNewline) {
            if let hooks = Self.unknownHooks(in: line) {
                warnings.append(hooks)
            } else if let found = line.wholeMatch(of: #/([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+\s+\d+ [^\]]+\] ?(.*)/#) {
                switch found.1 {
                case "I": continue
                case "W": warnings.append(String(found.2))
                default: errors.append(String(found.2))
                }
            } else if let found = line.wholeMatch(
                of: #/(?:time=\S+ )?level=([A-Z]+) msg=("(?:[^"\\]|\\.)*"|\S+)(.*)/#)
            {
                let message = Self.plain(found.2) + found.3
                switch found.1 {
                case "DEBUG", "INFO": continue
                case "ERROR": errors.append(message)
                default: warnings.append(message)
                }
            } else if let found = line.wholeMatch(of: #/(?:# ?)?(?:[a-z_]+\.go:\d+: )?[Ww](?:arning|ARNING): ?(.*)/#) {
                warnings.append(String(found.1))
            } else {
                errors.append(String(line))
            }
        }
        let told = errors + warnings.map { "warning: \($0)" }
        text = told.isEmpty ? written : told.joined(separator: "\n")
        var seen: Set<String> = []
        let short = (warnings + errors).map { String($0.prefix(Self.maximumLength)) }
            .filter { !$0.trimmed.isEmpty && seen.insert($0).inserted }
        self.warnings =
            Array(short.prefix(Self.maximumWarnings))
            + (short.count > Self.maximumWarnings ? ["and \(short.count - Self.maximumWarnings) more lines"] : [])
    }

    /// A message as it was before it was quoted.
    private static func plain(_ text: Substring) -> String {
        guard text.first == "\"" else { return String(text) }
        return String(text.dropFirst().dropLast()).replacing("\\\"", with: "\"").replacing("\\\\", with: "\\")
    }

    /// Helm leaves objects out whose hook it does not know, and says so by the way only.
    private static func unknownHooks(in line: Substring) -> String? {
        guard let found = line.firstMatch(of: #/skipping unknown hooks?(?:"? hookTypes=|: )(.+)/#) else { return nil }
        let hooks = Self.plain(found.1)
        let words = hooks.split(separator: ",").map { String($0).trimmed }
        let word = words.first { !OthersWords.helmHooks.contains($0) }
        return "an object is a hook for '\(hooks.prefix(80))', which this Helm does not know, and is left out"
            + (word.map { Spelling.advice(for: $0, among: OthersWords.helmHooks) } ?? "")
    }
}
