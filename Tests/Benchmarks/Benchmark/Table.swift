internal import Foundation

/// Results as people and programs read them.
enum Table {
    private struct Report: Codable {
        var cores: Int
        var results: [FigureResult]
    }

    static func json(_ results: [FigureResult]) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try encoder.encode(
            Report(cores: ProcessInfo.processInfo.activeProcessorCount, results: results))
    }

    static func text(_ results: [FigureResult]) -> String {
        let head = ["figure", "part", "ours p50", "p99", "baseline p50", "p99", "unit", "value", "goal", "peak", ""]
        let rows = results.map { result in
            [
                result.figure, result.part, number(result.ours.p50), number(result.ours.p99),
                result.baseline.map { number($0.p50) } ?? "-", result.baseline.map { number($0.p99) } ?? "-",
                result.unit, number(result.value), goal(result.goal),
                result.peak > 0 ? "\(result.peak >> 20) MiB" : "-", verdict(result),
            ]
        }
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        var lines = ([head] + rows).map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        }
        for result in results { lines += result.notes.map { "\(result.figure) \(result.part): \($0)" } }
        return lines.joined(separator: "\n")
    }

    private static func verdict(_ result: FigureResult) -> String {
        guard result.isRight else { return "WRONG" }
        guard let goal = result.goal else { return "" }
        return goal.isMet(result.value) ? "met" : "not met"
    }

    private static func goal(_ goal: FigureResult.Goal?) -> String {
        switch goal {
        case .atMost(let limit): "<= \(number(limit))"
        case .atLeast(let limit): ">= \(number(limit))"
        case nil: "-"
        }
    }

    /// Three digits that count.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        let digits = abs(value) >= 100 || value == 0 ? 0 : abs(value) >= 10 ? 1 : abs(value) >= 1 ? 2 : 4
        return String(format: "%.\(digits)f", value)
    }
}
