/// A regular expression as API servers read it: Go's, which are RE2's. Whether a text matches is told in time linear in the
/// text, whatever the pattern is, since all ways through it are followed at once.
///
/// Left out are Unicode classes (`\p`), octal escapes, `\Q`, `\C` and the flag `m`: a pattern with one of them is not checked.
struct Pattern: Sendable {
    /// The most steps that a pattern may come to once its repetitions are written out.
    static let maximumSteps = 10_000
    /// The most work for one text, in steps times characters.
    static let maximumWork = 1_000_000

    enum Step: Sendable {
        case one(PatternClass)
        case hold(PatternAssertion)
        case either(Int, Int)
        case end
    }

    let steps: [Step]

    /// Nil for what is no pattern, is too large, or has in it what is left out.
    init?(_ text: String) {
        var parser = PatternParser(text)
        guard let expression = parser.expression() else { return nil }
        var assembly = PatternAssembly()
        guard assembly.append(expression) else { return nil }
        steps = assembly.steps + [.end]
    }

    /// Whether the pattern is found in a text; nil where telling would take more than ``maximumWork``.
    func isFound(in text: String) -> Bool? {
        let scalars = Array(text.unicodeScalars)
        guard (scalars.count + 1) * steps.count <= Self.maximumWork else { return nil }
        var current = PatternThreads(steps.count)
        var next = PatternThreads(steps.count)
        for position in 0...scalars.count {
            // A match may begin anywhere.
            if follow(from: 0, at: position, of: scalars, into: &current) { return true }
            guard position < scalars.count else { break }
            for index in current.waiting {
                guard case .one(let wanted) = steps[index], wanted.contains(scalars[position].value) else { continue }
                if follow(from: index + 1, at: position + 1, of: scalars, into: &next) { return true }
            }
            swap(&current, &next)
            next.empty()
        }
        return false
    }

    /// Adds the steps reached without a character; true where the end is among them.
    private func follow(
        from start: Int, at position: Int, of scalars: [Unicode.Scalar], into threads: inout PatternThreads
    ) -> Bool {
        var pending = [start]
        while let index = pending.popLast() {
            guard threads.visit(index) else { continue }
            switch steps[index] {
            case .one: threads.waiting.append(index)
            case .hold(let assertion): if assertion.holds(at: position, of: scalars) { pending.append(index + 1) }
            case .either(let first, let second): pending += [first, second]
            case .end: return true
            }
        }
        return false
    }
}

/// The steps at which a pattern is at one place of a text.
private struct PatternThreads {
    /// Those that wait for a character.
    var waiting: [Int] = []
    /// In which round a step was visited last.
    private var rounds: [Int]
    private var round = 1

    init(_ count: Int) { rounds = Array(repeating: 0, count: count) }

    /// Whether the step was not visited before.
    mutating func visit(_ step: Int) -> Bool {
        if rounds[step] == round { return false }
        rounds[step] = round
        return true
    }

    mutating func empty() {
        round += 1
        waiting.removeAll(keepingCapacity: true)
    }
}

/// What holds between two characters.
enum PatternAssertion: Sendable {
    case start
    case end
    case wordBoundary(Bool)

    func holds(at position: Int, of scalars: [Unicode.Scalar]) -> Bool {
        switch self {
        case .start: return position == 0
        case .end: return position == scalars.count
        case .wordBoundary(let isWanted):
            let before = position > 0 && PatternClass.word.contains(scalars[position - 1].value)
            let after = position < scalars.count && PatternClass.word.contains(scalars[position].value)
            return (before != after) == isWanted
        }
    }
}

/// Writes an expression out as steps.
private struct PatternAssembly {
    var steps: [Pattern.Step] = []

    /// False where there would be too many steps.
    mutating func append(_ expression: PatternExpression) -> Bool {
        guard steps.count < Pattern.maximumSteps else { return false }
        switch expression {
        case .empty: return true
        case .one(let wanted): steps.append(.one(wanted))
        case .hold(let assertion): steps.append(.hold(assertion))
        case .sequence(let parts): return parts.allSatisfy { append($0) }
        case .choice(let choices): return append(anyOf: choices)
        case .repetition(let inner, let least, let most):
            for _ in 0..<least { guard append(inner) else { return false } }
            guard let most else { return append(anyNumberOf: inner) }
            // Each one more may be left out, and with it all that come after.
            var exits: [Int] = []
            for _ in least..<most {
                exits.append(steps.count)
                steps.append(.either(steps.count + 1, 0))
                guard append(inner) else { return false }
            }
            for exit in exits { steps[exit] = .either(exit + 1, steps.count) }
        }
        return true
    }

    private mutating func append(anyNumberOf inner: PatternExpression) -> Bool {
        let start = steps.count
        steps.append(.either(start + 1, 0))
        guard append(inner) else { return false }
        steps.append(.either(start, start))
        steps[start] = .either(start + 1, steps.count)
        return true
    }

    private mutating func append(anyOf choices: [PatternExpression]) -> Bool {
        var exits: [Int] = []
        for (index, choice) in choices.enumerated() {
            let isLast = index == choices.count - 1
            let fork = steps.count
            if !isLast { steps.append(.either(fork + 1, 0)) }
            guard append(choice) else { return false }
            guard !isLast else { break }
            exits.append(steps.count)
            steps.append(.either(0, 0))
            steps[fork] = .either(fork + 1, steps.count)
        }
        for exit in exits { steps[exit] = .either(steps.count, steps.count) }
        return true
    }
}
