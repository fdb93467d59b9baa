internal import Metrics

/// Counts who was not let in, by the word for why: a few words of our own, never a peer's.
struct RefusedPeers: Sendable {
    func increment(of reason: String) {
        Counter(label: "swell_agents_refused_total", dimensions: [("reason", reason)]).increment()
    }
}
