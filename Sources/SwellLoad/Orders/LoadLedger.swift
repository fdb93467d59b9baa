internal import AsyncSupport
internal import Foundation
internal import Synchronization

/// How a load's agents stand, counted as it happens; and every mark, in a file where one is asked for.
package final class LoadLedger: Sendable {
    /// What is counted.
    package struct Counts: Sendable, Hashable, Codable {
        /// Agents that run.
        package var started = 0
        /// Those that have a session.
        package var connected = 0
        /// Every welcome so far, those after a return among them.
        package var welcomes = 0
        /// Releases judged healthy so far, over all clusters and applications.
        package var healthy = 0
        /// Releases that failed or were gone back from.
        package var failed = 0
        /// Documents of releases, or pages, that came whole, and their bytes.
        package var fetched = 0
        package var fetchedBytes = 0
    }

    private struct State {
        var counts = Counts()
        var lines: [UInt8] = []
    }

    /// Marks are written once so many bytes of them wait.
    private static let batch = 1 << 18

    private let state = Mutex(State())
    private let file: FileHandle?
    private let changed = Signal()

    /// - Parameter path: where marks are written, a new file; nil for nowhere.
    package init(marks path: String? = nil) throws {
        guard let path else {
            self.file = nil
            return
        }
        guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
        else { throw LoadError(.file, "\(path) cannot be written, as a file of marks is to be") }
        self.file = file
    }

    package var counts: Counts { state.withLock { $0.counts } }

    func started(_ count: Int) { state.withLock { $0.counts.started += count } }
    func welcomed() { state.withLock { $0.counts.welcomes += 1 } }

    /// Takes that a document, or a page, of so many bytes has come.
    package func fetched(_ bytes: Int) {
        state.withLock {
            $0.counts.fetched += 1
            $0.counts.fetchedBytes += bytes
        }
        changed.send()
    }

    func note(_ marks: [LoadMark]) {
        state.withLock { state in
            for mark in marks {
                switch mark.what {
                case .connected: state.counts.connected += 1
                case .disconnected: state.counts.connected -= 1
                case .healthy: state.counts.healthy += 1
                case .failed, .reverted: state.counts.failed += 1
                case .assigned, .removed: break
                }
                if file != nil { state.lines += Array(mark.line.utf8) }
            }
            if state.lines.count >= Self.batch { flush(&state) }
        }
        changed.send()
    }

    /// Writes what waits.
    package func flush() { state.withLock { flush(&$0) } }

    private func flush(_ state: inout State) {
        guard let file, !state.lines.isEmpty else { return }
        try? file.write(contentsOf: Data(state.lines))
        state.lines.removeAll(keepingCapacity: true)
    }

    /// Waits until the counts are as they should be, and says when that was seen; nil once the task is cancelled.
    package func wait(until condition: @Sendable (Counts) -> Bool) async -> UInt64? {
        while !Task.isCancelled {
            if condition(counts) { return MonotonicTime.now() }
            // Woken by each mark; the limit covers what several who wait take from each other.
            await changed.wait(upTo: .milliseconds(100))
        }
        return nil
    }
}
