internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

/// Finds words that are no command, so that what was meant can be proposed: ArgumentParser only counts "unexpected arguments".
enum CommandWords {
    /// What other tools call it.
    private static let synonyms: [String: [String]] = [
        "delete": ["remove"], "rm": ["remove"], "ls": ["list"],
        "revert": ["undo", "rollback"], "deploy": ["start"],
        "show": ["describe"], "inspect": ["describe"], "log": ["events"], "logs": ["events"], "template": ["render"],
        "build": ["render"], "upgrade": ["start"], "cancel": ["abort"], "help": ["explain"], "docs": ["explain"],
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
        for (index, argument) in arguments.enumerated() {
            guard !command.words.isEmpty, !argument.hasPrefix("-"), argument != "help" else { return nil }
            if let next = command.words.first(where: { $0.name == argument }) {
                command = next
                words.append(argument)
                continue
            }
            let place = words.joined(separator: " ")
            // What is taken away of an application is on its clusters, and has a word of its own.
            let following = arguments.dropFirst(index + 1).first.flatMap { Resource(argument: $0) }
            let isRemoval = synonyms[argument.lowercased()]?.contains("remove") == true
            let proposals =
                isRemoval && following == .applications
                ? ["\(root.name) uninstall"] : proposals(for: argument, among: command.words, at: place, root)
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

    /// The error for a flag that the command does not have; nil where it has all of them. Asked only where a command line cannot be
    /// read: what ArgumentParser says first, such as that something is missing, is often only because of such a flag.
    ///
    /// - Parameter help: What the tool says of its commands, `--experimental-dump-help`.
    static func flagProblem(in arguments: [String], help: String) -> CommandError? {
        guard var command = (try? JSONValue(parsing: Array(help.utf8)))?["command"] else { return nil }
        var words = [command["commandName"]?.stringValue ?? ""]
        for argument in arguments {
            guard !argument.hasPrefix("-"),
                let next = command["subcommands"]?.arrayValue?.first(where: {
                    $0["commandName"]?.stringValue == argument
                })
            else { break }
            command = next
            words.append(argument)
        }
        let names = (command["arguments"]?.arrayValue ?? []).flatMap { $0["names"]?.arrayValue ?? [] }
        let known = Set(
            names.compactMap { name -> String? in
                guard let text = name["name"]?.stringValue else { return nil }
                return name["kind"] == "long" ? "--\(text)" : "-\(text)"
            } + ["--help", "-h", "--version"])
        for argument in arguments.prefix(while: { $0 != "--" }) where argument.hasPrefix("-") {
            let flag = argument.hasPrefix("--") ? String(argument.prefix { $0 != "=" }) : argument
            let isShort = !flag.hasPrefix("--")
            // What stands for a pipe, a number, or several letters together.
            guard !known.contains(flag), flag.utf8.count > 1, !isShort || flag.dropFirst().first?.isLetter == true,
                !isShort || !flag.dropFirst().allSatisfy({ known.contains("-\($0)") })
            else { continue }
            let place = words.joined(separator: " ")
            let meant = isShort && known.contains("-\(flag)") ? "; did you mean '-\(flag)'?" : nil
            let advice = meant ?? Spelling.advice(for: flag, among: known.filter { $0.hasPrefix("--") }.sorted())
            return CommandError(
                code: .usage, message: "'\(place)' has no flag '\(flag)'\(advice)\nSee '\(place) --help'.")
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
