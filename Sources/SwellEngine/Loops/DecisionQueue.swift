public import SwellModel

/// Which rollouts are decided, when, and how many at once.
///
/// - **Never one twice.** A rollout in work is not handed out again before ``done(_:_:now:)``.
/// - **By urgency, and in turn.** The most urgent goes first, of those alike the one that waits longest. Who waits longest of all is passed over
///   three times at most, so that nothing starves; and one place is kept for orders and rollbacks, so that slow decisions cannot have all.
/// - **Gathering.** Every report of a cluster makes its whole rollout due, and a decision costs much the same whether one report waits for it or a
///   thousand. So a rollout may be in decision for a fifth of the time, beside what it saved while nothing happened (``saving``). An idle one is
///   decided at once; where reports trickle in, decisions of 5 ms follow one another after 25 ms, those of 100 ms after 500 ms. An order waits for
///   none of this.
/// - **Holding off.** What another replica holds is left alone for a moment; what could not be decided is tried again later and later, so that it
///   takes nobody's place.
///
/// Bounded by ``capacity``: beyond it the least urgent and youngest is left out. The store knows it all the same, and tells of it at a later look.
///
/// The shell looks into the store at each signal, poll and wake-up, and after each decision: what became due while a rollout was in work is seen
/// then. It asks for as many as are ``known`` and some more, so that those which cannot be decided now hide none.
public struct DecisionQueue: Sendable {
    /// A rollout may be in decision for one part in so many of the time.
    public static let share: Int64 = 5
    /// How much of that it can save up while nothing happens.
    public static let saving: Interval = .milliseconds(100)
    /// How far apart decisions on one rollout begin at least, orders apart, however little they cost: reports that come together are one decision's.
    public static let moment: Interval = .milliseconds(25)
    /// How long a report waits at most, whatever decisions cost.
    public static let longestWait: Interval = .seconds(5)
    /// For how long a rollout is left alone that another replica holds, or after a store that did not answer.
    public static let holdOff: Interval = .seconds(1)
    /// For how long one that cannot be decided is left alone at most; at first ``holdOff``, then twice as long each time.
    public static let longestHoldOff: Interval = .seconds(8)
    /// How many rollouts are known at most.
    public static let capacity = 1_024
    /// How often who waits longest is passed over for something more urgent.
    static let patience = 3

    /// What became of a decision.
    public enum Outcome: Sendable, Hashable, CaseIterable {
        case decided
        /// It needs no more.
        case ended
        /// Another replica holds it.
        case elsewhere
        /// The store did not answer, or nothing may be decided now: no fault of this rollout's.
        case stopped
        /// It cannot be decided.
        case failed
    }

    /// A look into the store: what was decided since it began, it does not know.
    public struct Look: Sendable { fileprivate let number: Int64 }

    private struct Entry {
        /// What waits to be decided; nil for nothing.
        var urgency: DueRollout.Urgency?
        /// Its place among those that wait: which came first.
        var place: Int64
        /// What it is in work for.
        var work: DueRollout.Urgency?
        var begunAt: Tick?
        /// The number that its last decision got when it ended.
        var doneNumber: Int64 = 0
        /// What it had left of its share at `leftAt`; less than nothing where it took more.
        var left = DecisionQueue.saving
        var leftAt: Tick
        var isFreeAt: Tick?
        var failures = 0
        /// What it was last in work for in vain: what is more urgent than that is tried at once.
        var failedAs: DueRollout.Urgency?

        func left(now: Tick) -> Interval {
            min(DecisionQueue.saving, left + Interval(milliseconds: (now - leftAt).milliseconds / DecisionQueue.share))
        }
    }

    /// How many are decided at once at most.
    public let concurrency: Int
    private var entries: [RolloutName: Entry] = [:]
    private var running = 0
    /// Those of them that are not urgent.
    private var runningCalm = 0
    /// How often who waits longest was passed over.
    private var passes = 0
    private var lastNumber: Int64 = 0

    public init(concurrency: Int = 8) {
        precondition(concurrency > 0)
        self.concurrency = concurrency
    }

    /// How many rollouts it knows: those that wait, are in work, or are left alone for now.
    public var known: Int { entries.count }

    /// Whether it is one of them.
    public func knows(_ rollout: RolloutName) -> Bool { entries[rollout] != nil }

    /// How many wait to be decided, and how many are in work.
    public var load: (waiting: Int, running: Int) { (entries.values.count { $0.urgency != nil }, running) }

    // MARK: What is due

    /// To be asked for before the store is.
    public mutating func beginLook(now: Tick) -> Look {
        entries = entries.filter { !isForgettable($0.value, now: now) }
        return Look(number: nextNumber())
    }

    /// Takes in what the store said is due.
    public mutating func offer(_ due: [DueRollout], from look: Look, now: Tick) {
        for rollout in due { offer(rollout, from: look, now: now) }
    }

    private mutating func offer(_ due: DueRollout, from look: Look, now: Tick) {
        guard var entry = entries[due.name] else {
            guard makeRoom(for: due.urgency) else { return }
            entries[due.name] = Entry(urgency: due.urgency, place: nextNumber(), leftAt: now)
            return
        }
        // Another look comes after a decision that this one did not see.
        guard entry.work == nil, entry.doneNumber < look.number else { return }
        if entry.urgency == nil { entry.place = nextNumber() }
        entry.urgency = min(due.urgency, entry.urgency ?? due.urgency)
        if let failedAs = entry.failedAs, due.urgency < failedAs { entry.isFreeAt = nil }
        entries[due.name] = entry
    }

