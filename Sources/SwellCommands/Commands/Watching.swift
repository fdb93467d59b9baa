private import FoundationEssentials
internal import KubernetesObjects
internal import SwellModel

/// Shows a rollout as it changes, until it ends or failures have stopped it.
struct Watching {
    let session: Session

    /// Throws, silently, when the rollout ended without success (exit code 1), or when failures have stopped it and nothing of it moves
    /// any more (6): it would wait for a person for ever, and whoever watches may be the one.
    func watch(_ name: String) async throws {
        let terminal = session.terminal
        var last: RolloutView?
        var drawn = 0
        let following = Reconnecting(client: session.client) { _ in
            terminal.note("the server is away; waiting for it to come back")
            // What was drawn stays above the note.
            drawn = 0
        }
        try await following.follow("/v1/rollouts/\(segment(name))/watch") { event in
            guard event.name == "rollout" else { return false }
            let view = try JSONValue(parsing: event.data, duplicateKeys: .keepLast).decoded(as: RolloutView.self)
            if terminal.isInteractive {
                drawn = draw(view, over: drawn)
            } else {
                for line in RolloutChanges.lines(from: last, to: view) {
                    terminal.line("\(Timestamp.onThisMachine) \(line)")
                }
            }
            last = view
            return view.status.isEnded || view.isStoppedByFailures
        }
        guard let last, !last.isSuccess else { return }
        if last.isStoppedByFailures {
            // The tree says it already.
            if !terminal.isInteractive {
                for step in NextStep.lines(last) { terminal.line("next: \(step)") }
            }
            throw CommandError(code: .stopped, message: "")
        }
        throw CommandError(code: .refused, message: "")
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

extension RolloutView {
    /// Whether it ended as it should: an undo by taking everything back.
    var isSuccess: Bool {
        status.phase == "succeeded" || (spec.type == "undo" && status.phase == "rolledBack")
    }
}
