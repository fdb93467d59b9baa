/// A question to one cluster's agent: what would applying this release change there?
public struct PreviewRequest: Sendable, Hashable, Codable {
    public var id: Int64
    public var cluster: ClusterName
    public var application: ApplicationName
    public var release: ReleaseReference
    /// How much longer an answer is waited for, by the database's clock.
    public var timeLimit: Interval

    public init(
        id: Int64, cluster: ClusterName, application: ApplicationName, release: ReleaseReference, timeLimit: Interval
    ) {
        self.id = id
        self.cluster = cluster
        self.application = application
        self.release = release
        self.timeLimit = timeLimit
    }
}

/// What an agent answers: by its API server's own dry run, within ``ChangeLimits/preview``, values of Secrets hidden.
public struct PreviewAnswer: Sendable, Hashable, Codable {
    /// In the order in which they would be applied.
    public var objects: [ObjectChange]
    /// How many objects would stay as they are.
    public var unchanged: Int
    /// How many more objects would change.
    public var omitted: Int
    /// Why the release could not be previewed at all; then there are no objects.
    public var failure: PreviewFailure?

    public init(
        objects: [ObjectChange] = [], unchanged: Int = 0, omitted: Int = 0, failure: PreviewFailure? = nil
    ) {
        self.objects = objects
        self.unchanged = unchanged
        self.omitted = omitted
        self.failure = failure
    }

    /// An answer that says why there is none.
    public static func failed(_ reason: String, _ message: String) -> PreviewAnswer {
        PreviewAnswer(
            failure: PreviewFailure(
                reason: reason, message: ChangeLimits.cut(message, to: ChangeLimits.messageLength)))
    }
}

/// Why a release could not be previewed on a cluster.
public struct PreviewFailure: Sendable, Hashable, Codable {
    /// A short code, such as `Busy` or `ContentUnavailable`.
    public var reason: String
    /// For people.
    public var message: String

    public init(reason: String, message: String) {
        self.reason = reason
        self.message = message
    }
}
