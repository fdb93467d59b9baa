internal import Logging
internal import SwellIdentity
internal import SwellModel
internal import Synchronization

/// Tells the log of peers that were refused at the handshake, and not more than a few: strangers must not fill it.
final class RefusalLog: Sendable {
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let limit = Mutex(RateLimit<IdentityError.Code>(burst: 20, interval: .seconds(3)))

    init(logger: Logger, now: @escaping @Sendable () -> Timestamp) {
        self.logger = logger
        self.now = now
    }

    func note(_ error: IdentityError) {
        let moment = now()
        guard limit.withLock({ $0.admits(error.code, at: moment) }) else { return }
        logger.info(
            "peer refused at the handshake", metadata: ["code": "\(error.code)", "reason": "\(error.message)"])
    }
}
