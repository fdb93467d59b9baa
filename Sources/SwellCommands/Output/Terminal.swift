private import FoundationEssentials
internal import ShownText
internal import SwellModel

#if canImport(Glibc)
    private import Glibc
#else
    private import Darwin
#endif

/// Where output goes, and what may be done with it.
struct Terminal: Sendable {
    /// Whether standard output is a terminal, on which a tree can be redrawn.
    let isInteractive: Bool
    /// Whether to use colours: on a terminal only, and not where `NO_COLOR` is set (no-color.org).
    let hasColours: Bool
    /// Whether standard output is a terminal of whatever kind.
    private let isTerminal: Bool
    /// Whether there is a person to ask: what they type is read from a terminal, and they see the question on one.
    let canAsk: Bool

    init(environment: [String: String]) {
        self.isTerminal = isatty(STDOUT_FILENO) == 1
        self.isInteractive = isTerminal && environment["TERM"] != "dumb"
        self.canAsk = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1
        self.hasColours = isInteractive && (environment["NO_COLOR"] ?? "").isEmpty
    }

    /// The size as it is now: it changes with the window.
    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (100, 40)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// How wide lines may be: as the terminal is, and without end in a pipe, where nobody sees a margin and scripts search.
    var width: Int { isInteractive ? size.columns : .max }

    /// Prints a line and hands it on at once, also into a pipe. Nothing in it acts upon a terminal but colours of ``Style``.
    func line(_ text: String) {
        Self.write((hasColours ? Style.keepingColours(text) : PlainText.shown(text)) + "\n", to: STDOUT_FILENO)
    }

    /// Prints lines over others that were drawn before, on a terminal.
    ///
    /// - Parameter back: How many lines were drawn.
    func redraw(_ lines: [String], over back: Int) {
        if back > 0 { Self.write("\u{1B}[\(back)A\r\u{1B}[J", to: STDOUT_FILENO) }
        line(lines.joined(separator: "\n"))
    }

    /// Prints what scripts read (JSON, YAML), exactly as it is into a pipe or file. On a terminal, what it would act upon is
    /// spelled out.
    func data(_ text: String) {
        Self.write(isTerminal ? PlainText.shownAsJSON(text) : text, to: STDOUT_FILENO)
    }

    /// Prints a line for the person, beside what scripts read.
    func note(_ text: String) { Self.write(PlainText.shown(text) + "\n", to: STDERR_FILENO) }

    /// Asks a question that only `y` or `yes` agrees to; the end of input does not.
    func ask(_ question: String) -> Bool {
        Self.write("\(PlainText.shown(question)) [y/N] ", to: STDERR_FILENO)
        return ["y", "yes"].contains((readLine() ?? "").lowercased())
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { writeDescriptor(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            // Nobody reads any more, as behind `| head`: there is nothing left to do.
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// The clock of this machine.
    static var now: Double { Date().timeIntervalSince1970 }
}

/// `write(2)`, under a name that the terminal's own `write` does not hide.
private func writeDescriptor(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
