internal import SwellSimulation

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// What it runs on.
enum Machine {
    static var cores: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

/// Numbers as people read them.
enum Figure {
    static func text(_ value: Double) -> String {
        value >= 100 ? "\(Int(value))" : "\((value * 10).rounded() / 10)"
    }

    static func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}

/// How far it is, on standard error, so that what goes to standard output can be kept.
struct ProgressLine {
    /// How many worlds there will be, if that is known.
    let worlds: Int?
    private var shownAt: Duration = .zero
    private let isTerminal = isatty(STDERR_FILENO) == 1

    init(worlds: Int?) { self.worlds = worlds }

    /// Shows it every second on a terminal, every thirty elsewhere.
    mutating func show(_ tally: Campaign.Tally) {
        guard tally.elapsed - shownAt >= .seconds(isTerminal ? 1 : 30) else { return }
        shownAt = tally.elapsed
        let share = worlds.map { "\(tally.worlds) of \($0) worlds" } ?? "\(tally.worlds) worlds"
        let text =
            "\(share), \(tally.rollouts) rollouts, \(Figure.text(tally.rate(of: tally.events))) events/s, "
            + "\(tally.broken.count) broken"
        say(isTerminal ? "\r\(text)\u{1B}[K" : "\(text)\n")
    }

    func end() { if isTerminal { say("\r\u{1B}[K") } }

    private func say(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

/// What was met and what was not.
struct CoverageText {
    let coverage: Coverage
    let isWhole: Bool

    init(_ coverage: Coverage, isWhole: Bool) {
        self.coverage = coverage
        self.isWhole = isWhole
    }

    /// Prints it; false where something was met that is said to be unreachable.
    func print() -> Bool {
        let sections = coverage.sections
        for section in sections {
            Swift.print("\(section.name): \(section.met.count) of \(section.met.count + section.missed.count) met")
            if isWhole { for (what, count) in section.met { Swift.print("  \(what): \(count)") } }
            if isWhole { for (what, why) in section.unreachable { Swift.print("  \(what): never, since \(why)") } }
            if !section.missed.isEmpty { Swift.print("  never met: \(section.missed.joined(separator: ", "))") }
            for what in section.contradicted { Swift.print("  met, though said to be unreachable: \(what)") }
        }
        return sections.allSatisfy(\.contradicted.isEmpty)
    }
}
