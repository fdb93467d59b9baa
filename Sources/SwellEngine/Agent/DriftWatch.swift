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
    ///
    /// - Parameter isCorrected: Whether all of it was put back but what is ``contested``.
    public mutating func note(_ objects: [ObjectChange], isCorrected: Bool, now: Timestamp) -> DriftFinding? {
        let (open, left) = contested.split(objects)
        guard isCorrected, !open.isEmpty else {
            return sighting(objects, left, isCorrected: isCorrected && left.isEmpty)
        }
        return correction(open, now)
    }

    /// What stays as it is, is told once: that somebody writes yet another value to it is no news.
    private mutating func sighting(
        _ objects: [ObjectChange], _ left: [ObjectChange], isCorrected: Bool
    ) -> DriftFinding? {
        let isKnown =
            left.isEmpty || left.count < objects.count
            ? objects == told : toldIsOpen && objects.map(\.shape) == told?.map(\.shape)
        guard !isKnown else { return nil }
        // The first look may end what an earlier one, before a restart, has reported.
        defer { told = objects }
        if isCorrected, let told, told.isEmpty || !toldIsOpen { return nil }
        toldIsOpen = !objects.isEmpty
        let why = contested.filter { field in left.contains { change in reasonCovers(field, change) } }
        let contention = why.compactMap { reasons[$0] }.prefix(3).joined(separator: "; ")
        return DriftFinding(
            objects: objects, isCorrected: isCorrected, contention: contention.isEmpty ? nil : contention)
    }

    /// Whether what was told last stays as it is until its end is told.
    private var toldIsOpen = false

    private func reasonCovers(_ field: ContestedField, _ change: ObjectChange) -> Bool {
        field.path.isEmpty ? field.covers(change, "") : change.fields.contains { field.covers(change, $0.path) }
    }

    private mutating func correction(_ objects: [ObjectChange], _ now: Timestamp) -> DriftFinding {
        told = objects
        toldIsOpen = false
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

extension ObjectChange {
    /// What changes, whatever the values.
    fileprivate var shape: [String] { [apiVersion, title, action.rawValue] + fields.map(\.path) }
}
