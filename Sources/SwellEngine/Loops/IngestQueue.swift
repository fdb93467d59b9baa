internal import DequeModule
public import SwellModel

/// Which reports are stored next: each cluster's wait in a queue of their own, and the queues are taken from in turn, so that no agent
/// keeps another's waiting by what it says (invariant 22).
///
/// - Every queue is bounded, and all of them together. What finds its own cluster's full is refused; where all together are full, the
///   newest of the longest makes room for a shorter one's.
/// - Each cluster has a token bucket over its statuses. What comes faster is held in its queue, nobody else's, until the bucket allows it.
/// - A batch that the store refuses for what is in it is halved until the bad status fails alone. Each one found costs its cluster many
///   tokens, since finding it costs the store many transactions.
///
/// One batch is under way at a time. What was taken out is in the batch until it is answered, so nothing is lost in between.
public struct IngestQueue: Sendable {
    public struct Limits: Sendable {
        /// Statuses of one cluster that may wait: twice the journal of the largest agent, since one may come back before its
        /// former session has ended.
        public var perCluster = 4_000
        /// Statuses of all clusters that may wait.
        public var total = 20_000
        /// Statuses in a batch.
        public var batch = 500
        /// Statuses of one cluster in a batch before the others have had their turn.
        public var share = 50
        /// Statuses that a cluster may say at once after it was quiet.
        public var burst = 4_000
        /// The time for which one status counts: five milliseconds allow 200 a second for ever.
        public var interval = Interval.milliseconds(5)
        /// How many statuses one counts for that the store refused.
        public var refusalCost = 100
        /// Statuses of one entry that may be refused before the rest of it is given up.
        public var refusalsPerEntry = 8

        public init() {}
    }

    /// What was added in one go, and comes to its end as one.
    public struct EntryID: Sendable, Hashable { fileprivate let number: UInt64 }

    /// Why something was not taken in.
    public enum Refusal: Sendable, Hashable {
        /// As many statuses of this cluster wait as may.
        case clusterFull(waiting: Int)
        /// As many statuses wait as may, and no cluster has more of them than this one.
        case full(waiting: Int)
        case closed
    }

    /// What became of an attempt to add something.
    public struct Addition: Sendable {
        public let result: Result
        /// What had to make room: it is over, and was not stored.
        public let evicted: [EntryID]

        public enum Result: Sendable, Hashable {
            case queued(EntryID)
            case refused(Refusal)
        }
    }

    public struct Status: Sendable, Hashable {
        public let cluster: ClusterName
        public let report: ApplicationReport
        /// The session that it was said in.
        public let session: String?
        fileprivate let entry: EntryID
    }

    /// What the store said of a batch.
    public enum Answer: Sendable { case stored, refused, unavailable }

    /// How an entry ended.
    public enum Outcome: Sendable, Hashable {
        /// All of it, or what its session was still heard on.
        case stored(session: String?)
        /// The store refused these; the others are stored, up to where the entry was given up.
        case refused([ApplicationReport])
        case unavailable
    }

    private struct Entry {
        let cluster: ClusterName
        let session: String?
        /// How many of its statuses were not answered.
        var left: Int
        var refused: [ApplicationReport] = []
    }

    private let limits: Limits
    private var entries: [EntryID: Entry] = [:]
    private var nextNumber: UInt64 = 0
    /// What waits of each cluster, in the order in which it came; none is empty.
    private var lanes: [ClusterName: Deque<Status>] = [:]
    /// The clusters of ``lanes``, each once, the next one first.
    private var turns: Deque<ClusterName> = []
    /// How many statuses of each cluster are in ``entries``.
    private var waiting: [ClusterName: Int] = [:]
    /// Until when each cluster's statuses are paid for; those that lie in the past are forgotten now and then.
    private var paidUntil: [ClusterName: Tick] = [:]
    private var underWay: [Status] = []
    /// Halves of refused batches, the next one last.
    private var halves: [[Status]] = []
    private var slowed: Set<ClusterName> = []
    private var isClosed = false

    /// How many statuses wait or are under way.
    public private(set) var count = 0

    public init(_ limits: Limits = Limits()) { self.limits = limits }

    // MARK: Adding

    /// Adds what a cluster's agent said in one message, at least one status.
    public mutating func add(
        _ reports: [ApplicationReport], of cluster: ClusterName, session: String? = nil
    ) -> Addition {
        let own = waiting[cluster, default: 0]
        guard !isClosed else { return Addition(result: .refused(.closed), evicted: []) }
        guard own + reports.count <= limits.perCluster else {
            return Addition(result: .refused(.clusterFull(waiting: own)), evicted: [])
        }
        var evicted: [EntryID] = []
        while count + reports.count > limits.total {
            guard let entry = newestOfTheLongest(beyond: own + reports.count) else {
                return Addition(result: .refused(.full(waiting: count)), evicted: evicted)
            }
            drop(entry)
            evicted.append(entry)
        }
        let id = EntryID(number: nextNumber)
        nextNumber += 1
        entries[id] = Entry(cluster: cluster, session: session, left: reports.count)
        waiting[cluster] = own + reports.count
        count += reports.count
        if lanes[cluster] == nil { turns.append(cluster) }
        lanes[cluster, default: []].append(
            contentsOf: reports.map { Status(cluster: cluster, report: $0, session: session, entry: id) })
        return Addition(result: .queued(id), evicted: evicted)
    }

