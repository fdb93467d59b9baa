internal import Logging
internal import SwellStore

/// Tells the log once that a loop's store is out of reach, and once that it is back.
struct StoreHealth: Sendable {
    private let what: String
    private let logger: Logger
    private var isDown = false

    init(what: String, logger: Logger) {
        self.what = what
        self.logger = logger
    }

    /// Notes how the last attempt went: nil for well. One that the service's end cut short says nothing of the store.
    mutating func note(_ error: StoreError?) {
        guard !Task.isCancelled else { return }
        if let error {
            if !isDown {
                logger.error(
                    "the store does not answer, trying again",
                    metadata: ["what": "\(what)", "error": "\(error)"])
            }
        } else if isDown {
            logger.info("the store answers again", metadata: ["what": "\(what)"])
        }
        isDown = error != nil
    }
}
