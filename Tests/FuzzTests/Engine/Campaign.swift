internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Where inputs are written that found something: `SWELL_FUZZ_FINDINGS`, or a folder beside what this checkout builds.
enum Findings {
    static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["SWELL_FUZZ_FINDINGS"] { return URL(filePath: path) }
        return (0..<4).reduce(URL(filePath: #filePath)) { folder, _ in folder.deletingLastPathComponent() }
            .appending(path: ".build/fuzz-findings")
    }()
}

/// Tries many inputs on one target: the kept ones, then mutations of them.
///
/// A run of the suite tries a fixed number from a fixed seed. For a campaign set `SWELL_FUZZ_SECONDS` (for each target) and
/// `SWELL_FUZZ_SEED`.
struct Campaign {
    let target: FuzzTarget
    var inputs = 1_000
    var seconds: Double?
    var seed: UInt64 = 1
    /// What one input may cost in processor time: far more than any needs, far less than something quadratic takes.
    var patience = 5.0

    init(_ target: FuzzTarget, inputs: Int = 1_000) {
        self.target = target
        self.inputs = inputs
        let environment = ProcessInfo.processInfo.environment
        seconds = environment["SWELL_FUZZ_SECONDS"].flatMap { Double($0) }
        seed = environment["SWELL_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
    }

    /// - Returns: how many inputs were tried.
    /// - Throws: a ``Finding`` with the smallest input found, and the file that holds it.
    @discardableResult
    func run() throws -> Int {
        let kept = try Corpus.inputs(of: target.name)
        try require(!kept.isEmpty, "Corpus/\(target.name) holds no input to begin with")
        if let crash = InFlight.leftover(of: target.name) {
            // Told once: a process may also have been killed that did no wrong.
            let place = try write(crash, "trap")
            try InFlight.forget(target.name)
            throw Finding("a process ended in the middle of \(target.name): \(place)")
        }
        let inFlight = try InFlight(target.name)
        defer { inFlight.finish() }
        for (name, bytes) in kept { try attempt(bytes, named: "Corpus/\(target.name)/\(name)", inFlight) }
        let mutator = Mutator(corpus: kept.map(\.bytes), words: target.words)
        var random = FuzzRandom(seed: seed, purpose: target.name)
        var tried = kept.count
        let end = seconds.map { ContinuousClock.now + .milliseconds(Int64($0 * 1000)) }
        while end.map({ ContinuousClock.now < $0 }) ?? (tried < inputs) {
            try attempt(mutator.input(&random), named: "mutation \(tried) of seed \(seed)", inFlight)
            tried += 1
        }
        return tried
    }

    private func attempt(_ input: [UInt8], named name: String, _ inFlight: InFlight) throws {
        guard let finding = problem(input, inFlight) else { return }
        let smallest = minimized(input, inFlight)
        let shown = String(decoding: smallest.prefix(400), as: UTF8.self).debugDescription
        throw Finding("\(target.name), \(name): \(finding)\n\(try write(smallest, "finding")): \(shown)")
    }

    private func problem(_ input: [UInt8], _ inFlight: InFlight) -> String? {
        inFlight.note(input)
        let start = Self.processorSeconds
        do {
            try target.check(input)
        } catch {
            return "\(error)"
        }
        let spent = Self.processorSeconds - start
        return spent > patience ? "took \(spent) s for \(input.count) bytes" : nil
    }

    /// Leaves out pieces for as long as something is still found, large ones first.
    private func minimized(_ input: [UInt8], _ inFlight: InFlight) -> [UInt8] {
        var smallest = input
        var size = max(1, input.count / 2)
        var attempts = 0
        while attempts < 2_000 {
            var start = 0
            var isSmaller = false
            while start < smallest.count, attempts < 2_000 {
                var shorter = smallest
                shorter.removeSubrange(start..<min(start + size, shorter.count))
                attempts += 1
                if problem(shorter, inFlight) != nil {
                    smallest = shorter
                    isSmaller = true
                } else {
                    start += size
                }
            }
            if size == 1, !isSmaller { break }
            size = max(1, size / 2)
        }
        return smallest
    }

    private func write(_ input: [UInt8], _ what: String) throws -> String {
        try FileManager.default.createDirectory(at: Findings.folder, withIntermediateDirectories: true)
        let file = Findings.folder.appending(path: "\(target.name)-\(what)")
        try Data(input).write(to: file)
        return "the input is in \(file.path); once mended, keep it as Corpus/\(target.name)/<what it is>"
    }

    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
