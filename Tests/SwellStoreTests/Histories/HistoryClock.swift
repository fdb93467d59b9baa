internal import SwellModel
internal import Synchronization

/// The moment that both forms of the store take for now.
final class HistoryClock: Sendable {
    private let moment = Mutex(HistoryDatabase.start)

    var now: Timestamp { moment.withLock(\.self) }
    func advance(by interval: Interval) -> Timestamp {
        moment.withLock {
            $0 = $0 + interval
            return $0
        }
    }
}
