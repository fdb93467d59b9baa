internal import SwellLoad

/// One of the figures, measured beside its baseline in the same run: one after the other, since they share the machine.
protocol Figure: SendableMetatype {
    /// As it is asked for.
    static var name: String { get }
    /// What it is, in half a line.
    static var what: String { get }
    /// One result for each size or part.
    static func run(_ size: Size) async throws -> [FigureResult]
}

/// What was measured.
struct FigureResult: Sendable, Codable {
    /// Measured values, without each one of them.
    struct Summary: Sendable, Codable {
        var p50: Double
        var p99: Double
        var count: Int

        init(_ samples: Samples) {
            p50 = samples.p50
            p99 = samples.p99
            count = samples.count
        }

        init(_ value: Double) { self.init(Samples([value])) }
    }

    /// What is to come out.
    enum Goal: Sendable, Codable {
        case atMost(Double)
        case atLeast(Double)

        func isMet(_ value: Double) -> Bool {
            switch self {
            case .atMost(let limit): value <= limit
            case .atLeast(let limit): value >= limit
            }
        }
    }

    var figure: String
    /// What of it, such as the size.
    var part: String
    var unit: String
    var ours: Summary
    /// Nil where the goal is absolute.
    var baseline: Summary?
    /// What the goal is about: ours through the baseline's, or ours.
    var value: Double
    var goal: Goal?
    /// The most memory that what is measured ever held, in bytes; 0 where it was not looked at.
    var peak = 0
    /// Whether what was done came out as it should; times have no part in it.
    var isRight = true
    var notes: [String] = []

    /// Ours through the baseline's: of the medians, where no other value is given.
    static func ratio(
        _ figure: String, _ part: String, unit: String, ours: Summary, baseline: Summary, value: Double? = nil,
        goal: Goal?, peak: Int = 0, isRight: Bool, notes: [String] = []
    ) -> FigureResult {
        FigureResult(
            figure: figure, part: part, unit: unit, ours: ours, baseline: baseline,
            value: value ?? (baseline.p50 == 0 ? .infinity : ours.p50 / baseline.p50), goal: goal, peak: peak,
            isRight: isRight,
            notes: notes)
    }

    /// Where the goal is absolute.
    static func absolute(
        _ figure: String, _ part: String, unit: String, ours: Summary, value: Double, goal: Goal?, peak: Int = 0,
        isRight: Bool, notes: [String] = []
    ) -> FigureResult {
        FigureResult(
            figure: figure, part: part, unit: unit, ours: ours, baseline: nil, value: value, goal: goal, peak: peak,
            isRight: isRight, notes: notes)
    }

    static func failed(_ figure: String, _ part: String, _ why: String) -> FigureResult {
        FigureResult(
            figure: figure, part: part, unit: "", ours: Summary(0), baseline: nil, value: 0, goal: nil,
            isRight: false, notes: [why])
    }
}
