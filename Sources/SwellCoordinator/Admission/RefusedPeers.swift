internal import Metrics

/// Counts who was not let in, by the word for why: a few words of our own, never a peer's.
struct RefusedPeers: Sendable {
    /// The words on calls: each is there from the start, since a rate knows nothing of a count that begins with its first event.
    static let words = [
        "expired", "revoked", "superseded", "unknown", "not_in_fleet", "other_cluster", "second_name", "token",
        "untrusted",
    ]

    init() { for word in Self.words { count(word, 0) } }

    func increment(of reason: String) { count(reason, 1) }

    private func count(_ reason: String, _ number: Int) {
        Counter(label: "swell_agents_refused_total", dimensions: [("reason", reason)]).increment(by: number)
    }
}
