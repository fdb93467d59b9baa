internal import Foundation
internal import PostgresClient

extension Stage {
    /// The statements that `body` has the database run, with their parameters written in, as its own log tells them: what a baseline sends
    /// is what the product sends.
    func statements(of body: @Sendable () async throws -> Void) async throws -> [String] {
        let log = serverLog
        try await pool.query("ALTER SYSTEM SET log_statement = 'all'")
        try await pool.query("ALTER SYSTEM SET log_parameter_max_length = -1")
        try await pool.query("SELECT pg_reload_conf()")
        try await eventually("the statement log") {
            try await pool.query("SHOW log_statement").scalar(String.self) == "all" ? true : nil
        }
        let begin = (try? Data(contentsOf: log).count) ?? 0
        try await body()
        try await pool.query("ALTER SYSTEM RESET log_statement")
        try await pool.query("SELECT pg_reload_conf()")
        let text = String(decoding: (try Data(contentsOf: log)).dropFirst(begin), as: UTF8.self)
        return LoggedStatement.read(text).filter { !$0.hasPrefix("ALTER SYSTEM") && !$0.contains("pg_reload_conf") }
    }
}

/// A statement in PostgreSQL's log.
enum LoggedStatement {
    /// Each statement with its parameters in place of their numbers.
    static func read(_ log: String) -> [String] {
        var statements: [String] = []
        for entry in entries(log) {
            if let range = entry.firstRange(of: #/LOG:  (execute [^:]*|statement): /#) {
                statements.append(String(entry[range.upperBound...]))
            } else if let range = entry.firstRange(of: #/DETAIL:  [Pp]arameters: /#), let last = statements.popLast() {
                statements.append(substitute(parameters(entry[range.upperBound...]), in: last))
            }
        }
        return statements
    }

    /// Lines joined to the entries that they belong to: what goes on begins with a tab.
    private static func entries(_ log: String) -> [String] {
        var entries: [String] = []
        for line in log.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("\t"), let last = entries.popLast() {
                entries.append(last + "\n" + line.dropFirst())
            } else {
                entries.append(String(line))
            }
        }
        return entries
    }

    /// `$1 = '…', $2 = NULL`: the literals, in order.
    private static func parameters(_ text: Substring) -> [String] {
        text.matches(of: #/\$\d+ = (NULL|'(?:[^']|'')*')/#).map { String($0.output.1) }
    }

    /// The highest number first, so that $1 is not taken for the beginning of $10.
    private static func substitute(_ literals: [String], in sql: String) -> String {
        literals.enumerated().reversed().reduce(sql) { $0.replacing("$\($1.offset + 1)", with: $1.element) }
    }
}
