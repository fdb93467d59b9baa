internal import SwellModel

/// Keeps strangers from making the coordinator work: the enrolment port checks signatures and asks the store for anybody.
actor EnrolmentLimit {
    /// Of one address; many agents may come from behind one.
    private var addresses = RateLimit<String>(burst: 40, interval: .milliseconds(200))
    /// Of everybody together.
    private var everybody = RateLimit<Int>(burst: 400, interval: .milliseconds(10))

    /// Whether the peer, as gRPC describes it (`ipv4:192.0.2.7:4711`), may ask now.
    func admits(peer: String, at now: Timestamp) -> Bool {
        addresses.admits(Self.address(of: peer), at: now) && everybody.admits(0, at: now)
    }

    /// The peer without its port.
    static func address(of peer: String) -> String { peer.lastIndex(of: ":").map { String(peer[..<$0]) } ?? peer }
}