    /// One sequence for places, looks and ends, so that it is plain which came first.
    private mutating func nextNumber() -> Int64 {
        lastNumber += 1
        return lastNumber
    }

    /// Whether there is room, for which a less urgent one may have been left out.
    private mutating func makeRoom(for urgency: DueRollout.Urgency) -> Bool {
        guard entries.count >= Self.capacity else { return true }
        let last = entries.lazy.filter { $0.value.work == nil }.max { Self.rank($0.value) < Self.rank($1.value) }
        guard let last, last.value.urgency.map({ $0 > urgency }) ?? true else { return false }
        entries[last.key] = nil
        return true
    }

    /// Those without work last.
    private static func rank(_ entry: Entry) -> (Int, Int64) { (entry.urgency?.rawValue ?? .max, entry.place) }

    private func isForgettable(_ entry: Entry, now: Tick) -> Bool {
        guard entry.urgency == nil, entry.work == nil, entry.left(now: now) == Self.saving else { return false }
        let isTogether = entry.begunAt.map { now - $0 < Self.moment } ?? false
        return !isTogether && entry.isFreeAt.map { now - $0 >= Self.longestHoldOff } ?? true
    }

    // MARK: Work

    /// The rollout to decide now, in work until ``done(_:_:now:)``; nil for none.
    public mutating func next(now: Tick) -> RolloutName? {
        guard let (name, passes) = pick(now: now), var entry = entries[name], let urgency = entry.urgency else {
            return nil
        }
        self.passes = passes
        running += 1
        if !urgency.isUrgent { runningCalm += 1 }
        entry.work = urgency
        entry.begunAt = now
        entry.isFreeAt = nil
        entry.urgency = nil
        entries[name] = entry
        return name
    }

    /// Whose turn it is, and how often who waits longest was passed over with that.
    private func pick(now: Tick) -> (rollout: RolloutName, passes: Int)? {
        let ready = entries.filter { readyAt($0.value).map { $0 <= now } ?? false }
        guard
            let oldest = ready.min(by: { $0.value.place < $1.value.place }),
            let first = ready.lazy.filter({ isOpen(to: $0.value) }).min(by: {
                Self.rank($0.value) < Self.rank($1.value)
            })
        else { return nil }
        // What there is no place for now is not passed over.
        guard isOpen(to: oldest.value) else { return (first.key, passes) }
        if passes >= Self.patience || first.key == oldest.key { return (oldest.key, 0) }
        return (first.key, passes + 1)
    }

    /// Says what became of a rollout that was handed out.
    public mutating func done(_ rollout: RolloutName, _ outcome: Outcome, now: Tick) {
        guard var entry = entries[rollout], let work = entry.work, let begunAt = entry.begunAt else {
            assertionFailure("\(rollout) is not in work")
            return
        }
        running -= 1
        if !work.isUrgent { runningCalm -= 1 }
        entry.work = nil
        entry.doneNumber = nextNumber()
        let cost = now - begunAt
        let debt = Interval(milliseconds: -Self.longestWait.milliseconds / Self.share)
        entry.left = max(debt, entry.left(now: begunAt) - cost)
        entry.leftAt = begunAt
        entry.failedAs = outcome == .elsewhere || outcome == .failed ? work : nil
        switch outcome {
        case .decided, .ended: entry.failures = 0
        case .elsewhere: entry.isFreeAt = now + Self.holdOff
        case .stopped:
            // As long as it took, so that one at which the store gives up after half a minute does not have a place for good.
            entry.isFreeAt = now + max(Self.holdOff, cost)
        case .failed:
            let wait = Self.holdOff.milliseconds << min(entry.failures, 10)
            entry.isFreeAt = now + min(Self.longestHoldOff, Interval(milliseconds: wait))
            entry.failures += 1
        }
        entries[rollout] = entry
    }

    /// How long until the next one may begin, without another that is done or becomes due; nil: none will.
    public func wait(now: Tick) -> Interval? {
        let moments = entries.values.lazy.filter { isOpen(to: $0) }.compactMap { readyAt($0) }
        return moments.min().map { max(.zero, $0 - now) }
    }

    /// Whether there is a place for it: one is for what is urgent.
    private func isOpen(to entry: Entry) -> Bool {
        guard let urgency = entry.urgency, running < concurrency else { return false }
        return urgency.isUrgent || runningCalm < max(1, concurrency - 1)
    }

    /// When it may be decided; nil where nothing waits for that.
    private func readyAt(_ entry: Entry) -> Tick? {
        guard let urgency = entry.urgency else { return nil }
        var ready = entry.isFreeAt ?? entry.leftAt
        guard urgency != .order, let begunAt = entry.begunAt else { return ready }
        ready = max(ready, begunAt + Self.moment)
        let lacks = max(0, -entry.left.milliseconds)
        return max(ready, entry.leftAt + Interval(milliseconds: lacks * Self.share))
    }
}
