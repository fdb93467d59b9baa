/// What a load is to do, one JSON object a line: `{"id": 1, "order": {"join": {"count": 100}}}`.
package struct LoadRequest: Sendable, Hashable, Codable {
    /// Comes back with the answer.
    package var id: Int
    package var order: LoadOrder

    package init(id: Int, order: LoadOrder) {
        self.id = id
        self.order = order
    }
}

package enum LoadOrder: Sendable, Hashable, Codable {
    /// So many more agents start; without a pace all at once. Answered when they have begun to dial.
    case join(count: Int, perSecond: Int? = nil)
    /// So many end, those that started last first. Answered when they have gone.
    case leave(count: Int)
    /// So many have something to report of each application that they watch.
    case report(count: Int)
    /// So many ask their web server for its page; only those of a load that comes to one.
    case fetch(count: Int)
    /// Clusters behave so from now on.
    case follow(script: LoadScript)
    /// Answered once at least, and at most, so many have a session.
    case awaitConnected(least: Int? = nil, most: Int? = nil)
    /// Answered once so many releases were judged healthy since the start.
    case awaitHealthy(least: Int)
    /// Answered once so many pages have come whole since the start.
    case awaitPages(least: Int)
    /// Answered at once. Marks so far are in their file.
    case count
}

/// What became of an order, one JSON object a line.
package struct LoadAnswer: Sendable, Hashable, Codable {
    package var id: Int
    /// When it was done, by the machine's monotonic clock in nanoseconds.
    package var at: UInt64
    package var counts: LoadLedger.Counts
    /// Why it was not.
    package var error: String?

    package init(id: Int, at: UInt64, counts: LoadLedger.Counts, error: String? = nil) {
        self.id = id
        self.at = at
        self.counts = counts
        self.error = error
    }
}
