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

/// What one look for drift saw, and what became of it.
public struct DriftSighting: Sendable, Hashable {
    /// What was put back, but for what of it is left to others.
    public var corrected: [ObjectChange]
    /// What stays as it was found.
    public var left: [ObjectChange]
    /// Whether what differs is to be put back.
    public var isCorrecting: Bool
    /// What is in the way of what is left.
    public var obstacle: String?
    /// Whether what is in the way may pass by itself, so that nobody knows yet whether what is left stays so.
    public var mayPass = false

    public init(
        corrected: [ObjectChange] = [], left: [ObjectChange], isCorrecting: Bool, obstacle: String? = nil
    ) {
        self.corrected = corrected
        self.left = left
        self.isCorrecting = isCorrecting
        self.obstacle = obstacle
    }
}

/// Says how long to wait between looks for drift, what of them is news, and what is left to others because they keep writing it.
///
/// A change is answered within ``base``. The same object changed again soon after it was put back makes for twice the wait,
/// up to ``ceiling``. A field that was put back three times is left to whoever writes it, until the next release: two who do not
/// know of each other would go on for ever. Who gives way is told by name, with what to write to have it so for good.
///
/// Overflow rule: of more than ``capacity`` fields at once, those beyond are not counted one by one; then the object as a whole
/// is left once it was put back ``objectLimit`` times in a row.
public struct DriftWatch: Sendable, Hashable {
    /// How often one field was put back, and since when.
    private struct Contest: Sendable, Hashable {
        var count: Int
        var began: Timestamp
        var last: Timestamp
    }

    /// The least wait between two looks.
    public let base: Interval
    /// The longest wait.
    public let ceiling: Interval
    /// Within how long after the last a change of the same object counts as again.
    public let memory: Interval
    /// Within how long after the last a change of the same field counts as again: some write once in a while, and for ever.
    public static let contestMemory = Interval.minutes(60)
    /// After how many times a field is not put back any more.
    public static let contentionThreshold = 3
    /// After how many times in a row an object is left, whichever its fields.
    public static let objectLimit = 6
    static let capacity = 1_000

    /// How often the same objects were put back in a row, and what was found last.
    private var streak = 0
    private var streakBegan = Timestamp(milliseconds: 0)
    private var lastCorrection: Timestamp?
    private var lastCorrected: [ObjectChange] = []
    private var contests: [ContestedField: Contest] = [:]
    /// What is left to others, in the order in which it came to that.
    public private(set) var contested: [ContestedField] = []
    /// How it came to that.
    private var reasons: [ContestedField: String] = [:]
    /// What was told to stand as it was found, each as ``trace(of:_:)``; nil before the first look.
    private var told: Set<ObjectChange>?
    /// What was in the way of it.
    private var obstacle: String?

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

    /// Takes in what a look found where all of it was dealt with alike, and says what of it is news; nil for nothing.
    ///
    /// - Parameter isCorrected: Whether all of it was put back but what is ``contested``.
    public mutating func note(_ objects: [ObjectChange], isCorrected: Bool, now: Timestamp) -> DriftFinding? {
        note(
            DriftSighting(
                corrected: isCorrected ? objects : [], left: isCorrected ? [] : objects, isCorrecting: isCorrected),
            now: now)
    }

    /// Takes in what a look saw, all at once, and says what of it is news; nil for nothing.
    public mutating func note(_ sighting: DriftSighting, now: Timestamp) -> DriftFinding? {
        let (corrected, given) = contested.split(sighting.corrected)
        var (blocked, more) = contested.split(sighting.left)
        if sighting.mayPass {
            // Neither told as here to stay, nor as gone where it was told, before either is known.
            blocked = blocked.filter { told?.contains(Self.trace(of: $0, isCorrecting: true)) == true }
        } else {
            obstacle = blocked.isEmpty ? nil : sighting.obstacle
        }
        let inTheWay = blocked.isEmpty ? nil : obstacle
        guard !corrected.isEmpty else {
            return standing(given + more, blocked, inTheWay, isCorrecting: sighting.isCorrecting)
        }
        var finding = correction(corrected, now)
        finding.contention = Self.joined([finding.contention, inTheWay])
        return finding
    }

