internal import ArgumentParser
private import FoundationEssentials
internal import KubernetesObjects
internal import SwellModel
private import Synchronization

/// Shows a rollout as it changes, until it ends or waits for a person.
struct Watching {
    let session: Session
    /// For how long it is watched at most; nil for as long as it takes.
    var limit: Interval?

    /// Throws, silently, when the rollout ended without success (exit code 1), or when nothing of it moves any more until a person acts,
    /// after failures (6) or for an approval or a pause (7): it would wait for ever, and whoever watches may be that person. With a word on
    /// how it stands where the time is up (8).
    func watch(_ name: String) async throws {
        guard let last = try await follow(name), !last.isSuccess else { return }
        guard !last.status.isEnded else { throw CommandError(code: .refused, message: "") }
        // A terminal's tree has said some of it already.
        let steps = session.terminal.isInteractive ? [] : NextStep.lines(last)
        for step in steps + NextStep.ofPauses(last) { session.terminal.line("next: \(step)") }
        throw CommandError(code: last.isStoppedByFailures ? .stopped : .waiting, message: "")
    }

    /// The last view of it, once that is final, or waits for a person.
    private func follow(_ name: String) async throws -> RolloutView? {
        let server = Hearing()
        guard let limit else { return try await followToTheEnd(name) { _ in } }
        return try await withThrowingTaskGroup(of: RolloutView?.self) { group in
            group.addTask {
                try await followToTheEnd(name) { server.isHeard = $0 }
            }
            group.addTask {
                try await Task.sleep(for: limit.duration)
                guard server.isHeard else {
                    throw CommandError(
                        code: .connection,
                        message:
                            "nothing was heard of the server for \(limit), or at its end; how rollout '\(name)' goes is not known"
                    )
                }
                throw CommandError(
                    code: .timedOut,
                    message:
                        "rollout '\(name)' did not end within \(limit); it goes on: `swell rollout status \(name)` says what it "
                        + "waits for")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// - Parameter hear: Called with whether the server is heard, whenever that may have changed.
    private func followToTheEnd(_ name: String, hear: @escaping @Sendable (Bool) -> Void) async throws -> RolloutView? {
        let terminal = session.terminal
        var last: RolloutView?
        var drawn = 0
        var told: [ClusterName: String] = [:]
        let following = Reconnecting(client: session.client) { _ in
            terminal.note("the server is away; waiting for it to come back")
            hear(false)
            // What was drawn stays above the note.
            drawn = 0
        }
        try await following.follow("/v1/rollouts/\(segment(name))/watch") { event in
            hear(true)
            guard event.name == "rollout" else { return false }
            let view = try JSONValue(parsing: event.data, duplicateKeys: .keepLast).decoded(as: RolloutView.self)
            if terminal.isInteractive {
                drawn = draw(view, over: drawn)
            } else {
                for line in RolloutChanges.lines(from: last, to: view, told: &told) {
                    terminal.line("\(Timestamp.onThisMachine) \(line)")
                }
            }
            last = view
            return view.status.isEnded || view.isStoppedByFailures || view.waitsForPerson
        }
        return last
    }

    /// Draws the tree in place of the one before; gives how many lines it has.
    private func draw(_ view: RolloutView, over lines: Int) -> Int {
        let size = session.terminal.size
        let tree = RolloutTree(view: view, now: .onThisMachine, style: session.style)
        let drawn = tree.lines(columns: size.columns, rows: max(4, size.rows - 1))
        session.terminal.redraw(drawn, over: lines)
        return drawn.count
    }
}

/// Whether the server is heard.
private final class Hearing: Sendable {
    private let state = Mutex(false)

    var isHeard: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// How long a watched rollout may take.
struct WatchLimit: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Watch no longer than this, such as 30m; the rollout goes on, and the exit code is 8.",
            valueName: "duration"))
    var timeout: String?

    func interval() throws(CommandError) -> Interval? {
        guard let timeout else { return nil }
        guard let limit = Interval(timeout), limit > .zero else {
            throw CommandError(
                code: .usage, message: "--timeout '\(timeout)' is not a length of time such as 90s, 30m or 1h30m")
        }
        return limit
    }
}

extension RolloutView {
    /// Whether it ended as it should: an undo by taking everything back.
    var isSuccess: Bool {
        status.phase == "succeeded" || (spec.type == "undo" && status.phase == "rolledBack")
    }
}
