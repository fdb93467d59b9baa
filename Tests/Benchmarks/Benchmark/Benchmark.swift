internal import Foundation
internal import Glibc

/// Measures Swell against baselines of the same run: prints a table, and the same as JSON where asked. Exit code 1 where a result was
/// wrong; never on account of a time.
@main
enum Benchmark {
    static let figures: [any Figure.Type] = [
        B1.self, B2.self, B3.self, B4.self, B5.self, B6.self, B6Agents.self, B7.self, B8.self, B9.self, B11.self,
        B12.self, Storms.self,
    ]

    static func main() async {
        // A load that has ended is told of by what comes back of it.
        signal(SIGPIPE, SIG_IGN)
        do {
            let options = try Options(Array(CommandLine.arguments.dropFirst()))
            var results: [FigureResult] = []
            for figure in figures where options.names.isEmpty || options.names.contains(figure.name) {
                Progress.say("\(figure.name): \(figure.what)")
                do {
                    results += try await figure.run(options.size)
                } catch {
                    // The others are worth having all the same.
                    results.append(.failed(figure.name, figure.what, "\(error)"))
                }
                if let file = options.file { try Table.json(results).write(to: file, options: .atomic) }
            }
            print(Table.text(results))
            exit(results.allSatisfy(\.isRight) ? 0 : 1)
        } catch {
            Progress.say("error: \(error)")
            exit(2)
        }
    }
}

/// What the command line asks for.
struct Options {
    /// None for all.
    var names: Set<String> = []
    var size = Size.full
    var file: URL?

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--small": size = .small
            case "--check": size = .check
            case "--json":
                guard let path = rest.popFirst() else { throw BenchmarkError("--json needs a file") }
                file = URL(filePath: path)
            default:
                let known = Benchmark.figures.map { $0.name }
                guard known.contains(word) else {
                    throw BenchmarkError(
                        "'\(word)' is no figure: [--small|--check] [--json FILE] [\(known.joined(separator: " "))]")
                }
                names.insert(word)
            }
        }
    }
}

/// How large a figure's fleet is: as large as Swell is for; of minutes; or of seconds, where only what came out counts and times say nothing.
enum Size {
    case check, small, full

    /// The value for a size; the check takes the small one where it has none of its own.
    func of<Value>(check: Value? = nil, small: Value, full: Value) -> Value {
        switch self {
        case .check: check ?? small
        case .small: small
        case .full: full
        }
    }

    /// How many agents there are.
    var count: Int { of(check: 100, small: 1_000, full: 10_000) }
    /// The same, and before it a tenth where it is to be seen how something grows.
    var counts: [Int] { self == .full ? [1_000, 10_000] : [count] }
}

/// What could not be done or was waited for in vain.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Words on the way, beside the table.
enum Progress {
    private static let start = ContinuousClock.now

    static func say(_ text: String) {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        FileHandle.standardError.write(Data("[\(Int(seconds)) s] \(text)\n".utf8))
    }
}

/// Waits until `condition` gives a value, asking often, up to a deadline.
@discardableResult
func eventually<Value>(
    _ what: String, within limit: Duration = .seconds(60), every pace: Duration = .milliseconds(50),
    _ condition: () async throws -> Value?
) async throws -> Value {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: limit)
    while true {
        if let value = try await condition() { return value }
        guard clock.now < deadline else { throw BenchmarkError("waited \(limit) in vain for \(what)") }
        try await clock.sleep(for: pace)
    }
}
