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
    public var isInFlight: Bool { phase.isForward && phase.isUnderWay && provenAt == nil }

    /// Whether it was healthy under its present assignment and is not any more, or cannot be seen.
    public var isRegressed: Bool { phase.isForward && phase.isUnderWay && provenAt != nil }

    /// Whether its stage need not wait for it: healthy, or settled otherwise.
    public var isSettled: Bool {
        switch phase {
        case .healthy, .failed, .rolledBack, .rollbackFailed, .skipped: true
        case .queued, .dispatched, .applying, .verifying, .unreachable, .rollingBack: false
        }
    }

    /// Whether it counts against its stage's budget: it failed the release and was a regular member of the stage.
    public var countsAsFailure: Bool { failedAt != nil && phase != .skipped && late != .joined }

    /// Whether it is a regular member, so that its stage waits for it.
    public var holdsStage: Bool { phase != .skipped && late == nil }
}
