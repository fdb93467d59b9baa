internal import ArgumentParser

/// What of a command line nobody knows, with the nearest that is right. ArgumentParser itself names the first thing that does not fit,
/// which after a misspelt command is often a flag that was right.
enum MeantWords {
    /// - Returns: Nil where every command and flag is known: then something else is wrong.
    static func problem(in arguments: [String], of program: any ParsableCommand.Type) -> String? {
        var command = program
        var path = program._commandName
        var rest = arguments[...]
        while let word = rest.first, !word.hasPrefix("-"), !command.configuration.subcommands.isEmpty {
            let commands = command.configuration.subcommands
            guard word != "help" else { return nil }
            guard let next = commands.first(where: { $0._commandName == word }) else {
                return
                    "'\(path)' has no command '\(word.prefix(80))'\(nearest(to: word, among: commands.map { $0._commandName }))"
            }
            command = next
            path += " \(word)"
            rest = rest.dropFirst()
        }
        let known = Set(flags(of: command, in: program))
        for argument in rest.prefix(while: { $0 != "--" }) where argument.hasPrefix("--") {
            let flag = String(argument.prefix { $0 != "=" })
            if !known.contains(flag) {
                return "'\(path)' has no flag '\(flag.prefix(80))'\(nearest(to: flag, among: known.sorted()))"
            }
        }
        return nil
    }

    private static func flags(of command: any ParsableCommand.Type, in program: any ParsableCommand.Type) -> [String] {
        program.helpMessage(for: command, includeHidden: true).matches(of: /--[a-z][a-z0-9-]*/).map {
            String($0.output)
        }
            + ["--help", "--version"]
    }

    private static func nearest(to word: String, among names: [String]) -> String {
        let found = names.map { (name: $0, distance: distance(word, $0)) }.min { $0.distance < $1.distance }
        guard let found, found.distance <= max(1, found.name.count / 3) else {
            return names.isEmpty ? "" : "; it is one of \(names.joined(separator: ", "))"
        }
        return "; did you mean '\(found.name)'?"
    }

    /// How many letters to add, take away, change, or swap with the next.
    private static func distance(_ left: String, _ right: String) -> Int {
        let (a, b) = (Array(left.utf8.prefix(80)), Array(right.utf8.prefix(80)))
        var rows = [Array(0...b.count)]
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, rows[i - 1][j - 1] + 1) }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
