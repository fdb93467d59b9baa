internal import Logging
internal import PortGuard
internal import SwellEngine
internal import Synchronization

/// Tells the log what anybody can cause, limited by where they come from: see ``MentionLimit``.
final class StrangerLog<Kind: RawRepresentable<String> & Hashable & Sendable>: Sendable {
    private let message: Logger.Message
    private let level: Logger.Level
    private let logger: Logger
    private let tick: @Sendable () -> Tick
    private let limit = Mutex(MentionLimit<AddressBlock, Kind>())

    init(
        _ message: Logger.Message, level: Logger.Level, logger: Logger, tick: @escaping @Sendable () -> Tick
    ) {
        self.message = message
        self.level = level
        self.logger = logger
        self.tick = tick
    }

    /// Tells the log, if there is still room for that address; false where there was none.
    @discardableResult
    func note(_ kind: Kind, from address: AddressBlock, _ metadata: Logger.Metadata = [:]) -> Bool {
        let moment = tick()
        guard case .told(let leftOut) = limit.withLock({ $0.note(kind, of: address, at: moment) }) else { return false }
        var metadata = metadata
        metadata["from"] = "\(address)"
        metadata["why"] = "\(kind.rawValue)"
        if leftOut > 0 { metadata["suppressed"] = "\(leftOut)" }
        logger.log(level: level, message, metadata: metadata)
        return true
    }
}
