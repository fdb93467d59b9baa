public import SwellModel

/// Follows what the store assigns to the clusters whose sessions a replica holds.
///
/// Two ways together. The short one asks for what was changed since the last answer. The long one looks at everything that these
/// clusters are assigned, some of them a round, so that a delivery which was lost by whatever mistake heals within
/// ``Settings/lookEvery``. Where the store's counter is below one that was seen before, the store went back to an earlier state (a
/// failover that lost commits, a restored backup): a new term begins, numbers are followed from there, and all sessions are looked at
/// without a pause. The same look, only less hurried, follows a store that did not answer: it may have failed over meanwhile and have
/// come to higher numbers since.
///
/// Bounded: pages of ``Settings/pageLimit`` assignments or ``Settings/lookLimit`` clusters, one at a time.
public struct ChangeCursor: Sendable {
    /// How much is asked for, and how often.
    public struct Settings: Sendable, Hashable {
        /// Assignments in one page of changes.
        public var pageLimit = 1_000
        /// Clusters in one page of a look. A replica's 15,000 sessions are looked at in a minute of rounds that are a second apart.
        public var lookLimit = 250
        /// How often everything is looked at.
        public var lookEvery: Interval = .seconds(60)

        public init() {}
    }

    private enum Step { case changes, look, rest }
    private enum Haste { case none, soon, now }

    /// How often the store was seen to go back.
    public private(set) var term = 0
    private let settings: Settings
    /// Nil before the first answer.
    private var position: Int64?
    /// The highest counter of this term.
    private var highest: Int64 = 0
    private var step = Step.changes
    private var asked: ChangeQuery?
    private var lookedAt: Tick?
    /// What is left of the look that goes on.
    private var rest: ArraySlice<ClusterName> = []
    private var haste = Haste.now

    public init(_ settings: Settings = Settings()) { self.settings = settings }

    /// What to ask for now; nil where this round is over, and the next begins with the next call. Each query is to be answered by
    /// ``received(_:)`` or ``failed()`` before the next call.
    /// - Parameter sessions: the clusters that have a session here.
    public mutating func next(now: Tick, sessions: [ClusterName]) -> ChangeQuery? {
        switch step {
        case .changes:
            // Before the first answer nothing but the counter is asked for: what is assigned already is looked at by cluster.
            asked = .after(position ?? .max, limit: settings.pageLimit)
        case .look:
            if rest.isEmpty, haste != .none || lookedAt.map({ now - $0 >= settings.lookEvery }) ?? true {
                rest = sessions.sorted()[...]
                lookedAt = now
                if haste == .soon { haste = .none }
            }
            asked = rest.isEmpty ? nil : .of(Array(rest.prefix(settings.lookLimit)))
            if asked == nil {
                haste = .none
                step = .changes
            }
        case .rest:
            asked = nil
            step = .changes
        }
        return asked
    }

    /// Takes in the answer to the last query: what to hand to the sessions.
    public mutating func received(_ page: ChangePage) -> ChangeDelivery {
        defer { asked = nil }
        if page.counter < highest {
            term += 1
            position = page.counter
            haste = .now
            rest = []
            step = .look
        } else if case .after(_, let limit) = asked {
            position = page.cursor
            step = page.assignments.count >= limit ? .changes : .look
        } else if case .of(let clusters) = asked {
            rest = rest.dropFirst(clusters.count)
            step = haste == .now && !rest.isEmpty ? .look : .rest
            if rest.isEmpty { haste = .none }
        }
        highest = page.counter
        return ChangeDelivery(moment: StoreMoment(term: term, counter: page.counter), assignments: page.assignments)
    }

    /// The last query was not answered. The round is over; when the store answers again, everything is looked at.
    public mutating func failed() {
        asked = nil
        rest = []
        if haste == .none { haste = .soon }
        step = .changes
    }
}
