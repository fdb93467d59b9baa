internal import SwellEngine
internal import SwellModel
internal import SwellProtocol

/// What is to be said to one agent, and in which order. Pure; bounded by the cluster's applications and by
/// ``acknowledgementLimit``.
///
/// Which assignments are news says ``SessionDelivery``. The order is: welcome, place, what goes back, acknowledgements, what goes forward, previews. The end outruns assignments and previews, which
/// the agent gets again at its next session, but no acknowledgement.
struct SessionOutbox: Sendable {
    /// Acknowledgements that an agent may leave unread. Beyond, it does not read at all, and the session ends.
    static let acknowledgementLimit = 1_000
    /// Previews that may wait for being sent. Beyond, they are refused.
    static let previewLimit = 8

    private var welcome: SessionWelcome?
    private var isWelcome = false
    private var place: Cluster?
    private var delivery = SessionDelivery()
    private var acknowledgements: [UInt64] = []
    private var previews: [PreviewRequest] = []
    /// The open previews that were put in already.
    private var asked: Set<Int64> = []
    /// Those of them that the agent was told of, and that have no answer yet.
    private var awaited: Set<Int64> = []
    private var goAway: (after: Interval, reason: String)?
    /// Why the end was asked for; nil while it was not.
    var endReason: String? { goAway?.reason }
    /// Whether the end was asked for.
    var isEnding: Bool { goAway != nil }
    /// Whether the last message was taken out.
    private(set) var isOver = false

    /// Opens the session: before, nothing but its end is said.
    mutating func open(_ welcome: SessionWelcome) { self.welcome = welcome }

    /// Puts in what the store had at a moment; returns what of it is news.
    mutating func assign(_ changes: ChangeDelivery) -> [Assignment] {
        guard !isEnding else { return [] }
        return delivery.put(changes)
    }

    /// The first full list is in: the message that empties it says so.
    mutating func completeResync() { delivery.completeResync() }

    /// Puts in the previews that are open, those that were put in before among them; what is not open any more is not sent.
    /// Returns those that find no room.
    mutating func ask(_ open: [PreviewRequest]) -> [PreviewRequest] {
        guard !isEnding else { return [] }
        let ids = Set(open.map(\.id))
        asked.formIntersection(ids)
        awaited.formIntersection(ids)
        previews.removeAll { !ids.contains($0.id) }
        var refused: [PreviewRequest] = []
        for preview in open where asked.insert(preview.id).inserted {
            if previews.count < Self.previewLimit { previews.append(preview) } else { refused.append(preview) }
        }
        return refused
    }

    /// Whether the agent was asked for this preview and has not answered.
    func awaits(preview: Int64) -> Bool { awaited.contains(preview) }

    /// The agent has answered a preview; false where nobody asked, or it had answered before.
    mutating func takeAnswer(to preview: Int64) -> Bool { awaited.remove(preview) != nil }

    /// A report was stored. False when the agent leaves too many acknowledgements unread.
    mutating func acknowledge(_ report: UInt64) -> Bool {
        guard acknowledgements.count < Self.acknowledgementLimit else { return false }
        acknowledgements.append(report)
        return true
    }

    /// The cluster's place changed.
    mutating func move(to place: Cluster) { self.place = place }

    /// The session ends; the first reason counts.
    mutating func end(after: Interval, reason: String) {
        if !isEnding { goAway = (after, reason) }
    }

    /// Takes out what to say next; nil for nothing now.
    mutating func next() -> CoordinatorEvent? {
        guard !isOver else { return nil }
        if let goAway {
            if isWelcome, let acknowledged = takeAcknowledgements() { return acknowledged }
            isOver = true
            return .retryLater(after: goAway.after, reason: goAway.reason)
        }
        if let welcome {
            self.welcome = nil
            isWelcome = true
            return .welcome(welcome)
        }
        guard isWelcome else { return nil }
        if let place {
            self.place = nil
            return .placement(place)
        }
        if let batch = delivery.nextRollbacks(limit: WireLimits.assignmentsPerMessage) { return Self.event(batch) }
        if let event = takeAcknowledgements() { return event }
        if let batch = delivery.nextForward(limit: WireLimits.assignmentsPerMessage) { return Self.event(batch) }
        guard !previews.isEmpty else { return nil }
        let preview = previews.removeFirst()
        awaited.insert(preview.id)
        return .previewRequested(
            PreviewQuestion(
                id: preview.id, application: preview.application, release: preview.release,
                timeLimit: preview.timeLimit))
    }

    private mutating func takeAcknowledgements() -> CoordinatorEvent? {
        guard !acknowledgements.isEmpty else { return nil }
        defer { acknowledgements = [] }
        return .reportsAcknowledged(acknowledgements)
    }

    private static func event(_ batch: SessionDelivery.Batch) -> CoordinatorEvent {
        .assignments(batch.assignments, resyncComplete: batch.endsResync)
    }
}
