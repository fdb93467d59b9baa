internal import SwellEngine
internal import SwellModel

/// Why some transitions cannot be met. What is not named here can be, and a thorough run should meet it.
///
/// A transition is what one decision (of an agent: one step) made of a phase, so a phase passed through within it is not seen. A
/// campaign that meets one of these fails: then the reason is wrong, or the machine is.
enum Reachability {
    static func reason(_ move: Move<RolloutPhase>) -> String? {
        guard let from = move.from else { return "a rollout begins with its plan, which is no transition" }
        if from.isEnded { return "nothing is decided of what has ended" }
        switch (from, move.to) {
        case (.rollingBack, .scheduled), (.rollingBack, .progressing), (.rollingBack, .paused),
            (.rollingBack, .succeeded):
            return "taking all back is not undone"
        case (.scheduled, .rolledBack), (.scheduled, .failed):
            return "nothing was dispatched that could fail or be taken back"
        default: return nil
        }
    }

    static func reason(_ move: Move<StagePhase>) -> String? {
        guard let from = move.from else { return "a stage begins with the plan, which is no transition" }
        switch (from, move.to) {
        case (.progressing, .waiting), (.progressing, .gated), (.soaking, .waiting), (.soaking, .gated),
            (.verifying, .waiting), (.verifying, .gated), (.passed, .waiting), (.passed, .gated), (.failed, .waiting),
            (.failed, .gated):
            return "a stage that has started does not wait for its start again"
        case (.waiting, .soaking), (.waiting, .failed), (.gated, .soaking), (.gated, .failed):
            return "before it starts, nothing of it is dispatched that could become healthy or fail"
        case (.passed, .progressing), (.passed, .soaking):
            return "a passed stage that loses its evidence verifies; its soak is not asked for twice"
        default: return nil
        }
    }

    static func reason(_ move: Move<TargetPhase>) -> String? {
        guard let from = move.from else {
            switch move.to {
            case .queued, .dispatched, .skipped: return nil
            default: return "who joins is queued, and is not heard on a dispatch before that is committed"
            }
        }
        switch (from, move.to) {
        case (.queued, .applying), (.queued, .verifying), (.queued, .healthy), (.queued, .failed):
            return "agents are heard on a dispatch only after it is committed"
        case (_, .rollbackFailed) where from != .rollingBack:
            return "a rollback fails by what is heard after it was told"
        case (.healthy, .applying):
            return "what was proven verifies when it regresses"
        case (.failed, .applying):
            return "a failure stands until a retry, whose row queues it, or until it heals"
        case (.rolledBack, .dispatched), (.rolledBack, .applying), (.rolledBack, .verifying), (.rolledBack, .healthy),
            (.rolledBack, .failed), (.rolledBack, .unreachable), (.rollbackFailed, .dispatched),
            (.rollbackFailed, .applying), (.rollbackFailed, .verifying), (.rollbackFailed, .healthy),
            (.rollbackFailed, .failed), (.rollbackFailed, .unreachable):
            return "what was taken back goes forward only by a retry, whose row queues it"
        case (.rollingBack, .queued), (.rollingBack, .dispatched), (.rollingBack, .applying),
            (.rollingBack, .verifying),
            (.rollingBack, .healthy), (.rollingBack, .failed), (.rollingBack, .unreachable):
            return "a rollback comes to its end before anything goes forward"
        case (.skipped, .applying), (.skipped, .verifying), (.skipped, .healthy):
            return "who comes back is queued first, or has failed"
        default: return nil
        }
    }

    static func reason(_ move: Move<AgentPhase>) -> String? {
        switch (move.from, move.to) {
        case (_, .accepted), (_, .applying), (_, .reverting): return nil
        case (nil, .verifying), (nil, .healthy), (nil, .failed), (nil, .reverted), (nil, .removed):
            return "an assignment is accepted before anything is done for it"
        case (.accepted, .verifying), (.accepted, .healthy), (.accepted, .removed), (.applying, .healthy):
            return "applying comes first, and health is seen after it"
        // What failed and stayed applied may heal; a way back and a removal that failed are tried again.
        case (.failed, .healthy), (.failed, .reverted), (.failed, .removed): return nil
        case (_, .reverted) where move.from != .reverting: return "going back comes before having gone back"
        case (.verifying, .removed): return "a removal has nothing to verify"
        case (.healthy, _): return "what was proven is watched, and judged by the coordinator"
        case (.failed, _), (.reverted, _), (.removed, _): return "it stays so until the next assignment"
        case (.reverting, .verifying), (.reverting, .healthy), (.reverting, .removed):
            return "going back ends by having gone back, or by failing"
        default: return nil
        }
    }
}