    /// What stays as it is, is told once: that somebody writes yet another value to what the agent leaves is no news.
    private mutating func standing(
        _ given: [ObjectChange], _ blocked: [ObjectChange], _ inTheWay: String?, isCorrecting: Bool
    ) -> DriftFinding? {
        let traces = Set((given + blocked).map { Self.trace(of: $0, isCorrecting: isCorrecting) })
        // The first look may end what an earlier one, before a restart, has reported.
        guard traces != told else { return nil }
        told = traces
        let why = contested.filter { field in given.contains { change in reasonCovers(field, change) } }
        let said = why.compactMap { reasons[$0] }.prefix(3).joined(separator: "; ")
        return DriftFinding(
            objects: Self.merged(given + blocked), isCorrected: isCorrecting && traces.isEmpty,
            contention: Self.joined([said, inTheWay]))
    }

    private static func joined(_ reasons: [String?]) -> String? {
        let said = reasons.compactMap { $0 }.filter { !$0.isEmpty }
        return said.isEmpty ? nil : said.joined(separator: "; ")
    }

    /// What is compared to know whether a change was told: all of it where it is only reported; what changes, whatever the values, where
    /// it would be put back if it could.
    private static func trace(of change: ObjectChange, isCorrecting: Bool) -> ObjectChange {
        guard isCorrecting || change.action == .fail else { return change }
        var trace = change
        trace.message = nil
        trace.omittedFields = 0
        trace.fields = change.fields.map(\.path).sorted().map { ChangedField(path: $0, before: nil, after: nil) }
        return trace
    }

    /// One change an object, where some fields are left to others and others cannot be put back.
    private static func merged(_ changes: [ObjectChange]) -> [ObjectChange] {
        var merged: [ObjectChange] = []
        var places: [ObjectChange: Int] = [:]
        for change in changes {
            var object = change
            object.fields = []
            if let place = places[object] {
                merged[place].fields += change.fields
            } else {
                places[object] = merged.count
                merged.append(change)
            }
        }
        return merged
    }

    private func reasonCovers(_ field: ContestedField, _ change: ObjectChange) -> Bool {
        field.path.isEmpty ? field.covers(change, "") : change.fields.contains { field.covers(change, $0.path) }
    }

    private mutating func correction(_ objects: [ObjectChange], _ now: Timestamp) -> DriftFinding {
        // It takes the place of what was told to stand, which is told again by the next look.
        told = []
        let isSoon = lastCorrection.map { now - $0 <= max(memory, ceiling + ceiling) } ?? false
        let isAgain = objects.contains { object in lastCorrected.contains { $0.isSameObject(as: object) } }
        if isSoon, isAgain {
            streak += 1
        } else {
            streak = 1
            streakBegan = now
        }
        let recurring = objects.filter { object in lastCorrected.contains { $0.isSameObject(as: object) } }
        lastCorrection = now
        lastCorrected = objects
        let contention = contention(objects, recurring, now)
        return DriftFinding(objects: objects, isCorrected: true, contention: contention)
    }

    /// Counts how often each field was put back, and leaves what it was too often.
    private mutating func contention(
        _ objects: [ObjectChange], _ recurring: [ObjectChange], _ now: Timestamp
    ) -> String? {
        contests = contests.filter { now - $0.value.last <= Self.contestMemory }
        var said: [String] = []
        for object in objects {
            let fields = object.fields.isEmpty ? [ChangedField(path: "", before: nil, after: nil)] : object.fields
            for field in fields {
                let key = ContestedField(object, path: field.path)
                guard contests[key] != nil || contests.count < Self.capacity else { continue }
                var contest = contests[key] ?? Contest(count: 0, began: now, last: now)
                contest.count += 1
                contest.last = now
                contests[key] = contest
                guard contest.count >= Self.contentionThreshold else { continue }
                contests[key] = nil
                said.append(leave(key, to: field.managers, contest.count, since: contest.began, now))
            }
        }
        if said.isEmpty, streak >= Self.objectLimit {
            for object in recurring {
                let managers = Set(object.fields.flatMap(\.managers)).sorted()
                said.append(leave(ContestedField(object, path: ""), to: managers, streak, since: streakBegan, now))
            }
        }
        // What is left is no fight any more.
        if !said.isEmpty { streak = 0 }
        return said.isEmpty ? nil : said.prefix(3).joined(separator: "; ")
    }

    private mutating func leave(
        _ field: ContestedField, to managers: [String], _ count: Int, since began: Timestamp, _ now: Timestamp
    ) -> String {
        let names = managers.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
        let who = names.isEmpty ? "somebody whom managedFields do not name, such as an admission policy," : names
        let seconds = max(1, (now - began).milliseconds / 1_000)
        let reason =
            "\(who) keeps writing \(field.title): put back \(count) times in \(seconds) s, "
            + "and left as it is from now on, until the next release; to leave it for good, let the application say for "
            + "its next release: \(field.advice)"
        contested.append(field)
        reasons[field] = reason
        return reason
    }
}
