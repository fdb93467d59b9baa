internal import ArgumentParser
internal import SwellModel

/// Why a command did not do what it was asked, with the exit code that scripts see.
public struct CommandError: Error, Sendable, CustomStringConvertible {
    /// The exit codes: 0 is success.
    public struct Code: Hashable, Sendable {
        public let rawValue: Int32
        public init(_ rawValue: Int32) { self.rawValue = rawValue }

        /// The server refused, a file was bad, or a rollout that was watched did not succeed.
        public static let refused = Self(1)
        /// The command line itself is wrong.
        public static let usage = Self(2)
        /// What was named is not there.
        public static let notFound = Self(3)
        /// The server cannot be reached, is not trusted, or does not know the token.
        public static let connection = Self(4)
        /// A diff that is not whole; 1 would say that there are differences.
        public static let incomplete = Self(5)
        /// A rollout that was watched stands still for failures, until a person acts.
        public static let stopped = Self(6)
        /// A rollout that was watched waits for a person: an approval, a pause to be lifted, a stage that nothing speaks for.
        public static let waiting = Self(7)
        /// A rollout that was watched did not end in the time that was given.
        public static let timedOut = Self(8)
    }

    public var code: Code
    /// What was wrong and what would be right; one line a mistake.
    public var message: String
    public var cause: (any Error)?
    /// Whether the server would do it on a person's word (`--yes`); the message says what it would do.
    var takesAWord = false
    /// Whether the server answered that its database does not.
    var isOfTheDatabase = false
    /// What that word would be for, where the server says it.
    var agreedDigest: ContentDigest?

    public init(code: Code, message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }
}

extension CommandError {
    init(_ problem: Problem) {
        let code: Code =
            switch problem.status {
            case 404: .notFound
            case 401, 403, 502, 503, 504: .connection
            default: .refused
            }
        let places = (problem.errors ?? []).map(\.text)
        let detail =
            places.isEmpty
            ? problem.detail : "refused as a whole, nothing was stored:\n" + places.joined(separator: "\n")
        self.init(code: code, message: detail)
        takesAWord = problem.type.hasSuffix(":unconfirmed")
        agreedDigest = problem.digest
        isOfTheDatabase = problem.type.hasSuffix(":unavailable")
    }

    init(_ errors: DocumentErrors) {
        self.init(code: .refused, message: errors.description)
    }
}
