internal import ArgumentParser
internal import SwellModel

/// Finds words that are no command, so that what was meant can be proposed: ArgumentParser only counts "unexpected arguments".
enum CommandWords {
    /// What other tools call it.
    private static let synonyms: [String: [String]] = [
        "delete": ["remove"], "rm": ["remove"], "ls": ["list"], "revert": ["undo", "rollback"], "deploy": ["start"],
        "show": ["describe"], "inspect": ["describe"], "log": ["events"], "logs": ["events"], "template": ["render"],
        "build": ["render"], "upgrade": ["start"], "cancel": ["abort"],
    ]

    /// A command with those below it.
    struct Word: Sendable {
        var name: String
        var words: [Word]

        init(_ configuration: CommandConfiguration) {
            self.name = configuration.commandName ?? ""
            self.words = configuration.subcommands.map { Word($0.configuration) }
        }
    }

    /// The error for a command line whose words name no command; nil where they do.
    static func problem(in arguments: [String], root: Word) -> CommandError? {
        var command = root
        var words = [root.name]
        for argument in arguments {
            guard !command.words.isEmpty, !argument.hasPrefix("-"), argument != "help" else { return nil }
            if let next = command.words.first(where: { $0.name == argument }) {
                command = next
                words.append(argument)
                continue
            }
            let place = words.joined(separator: " ")
            let proposals = proposals(for: argument, among: command.words, at: place, root)
            let advice =
                proposals.isEmpty
                ? Spelling.advice(for: argument, among: command.words.map(\.name))
                : "; did you mean \(proposals.map { "'\($0)'" }.joined(separator: " or "))?"
            let names = command.words.map(\.name).joined(separator: "|")
            return CommandError(
                code: .usage, message: "'\(place)' has no command '\(argument)'\(advice)\nUsage: \(place) \(names)")
        }
        return nil
    }

    /// Commands of the same name elsewhere, and those that other tools call so.
    private static func proposals(for word: String, among words: [Word], at place: String, _ root: Word) -> [String] {
        let meant = [word] + (synonyms[word.lowercased()] ?? [])
        let here = words.filter { meant.contains($0.name) }.map { "\(place) \($0.name)" }
        if !here.isEmpty { return here }
        return root.words.flatMap { parent -> [String] in
            if meant.contains(parent.name) { return ["\(root.name) \(parent.name)"] }
            return parent.words.filter { meant.contains($0.name) }.map { "\(root.name) \(parent.name) \($0.name)" }
        }
    }
}
