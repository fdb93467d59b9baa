internal import KubernetesObjects

/// What went wrong in talking to a Kubernetes API server, or in preparing to.
public struct KubernetesError: Error, Sendable {
    /// The class of a failure. More may be added: a `switch` over it needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name, as written in logs.
        public let description: String

        private init(_ description: String) {
            self.description = description
        }

        /// Credentials or connection settings cannot be used.
        public static let invalidConfiguration = Code("invalidConfiguration")
        /// No answer came: connection refused or reset, name not found, TLS failed.
        public static let noAnswer = Code("noAnswer")
        /// No answer came in time.
        public static let timeout = Code("timeout")
        /// Something answered that is not what an API server would say.
        public static let invalidAnswer = Code("invalidAnswer")
        /// The API server refused; ``KubernetesError/status`` says how.
        public static let refused = Code("refused")
        /// The server serves no such kind.
        public static let unknownKind = Code("unknownKind")
        /// A watch cannot go on from where it was: list again.
        public static let expired = Code("expired")
        /// More requests wait than the client allows.
        public static let overloaded = Code("overloaded")
        /// An object, expression or option is not usable.
        public static let invalidInput = Code("invalidInput")
        /// The client itself does not make such a write: a ``WriteGuard`` says no.
        public static let notAllowed = Code("notAllowed")
        /// Something awaited did not happen in time.
        public static let notReached = Code("notReached")
    }

    /// One cause in a server's `Status`: a field and what is wrong with it.
    public struct Cause: Sendable, Hashable {
        /// The machine-readable reason: `FieldValueInvalid`, `FieldManagerConflict` …
        public var reason: String
        /// The cause in words.
        public var message: String
        /// The field, where one is meant: `spec.selector`, `.data.a`.
        public var field: String?

        /// Creates a cause.
        public init(reason: String, message: String, field: String? = nil) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    /// The class of the failure.
    public var code: Code
    /// What was asked, of whom, and what was wrong.
    public var message: String
    /// The HTTP status, where an answer came.
    public var status: Int?
    /// The `reason` of the server's `Status` body: `NotFound`, `Conflict`, `Invalid` …
    public var reason: String?
    /// The server's own message, without what this client adds.
    public var serverMessage: String?
    /// The causes of the server's `Status` body.
    public var causes: [Cause]
    /// How long the server asked to wait.
    public var retryAfter: Duration?
    /// The error of a lower layer that led to this one.
    public var cause: (any Error)?

    /// Creates an error.
    public init(
        code: Code, message: String, status: Int? = nil, reason: String? = nil, serverMessage: String? = nil,
        causes: [Cause] = [], retryAfter: Duration? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.status = status
        self.reason = reason
        self.serverMessage = serverMessage
        self.causes = causes
        self.retryAfter = retryAfter
        self.cause = cause
    }

    /// Reads a `Status` body.
    ///
    /// - Parameters:
    ///   - body: The answer's body, JSON or not.
    ///   - httpStatus: The HTTP status.
    ///   - excerpt: The beginning of the body as text, which is told where it is no `Status`.
    ///   - what: The request in words, for the message.
    ///   - retryAfter: What the `Retry-After` header asked for.
    init(
        statusBody body: JSONValue?, excerpt: String = "", httpStatus: Int, what: String, retryAfter: Duration?
    ) {
        let isStatus = body?["kind"]?.stringValue == "Status"
        let details = isStatus ? body?["details"] : nil
        let causes: [Cause] = (details?["causes"]?.arrayValue ?? []).map { entry in
            Cause(
                reason: entry["reason"]?.stringValue ?? "", message: entry["message"]?.stringValue ?? "",
                field: entry["field"]?.stringValue)
        }
        let serverMessage = isStatus ? body?["message"]?.stringValue : nil
        let missing = httpStatus == 403 ? serverMessage.flatMap { MissingPermission(message: $0) } : nil
        let bare = "HTTP status \(httpStatus)\(excerpt.isEmpty ? "" : ", \(excerpt.debugDescription)")"
        let advised = details?["retryAfterSeconds"]?.intValue.map { Duration.seconds(max(0, $0)) }
        self.init(
            code: httpStatus == 410 ? .expired : .refused,
            message: "\(what): \(missing?.description ?? serverMessage ?? bare)",
            status: httpStatus, reason: isStatus ? body?["reason"]?.stringValue : nil, serverMessage: serverMessage,
            causes: causes, retryAfter: retryAfter ?? advised)
    }

    /// Whether the object or resource asked for is not there.
    public var isNotFound: Bool { status == 404 }

    /// Whether the path is not served, whatever the object: of several API servers behind one address, one may be a moment
    /// behind the others.
    var isPathUnserved: Bool {
        status == 404
            && (serverMessage.map { $0.hasPrefix("the server could not find the requested resource") } ?? true)
    }

    /// Whether it comes from etcd, or from a webhook that converts custom resources, whose errors an API server passes on without
    /// a reason: a change of its leader, say.
    private var isOfTheStore: Bool {
        [
            "etcdserver: ", "rpc error: code = Unavailable", "context deadline exceeded", "conversion webhook for ",
        ].contains { text in
            serverMessage?.contains(text) == true
        }
    }

    /// The webhook that lets nothing be rehearsed, where that is why the server refused.
    ///
    /// It says of itself, or does not say, that it has side effects, so that a server does not call it for a dry run.
    var webhookRefusingDryRuns: String? {
        guard status == 400, let text = serverMessage, text.contains("does not support dry run") else { return nil }
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        return parts.count >= 3 ? "webhook \(parts[1])" : "a webhook"
    }

    /// What to do about a webhook that lets nothing be rehearsed.
    static func dryRunAdvice(_ webhook: String) -> String {
        "\(webhook) refuses dry runs; give it sideEffects: None, or NoneOnDryRun"
    }

    /// Whether trying again later can help, nothing else being changed.
    ///
    /// The one 500 that stays is "failed to create typed patch object": so an API server answers an unknown or mistyped
    /// field under server-side apply. A 401 is not transient by itself, but an outage (``ServerOutage``): tokens are rotated.
    public var isTransient: Bool {
        switch code {
        case .noAnswer, .timeout, .invalidAnswer, .expired, .overloaded, .notReached: return true
        case .refused: break
        default: return false
        }
        switch status {
        case 408, 429, 502, 503, 504: return true
        case 500:
            if serverMessage?.contains("failed to create typed patch object") == true { return false }
            return serverMessage == nil || reason == "InternalError" || reason == "ServerTimeout" || isOfTheStore
        case 409:
            return reason == "Conflict" && !causes.contains { $0.reason == "FieldManagerConflict" }
        case 403:
            // A namespace on its way out will be gone, and can then be made again.
            return isNamespaceTerminating
        default: return false
        }
    }

    /// Whether nothing can be made in a namespace, since it is on its way out.
    var isNamespaceTerminating: Bool { causes.contains { $0.reason == "NamespaceTerminating" } }
}

extension KubernetesError: CustomStringConvertible {
    public var description: String { message }
}
