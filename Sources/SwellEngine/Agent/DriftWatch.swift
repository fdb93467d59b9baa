public import SwellModel

/// What a look for drift found.
public struct DriftFinding: Sendable, Hashable {
    /// From what the release says to what was found; empty where all is as released.
    public var objects: [ObjectChange]
    /// Whether the objects were put back.
    public var isCorrected: Bool
    /// Set while somebody keeps writing against the agent: who, and how often.
    public var contention: String?

    public init(objects: [ObjectChange], isCorrected: Bool, contention: String? = nil) {
        self.objects = objects
        self.isCorrected = isCorrected
        self.contention = contention
    }
}

/// Says how long to wait between looks for drift, what of them is news, and who keeps writing against the agent.
///
/// A change is answered within ``base``. The same object changed again soon after it was put back makes for twice the wait,
/// up to ``ceiling``: who keeps writing is not answered write for write.
public struct DriftWatch: Sendable, Hashable {
    /// The least wait between two looks.
    public let base: Interval
    /// The longest wait.
    public let ceiling: Interval
    /// Within how long after the last a change of the same object counts as again.
    public let memory: Interval
    /// After how many changes in a row it is said that somebody keeps writing.
    public static let contentionThreshold = 3

    /// How often the same objects were put back in a row, since when, and what was found last.
    private var streak = 0
    private var streakBegan = Timestamp(milliseconds: 0)
    private var lastCorrection: Timestamp?
    private var lastCorrected: [ObjectChange] = []
    /// What was told last; nil before the first look.
    private var told: [ObjectChange]?

    public init(
        base: Interval = .seconds(1), ceiling: Interval = .seconds(60), memory: Interval = .minutes(2)
    ) {
        self.base = base
        self.ceiling = max(base, ceiling)
        self.memory = memory
    }

    /// How long to wait before the next look, whatever happens.
    public var pause: Interval {
        guard streak > 1 else { return base }
        let doubled = base.milliseconds << Int64(min(streak - 1, 24))
        return min(ceiling, Interval(milliseconds: doubled))
    }

    /// Takes in what a look found, and says what of it is news; nil for nothing.
    public mutating func note(_ objects: [ObjectChange], isCorrected: Bool, now: Timestamp) -> DriftFinding? {
        isCorrected ? correction(objects, now) : sighting(objects)
    }

    /// What stays as it is, is told once.
    private mutating func sighting(_ objects: [ObjectChange]) -> DriftFinding? {
        guard objects != told else { return nil }
        told = objects
        return DriftFinding(objects: objects, isCorrected: false)
    }

    private mutating func correction(_ objects: [ObjectChange], _ now: Timestamp) -> DriftFinding? {
        guard !objects.isEmpty else {
            // The first look may end what an earlier one, before a restart, has reported.
            defer { told = [] }
            return told == nil ? DriftFinding(objects: [], isCorrected: true) : nil
        }
        told = objects
        let isSoon = lastCorrection.map { now - $0 <= max(memory, ceiling + ceiling) } ?? false
        let isAgain = objects.contains { object in lastCorrected.contains { $0.isSameObject(as: object) } }
        if isSoon, isAgain {
            streak += 1
        } else {
            streak = 1
            streakBegan = now
        }
        lastCorrection = now
        lastCorrected = objects
        return DriftFinding(objects: objects, isCorrected: true, contention: contention(objects, now))
    }

    private func contention(_ objects: [ObjectChange], _ now: Timestamp) -> String? {
        guard streak >= Self.contentionThreshold else { return nil }
        let names = Set(objects.flatMap(\.fields).flatMap(\.managers)).sorted().prefix(3).map { "'\($0)'" }
        let who = names.isEmpty ? "somebody" : names.joined(separator: ", ")
        let seconds = max(1, (now - streakBegan).milliseconds / 1_000)
        return "changed again by \(who) \(streak) times in \(seconds) s; put back every \(pause) at most"
    }
}
