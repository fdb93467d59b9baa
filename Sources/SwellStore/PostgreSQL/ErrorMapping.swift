internal import PostgresClient
internal import SwellModel

extension StoreError {
    /// What an error met on the way to the database means to those who use the store. The one place that decides it.
    init(postgres error: any Error) {
        switch error {
        case let error as StoreError:
            self = error
        case let error as PostgresError:
            self.init(client: error)
        case is CancellationError:
            self.init(code: .unavailable, message: "the task was cancelled before the transaction committed")
        case is ModelError, is DecodingError:
            self.init(
                code: .corrupt, message: "what is stored cannot be read; was it changed by hand?", cause: error)
        default:
            self.init(code: .internalError, message: "the store failed in an unexpected way", cause: error)
        }
    }

    private init(client error: PostgresError) {
        switch error.code {
        case .commitOutcomeUnknown:
            self.init(
                code: .outcomeUnknown, message: "the database's answer to COMMIT was lost: look before trying again",
                cause: error)
        case .connectionFailed, .connectionLost, .connectionClosed, .poolTimeout, .poolExhausted, .poolShutDown,
            .cancelled, .timedOut, .systemFailure, .connectionBusy:
            self.init(code: .unavailable, message: "the database cannot be reached; nothing was done", cause: error)
        case .decoding, .unexpectedRowCount:
            self.init(code: .corrupt, message: "the database answered something unexpected", cause: error)
        case _ where error.sqlState == .diskFull:
            self.init(
                code: .unavailable, message: "the database's disk is full, so nothing was done: give it room",
                cause: error)
        // Said by a trigger of ours (0011).
        case _ where error.sqlState == "SW001":
            self.init(
                code: .sealed,
                message:
                    "the key that seals Secrets here was retired, so nothing was done: restart this replica with the file of the present one",
                cause: error)
        case _ where error.sqlState == .readOnlyTransaction: self = .readOnly(error)
        // Class 53 is a lack of resources: memory, connections, what the server's settings allow.
        case _ where error.sqlState?.category == "53":
            self.init(code: .unavailable, message: "the database lacks resources; nothing was done", cause: error)
        case _ where error.isConnectionFailure || error.isRetryable || error.sqlState?.category == "57":
            self.init(
                code: .unavailable, message: "the database could not do it now; nothing was done", cause: error)
        default:
            self.init(code: .internalError, message: "the database refused a statement", cause: error)
        }
    }
}
