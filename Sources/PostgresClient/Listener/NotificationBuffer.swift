internal import DequeModule

/// What a subscriber has not read yet: at most so many notifications. When one more comes, all of them give way to
/// a single "some were missed", since the subscriber has to look for itself then anyway. A value without I/O.
struct NotificationBuffer {
    let limit: Int
    private var events: Deque<PostgresListenerEvent> = []

    init(limit: Int) { self.limit = max(1, limit) }

    mutating func add(_ notification: PostgresNotification) {
        if events.count >= limit {
            addGap(.overflowed)
        } else {
            events.append(.notification(notification))
        }
    }

    /// What came before a gap needs no reading any more.
    mutating func addGap(_ gap: PostgresListenerEvent.Gap) {
        events.removeAll(keepingCapacity: true)
        events.append(.mayHaveMissed(gap))
    }

    mutating func next() -> PostgresListenerEvent? { events.popFirst() }
}

/// What a subscriber of a ``PostgresListener`` gets.
public enum PostgresListenerEvent: Sendable, Hashable {
    /// Why notifications may be missing.
    public enum Gap: Sendable, Hashable {
        /// Listening has begun: what came before was not heard.
        case started
        /// The connection was lost and is back: what came in between was not heard.
        case reconnected
        /// The subscriber read too slowly: what it had not read was thrown away.
        case overflowed
    }

    /// Somebody told the channel.
    case notification(PostgresNotification)
    /// Notifications may be missing: look at the tables now. Later ones will be heard.
    case mayHaveMissed(Gap)
}
