/// What can be done to a fleet of processes.
enum FaultKind: String, CaseIterable, Sendable {
    case coordinatorKilled, coordinatorStopped, coordinatorFrozen, coordinatorClockWrong
    case agentKilled, agentStopped, agentFrozen, agentClockWrong
    case clustersFrozen, clustersRebuilt
    case databaseKilled, databaseRestarted, databaseFrozen, databaseDiskFull
    case linkCut, linkReset, linkDelayed, linkBlackHole, linkBlackHoleOutward, linkBlackHoleInward

    /// Faults of different lanes happen side by side; no two lanes touch the same thing.
    enum Lane: CaseIterable, Sendable { case coordinators, agents, clusters, database, links }

    var lane: Lane {
        switch self {
        case .coordinatorKilled, .coordinatorStopped, .coordinatorFrozen, .coordinatorClockWrong: .coordinators
        case .agentKilled, .agentStopped, .agentFrozen, .agentClockWrong: .agents
        case .clustersFrozen, .clustersRebuilt: .clusters
        case .databaseKilled, .databaseRestarted, .databaseFrozen, .databaseDiskFull: .database
        case .linkCut, .linkReset, .linkDelayed, .linkBlackHole, .linkBlackHoleOutward, .linkBlackHoleInward: .links
        }
    }
}

/// One fault: what, to whom, when and for how long. All of it follows from the seed.
struct Fault: Sendable, Hashable {
    var kind: FaultKind
    /// Which of those that can be meant; taken modulo their number.
    var victim: Int
    /// How long after the lane's last fault was over.
    var after: Duration
    var lasting: Duration
    /// How wrong the clock is, where the fault is about one.
    var clock: ClockShift

    /// The faults of a lane, without end.
    static func sequence(_ lane: FaultKind.Lane, _ kinds: [FaultKind], seed: UInt64) -> some Sequence<Fault> {
        // Each lane draws for itself: what another one does, or how long it takes, changes nothing here.
        let index = UInt64(FaultKind.Lane.allCases.firstIndex(of: lane) ?? 0)
        return Swift.sequence(state: SeededGenerator(seed: seed &* 31 &+ index)) { random in
            guard let kind = kinds.randomElement(using: &random) else { return nil }
            let pause = lane == .clusters || lane == .database ? 2_000...12_000 : 200...5_000
            // Further apart than certificates allow for, two sides would not believe each other's: a test of its own.
            let minutes = Bool.random(using: &random) ? 2 : -2
            return Fault(
                kind: kind, victim: Int.random(in: 0..<1_000, using: &random),
                after: .milliseconds(in: pause, using: &random),
                // Leases last 6 s: a frozen holder wakes up before or after another took over.
                lasting: .milliseconds(in: 200...9_000, using: &random), clock: .minutes(minutes))
        }
    }
}
