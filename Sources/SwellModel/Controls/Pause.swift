/// A pause: who ordered it, when and why.
public struct Pause: Sendable, Hashable, Codable {
    public var by: String
    public var at: Timestamp
    public var reason: String?

    public init(by: String, at: Timestamp, reason: String? = nil) {
        self.by = by
        self.at = at
        self.reason = reason
    }
}
