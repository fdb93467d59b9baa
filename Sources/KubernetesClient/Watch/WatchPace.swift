/// When a server is asked again before its watch would have it asked by itself, for the sake of those who wait. Pure: moments come from
/// outside.
///
/// A list that is under way is let be for as long as lists may take: who asked again for each who waits would never be answered by a server
/// that is slower than their patience.
struct WatchPace: Sendable {
    /// What a watch does.
    private enum Stage {
        /// It has not begun, or tells what happens.
        case telling
        /// It has asked for a list, or to go on after a pause.
        case asking(since: ContinuousClock.Instant)
        /// The server could not be asked, and is let be for a while.
        case pausing(since: ContinuousClock.Instant)
    }

    /// What is to be done.
    enum Step: Sendable, Hashable {
        /// Give up what is under way, and list.
        case listAgain
        /// End the pause.
        case goOn
    }

    /// How long a list may be under way before it is asked for again; twice as long each time, until one has come.
    static let leastAllowance = Duration.seconds(5)
    private static let mostAllowance = Duration.seconds(60)
    /// How long after an attempt the next one begins at the soonest, however many come.
    static let spacing = Duration.seconds(1)

    private var stage = Stage.telling
    private var allowance = Self.leastAllowance
    /// When the server was last asked.
    private var attempted: ContinuousClock.Instant?

    /// Whether it may be that the server is to be asked though nobody new comes.
    var isUnsettled: Bool {
        if case .telling = stage { return false }
        return true
    }

    /// Notes that the server is asked.
    mutating func asks(at now: ContinuousClock.Instant) { (stage, attempted) = (.asking(since: now), now) }

    /// Notes that it has answered well.
    mutating func isAnswered() { (stage, allowance) = (.telling, Self.leastAllowance) }

    /// Notes that it could not be asked, and is let be.
    mutating func pauses(at now: ContinuousClock.Instant) { stage = .pausing(since: now) }

    /// What is to be done for those who wait.
    ///
    /// - Parameters:
    ///   - lastComer: When the last of those came who have waited for long enough; nil where nobody has.
    ///   - needsList: Whether what they want is not told of by itself.
    ///   - recovery: When the server came back from its last outage: what it was asked before may never be answered.
    mutating func step(
        for lastComer: ContinuousClock.Instant?, needsList: Bool, recovery: ContinuousClock.Instant?,
        at now: ContinuousClock.Instant
    ) -> Step? {
        func isBefore(_ moment: ContinuousClock.Instant) -> Bool { recovery.map { moment < $0 } ?? false }
        switch stage {
        case .telling: return needsList ? .listAgain : nil
        case .asking(let since):
            if isBefore(since) { return .listAgain }
            guard lastComer != nil, since.duration(to: now) >= allowance else { return nil }
            allowance = min(allowance * 2, Self.mostAllowance)
            return .listAgain
        case .pausing(let since):
            // Who comes has the server asked once, as if it had a watch of its own.
            let isAwaited =
                lastComer.map { comer in
                    attempted.map { $0 < comer && $0.duration(to: now) >= Self.spacing } ?? true
                } ?? false
            guard isAwaited || isBefore(since) else { return nil }
            asks(at: now)
            return .goOn
        }
    }
}
