/// Which starts of a cluster's agent were seen. Pure.
///
/// An agent that restarts has a new boot id and never an old one again. An id that returns after another took over
/// belongs to a second agent with the same certificate: a cluster, or a volume, that was cloned.
struct BootHistory: Sendable {
    /// How many are remembered.
    static let limit = 8
    private var boots: [String] = []

    /// Notes the boot id of a new session; returns whether it shows that there are two agents.
    mutating func note(_ boot: String) -> Bool {
        if boots.last == boot { return false }
        let isBack = boots.contains(boot)
        boots.removeAll { $0 == boot }
        boots.append(boot)
        if boots.count > Self.limit { boots.removeFirst() }
        return isBack
    }
}
