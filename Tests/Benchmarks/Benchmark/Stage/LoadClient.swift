internal import Foundation
internal import Glibc
internal import SwellLoad

/// A running `swell-load agents`: takes orders, and tells when they are done.
actor LoadClient {
    nonisolated let child: Child
    /// The file of marks.
    nonisolated let marksFile: String
    private let input: Int32
    private var waiting: [Int: CheckedContinuation<LoadAnswer, any Error>] = [:]
    private var lastID = 0
    private var hasEnded = false

    init(_ arguments: [String], marks: String, log: String) throws {
        let started = try Child.talk("swell-load", ["agents", "--marks", marks] + arguments, log: log)
        self.child = started.child
        self.input = started.input
        self.marksFile = marks
        let output = started.output
        // Reading blocks, so it has a thread of its own.
        Thread.detachNewThread { [weak self] in
            var reader = LineReader(output)
            while let line = reader.next() {
                guard let answer = try? JSONDecoder().decode(LoadAnswer.self, from: Data(line.utf8)) else { continue }
                Task { [weak self] in await self?.take(answer) }
            }
            close(output)
            Task { [weak self] in await self?.ended() }
        }
    }

    /// Gives an order, and waits until it is done.
    @discardableResult
    func order(_ order: LoadOrder, within limit: Duration = .seconds(300)) async throws -> LoadAnswer {
        lastID += 1
        let id = lastID
        var line = Array(try JSONEncoder().encode(LoadRequest(id: id, order: order)))
        line.append(UInt8(ascii: "\n"))
        guard !hasEnded, write(input, line, line.count) == line.count else {
            throw BenchmarkError("the load has ended; see its log")
        }
        let impatience = Task {
            try await Task.sleep(for: limit)
            giveUp(id, "waited \(limit) in vain for the load to \(order)")
        }
        defer { impatience.cancel() }
        let answer = try await withCheckedThrowingContinuation { waiting[id] = $0 }
        if let error = answer.error { throw BenchmarkError("the load: \(error)") }
        return answer
    }

    /// Every mark so far.
    func marks() async throws -> [LoadMark] {
        try await order(.count)
        return try String(contentsOfFile: marksFile, encoding: .utf8).split(separator: "\n")
            .compactMap { LoadMark(line: $0) }
    }

    /// Ends it, and all its agents with it.
    func end() async { await child.end() }

    private func take(_ answer: LoadAnswer) { waiting.removeValue(forKey: answer.id)?.resume(returning: answer) }

    private func giveUp(_ id: Int, _ why: String) {
        waiting.removeValue(forKey: id)?.resume(throwing: BenchmarkError(why))
    }

    private func ended() {
        hasEnded = true
        for id in waiting.keys { giveUp(id, "the load ended; see its log") }
    }
}
