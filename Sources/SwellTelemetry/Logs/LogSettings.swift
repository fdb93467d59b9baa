public import Logging

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// How a process logs.
public struct LogSettings: Sendable {
    /// What is logged: this level and above.
    public var level: Logger.Level
    /// Whether lines are coloured.
    public var coloured: Bool

    /// Settings as given.
    public init(level: Logger.Level = .info, coloured: Bool = false) {
        self.level = level
        self.coloured = coloured
    }

    /// Settings from a flag, which wins, and the environment.
    ///
    /// `SWELL_LOG_LEVEL` is a level by name. Lines are coloured on a terminal only, and not where `NO_COLOR` is set
    /// (no-color.org) or `TERM` is `dumb`.
    public init(
        flag: String?, environment: [String: String], isTerminal: Bool = standardErrorIsTerminal
    ) throws(TelemetryError) {
        let text = flag ?? environment["SWELL_LOG_LEVEL"] ?? "info"
        guard let level = Logger.Level(rawValue: text.lowercased()) else {
            let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw TelemetryError(
                code: .invalidLevel, message: "log level '\(text.prefix(40))': expected one of \(levels)")
        }
        self.level = level
        self.coloured = isTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// Whether somebody reads standard error on a terminal.
    public static var standardErrorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