    private func newestOfTheLongest(beyond length: Int) -> EntryID? {
        let longest = lanes.max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }
        guard let longest, longest.value.count > length else { return nil }
        return longest.value.last?.entry
    }

    /// Ends an entry before its time. What of it is under way is answered to no purpose.
    private mutating func drop(_ id: EntryID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        release(entry.left, of: entry.cluster)
        guard var lane = lanes[entry.cluster] else { return }
        lane.removeAll { $0.entry == id }
        lanes[entry.cluster] = lane.isEmpty ? nil : lane
        if lane.isEmpty { turns.removeAll { $0 == entry.cluster } }
    }

    private mutating func release(_ number: Int, of cluster: ClusterName) {
        count -= number
        let left = waiting[cluster, default: 0] - number
        waiting[cluster] = left > 0 ? left : nil
    }

    /// Nothing more is taken in, and what waits is not held back any more.
    public mutating func close() { isClosed = true }

    // MARK: Storing

    /// Takes out what to store next; empty where nothing waits that may be stored now. Answered by ``answered(_:now:)``.
    public mutating func next(now: Tick) -> [Status] {
        precondition(underWay.isEmpty, "one batch is under way at a time")
        forgetPaid(now)
        while underWay.isEmpty, let half = halves.popLast() { underWay = half.filter { entries[$0.entry] != nil } }
        guard underWay.isEmpty else { return underWay }
        var skipped = 0
        while underWay.count < limits.batch, skipped < turns.count, let cluster = turns.popFirst() {
            guard isClosed || wait(of: cluster, now: now) <= .zero else {
                slowed.insert(cluster)
                turns.append(cluster)
                skipped += 1
                continue
            }
            skipped = 0
            let length = lanes[cluster]?.count ?? 0
            let share = min(limits.share, limits.batch - underWay.count, length)
            if let lane = lanes[cluster] { underWay += lane.prefix(share) }
            charge(share, to: cluster, now: now)
            if share < length {
                lanes[cluster]?.removeFirst(share)
                turns.append(cluster)
            } else {
                lanes[cluster] = nil
            }
        }
        return underWay
    }

    /// Says what the store answered to the batch under way. Returns the entries that came to their end by it.
    public mutating func answered(_ answer: Answer, now: Tick) -> [EntryID: Outcome] {
        let batch = underWay
        underWay = []
        var ended: [EntryID: Outcome] = [:]
        switch answer {
        case .stored:
            for status in batch { settle(status, &ended) }
        case .unavailable:
            for status in batch where entries[status.entry] != nil {
                drop(status.entry)
                ended[status.entry] = .unavailable
            }
        case .refused where batch.count > 1:
            let middle = batch.count / 2
            halves.append(Array(batch[middle...]))
            halves.append(Array(batch[..<middle]))
        case .refused:
            for status in batch {
                charge(limits.refusalCost, to: status.cluster, now: now)
                entries[status.entry]?.refused.append(status.report)
                settle(status, &ended)
                if let entry = entries[status.entry], entry.refused.count >= limits.refusalsPerEntry {
                    drop(status.entry)
                    ended[status.entry] = .refused(entry.refused)
                }
            }
        }
        return ended
    }

    private mutating func settle(_ status: Status, _ ended: inout [EntryID: Outcome]) {
        guard var entry = entries[status.entry] else { return }
        entry.left -= 1
        release(1, of: status.cluster)
        entries[status.entry] = entry.left > 0 ? entry : nil
        if entry.left == 0 {
            ended[status.entry] = entry.refused.isEmpty ? .stored(session: entry.session) : .refused(entry.refused)
        }
    }

    // MARK: The token bucket

    /// How long the statuses of a cluster are held back yet.
    public func wait(of cluster: ClusterName, now: Tick) -> Interval {
        guard let until = paidUntil[cluster] else { return .zero }
        let burst = Interval(milliseconds: limits.interval.milliseconds * Int64(limits.burst))
        return max(.zero, until - now - burst)
    }

    /// How long nothing may be stored although something waits; nil where nothing waits.
    public func pause(now: Tick) -> Interval? { turns.map { wait(of: $0, now: now) }.min() }

    /// The clusters whose statuses were held back since the last call.
    public mutating func takeSlowed() -> Set<ClusterName> {
        defer { slowed = [] }
        return slowed
    }

    private mutating func charge(_ number: Int, to cluster: ClusterName, now: Tick) {
        let start = max(paidUntil[cluster] ?? now, now)
        paidUntil[cluster] = start + Interval(milliseconds: limits.interval.milliseconds * Int64(number))
    }

    private mutating func forgetPaid(_ now: Tick) {
        guard paidUntil.count > 2 * lanes.count + 1_000 else { return }
        paidUntil = paidUntil.filter { $0.value > now }
    }
}
