extension TargetPhase {
    /// Whether an assignment is being carried out, or is out of sight while it is.
    public var isUnderWay: Bool {
        switch self {
        case .dispatched, .applying, .verifying, .unreachable, .rollingBack: true
        case .queued, .healthy, .failed, .rolledBack, .rollbackFailed, .skipped: false
        }
    }

    /// Whether it is on its way forward, or there.
    public var isForward: Bool {
        switch self {
        case .dispatched, .applying, .verifying, .unreachable, .healthy: true
        case .queued, .failed, .rollingBack, .rolledBack, .rollbackFailed, .skipped: false
        }
    }
}

extension TargetState {
    /// Whether a forward dispatch is out that has not proven itself: what every cap counts (invariant 1).
    public var isInFlight: Bool { phase.isForward && phase.isUnderWay && provenAt == nil && holdsSlot }

    /// Whether it takes up a slot under the caps: all that is under way, but a cluster that was left behind and is not heard of.
    /// Nobody waits for that one, so it stops nobody; it counts again once it is back.
    public var holdsSlot: Bool { phase.isUnderWay && !(late == .deferred && attempt?.evidence.isUnseen == true) }

    /// Whether it was healthy under its present assignment and is not any more, or cannot be seen.
    public var isRegressed: Bool { phase.isForward && phase.isUnderWay && provenAt != nil }

    /// Whether its stage need not wait for it: healthy, or settled otherwise.
    public var isSettled: Bool {
        switch phase {
        case .healthy, .failed, .rolledBack, .rollbackFailed, .skipped: true
        case .queued, .dispatched, .applying, .verifying, .unreachable, .rollingBack: false
        }
    }

    /// Whether it counts against its stage's budget: it failed the release and was a regular member of the stage, whether or not
    /// its cluster is still there (invariant 21).
    public var countsAsFailure: Bool { failedAt != nil && late != .joined }

    /// Whether it is a regular member, so that its stage waits for it.
    public var holdsStage: Bool { phase != .skipped && late == nil }
}
