internal import PortGuard
internal import SwellModel

/// Keeps strangers from making the coordinator work: the enrolment port checks signatures and asks the store for anybody.
///
/// Of each address so many may ask. What all of them together may do is spent only by failures: who has a token that is known costs the
/// others nothing, and a flood of made-up ones cannot shut the port for long, since each address has its own allowance first.
actor EnrolmentLimit {
    /// Of one address; many agents may come from behind one.
    private var addresses = RateLimit<AddressBlock>(burst: 40, interval: .milliseconds(200))
    /// Failures of everybody together.
    private var failures = RateLimit<Int>(burst: 400, interval: .milliseconds(10))

    /// Whether the peer, as gRPC describes it (`ipv4:192.0.2.7:4711`), may ask now.
    func admits(peer: String, at now: Timestamp) -> Bool {
        failures.wouldAdmit(0, at: now) && addresses.admits(AddressBlock(peer: peer), at: now)
    }

    /// Notes that somebody asked without a token that is known.
    func noteFailure(at now: Timestamp) { _ = failures.admits(0, at: now) }
}
