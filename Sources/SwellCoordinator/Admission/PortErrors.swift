internal import AsyncSupport
package import GRPCCore
internal import Logging
internal import SwellIdentity
internal import SwellProtocol
internal import SwellStore

extension RPCError {
    /// What an agent is told of `error`: the one place where the port's errors become gRPC's codes. What is none of the
    /// agent's business (files, databases, keys) is not told; the coordinator's log has it.
    package init(reporting error: any Error) {
        switch error {
        case let error as RPCError: self = error
        case let error as WireError: self.init(code: .invalidArgument, message: error.description)
        case let error as CallerRefusal:
            self.init(
                code: .permissionDenied, message: error.description,
                metadata: error.reason.isOtherCluster ? WireRefusal.otherClusterMetadata : [:])
        case let error as WrongCluster:
            self.init(
                code: .permissionDenied, message: error.description, metadata: WireRefusal.otherClusterMetadata)
        case let error as IdentityError: self.init(error)
        case let error as StoreError: self.init(error)
        case let error as SessionOvertaken: self.init(code: .aborted, message: "Another session: \(error).")
        case is ConcurrencyLimiter.Overloaded:
            self.init(code: .unavailable, message: "The coordinator has too much to do. Come back later.")
        case is CancellationError: self.init(code: .cancelled, message: "The call was ended.")
        default: self.init(code: .internalError, message: "The coordinator failed. Its log says why.")
        }
    }

    private init(_ error: IdentityError) {
        switch error.code {
        case .invalidToken: self.init(code: .unauthenticated, message: error.message)
        case .wrongCluster, .denied: self.init(code: .permissionDenied, message: error.message)
        case .invalidRequest, .invalidName: self.init(code: .invalidArgument, message: error.message)
        default: self.init(code: .internalError, message: "The coordinator failed. Its log says why.")
        }
    }

    private init(_ error: StoreError) {
        switch error.code {
        case .unavailable, .outcomeUnknown:
            self.init(code: .unavailable, message: "The coordinator's store is out of reach. Come back later.")
        case .sealed:
            self.init(code: .unavailable, message: "The coordinator lacks the key of a Secret. Its operators are told.")
        case .notFound: self.init(code: .notFound, message: error.message)
        case .conflict, .refused: self.init(code: .failedPrecondition, message: error.message)
        case .invalid: self.init(code: .invalidArgument, message: error.message)
        default: self.init(code: .internalError, message: "The coordinator failed. Its log says why.")
        }
    }
}

extension RPCError.Code {
    /// Whether it was the coordinator's fault, which its log must explain.
    var isOurs: Bool { self == .internalError || self == .unavailable || self == .unknown }
}

extension Error {
    /// Whether the connection to the caller was lost. Only the transport says so in gRPC's words: what the coordinator lacks
    /// itself is an error of its store, or of its limits, until an agent is told of it.
    var isLostPeer: Bool { (self as? RPCError)?.code == .unavailable }
}

extension Logger.Level {
    /// How loudly the log tells that a call ended with `error`: an agent that goes away is daily business.
    init(ofEnd error: any Error) {
        if error.isLostPeer { self = .debug } else { self = RPCError(reporting: error).code.isOurs ? .error : .info }
    }
}
