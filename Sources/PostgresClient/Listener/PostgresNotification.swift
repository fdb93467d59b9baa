/// What somebody told a channel by NOTIFY.
public struct PostgresNotification: Sendable, Hashable {
    /// The channel.
    public let channel: String
    /// The text that came with it; may be empty.
    public let payload: String
    /// The server's process of who told.
    public let backendProcess: Int32
}
