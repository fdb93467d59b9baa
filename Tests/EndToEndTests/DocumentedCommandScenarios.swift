internal import Foundation
internal import Testing

/// Every command that the documents name is there, with the flags that they give it.
@Suite struct DocumentedCommandScenarios {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    struct Mention: Hashable, Sendable {
        var file: String
        var program: String
        /// What may be a command: the words before the first that is none.
        var words: [String]
        var flags: Set<String>
    }

    /// Of one line or what stands between backticks.
    private static func mention(in text: Substring, file: String) -> Mention? {
        guard let match = text.prefixMatch(of: /(swell|swell-coordinator|swell-agent) (.+)/) else { return nil }
        // What comes after is a comment, or another program's.
        let rest = match.output.2.prefix { !"|&>;".contains($0) }.split(separator: " # ").first ?? ""
        let words = rest.split(separator: " ").prefix { $0.wholeMatch(of: /[a-z][a-z-]*/) != nil }.map(String.init)
        let flags = rest.matches(of: /(?:^| )(--[a-z][a-z-]*)/).map { String($0.output.1) }
        return Mention(file: file, program: String(match.output.1), words: words, flags: Set(flags))
    }

    static func mentions() throws -> Set<Mention> {
        var files = [root.appending(path: "README.md")]
        let walker = FileManager.default.enumerator(
            at: root.appending(path: "Sources"), includingPropertiesForKeys: nil)
        files += (walker?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "md" }
        var found: Set<Mention> = []
        for file in files {
            var isCode = false
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                if line.hasPrefix("```") || line.hasPrefix("  ```") { isCode.toggle() }
                let pieces =
                    isCode
                    ? [line.drop { $0 == " " }]
                    : line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                        .filter { $0.offset % 2 == 1 }.map(\.element)
                found.formUnion(pieces.compactMap { mention(in: $0, file: file.lastPathComponent) })
            }
        }
        return found
    }

    @Test func everyDocumentedCommandAndFlagIsThere() async throws {
        let mentions = try Self.mentions()
        #expect(mentions.count > 40 && Set(mentions.map(\.program)).count == 3)
        var helps: [[String]: String] = [:]
        for mention in mentions.sorted(by: { "\($0)" < "\($1)" }) {
            // What follows the command may look like one: `swell get clusters`.
            var path: [String]?
            for length in stride(from: min(3, mention.words.count), through: 0, by: -1) where path == nil {
                let words = [mention.program] + mention.words.prefix(length)
                if helps[words] == nil {
                    let call = try await Programs.call(mention.program, words.dropFirst() + ["--help"])
                    helps[words] = call.output
                }
                if helps[words]?.contains("USAGE: \(words.joined(separator: " "))") == true { path = words }
            }
            let told = "\(mention.file): \(mention.program) \(mention.words.joined(separator: " "))"
            let words = try #require(path, "\(told)")
            let help = helps[words] ?? ""
            if words.count == 1 { #expect(mention.words.isEmpty, "\(told)") }
            if words.count <= mention.words.count {
                #expect(!help.contains("\nSUBCOMMANDS:") || words.count > 1 && help.contains("(default)"), "\(told)")
            }
            for flag in mention.flags where flag != "--help" {
                #expect(help.contains(flag), "\(told) has no \(flag)")
            }
        }
    }
}
