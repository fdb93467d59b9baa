internal import PortGuard
internal import SwellModel

/// Keeps strangers from making the coordinator work: the enrolment port checks signatures and asks the store for anybody.
///
/// Of each address so many may ask. What all of them together may do is spent only by tokens that the store does not know: who has one
/// that is known costs the others nothing. Where it is spent, only holders of tokens that are known get to the store, by a list of them
/// that is read once a second at most: so strangers from however many addresses shut nobody out.
actor EnrolmentLimit {
    /// How old the list of known tokens may be.
    private static let listAge: Interval = .seconds(1)

    /// Of one address; many agents may come from behind one.
    private var addresses = RateLimit<AddressBlock>(burst: 40, interval: .milliseconds(200))
    /// Failures of everybody together.
    private var failures = RateLimit<Int>(burst: 400, interval: .milliseconds(10))
    private let knownTokens: @Sendable () async throws -> Set<String>
    private var known: Set<String> = []
    private var readAt: Timestamp?
    private var reading: Task<Set<String>, any Error>?

    /// - Parameter knownTokens: The ids of the tokens that the store knows, each the beginning of its hash.
    init(knownTokens: @escaping @Sendable () async throws -> Set<String>) { self.knownTokens = knownTokens }

    /// Whether the peer, as gRPC describes it (`ipv4:192.0.2.7:4711`), may ask now.
    func admits(peer: String, at now: Timestamp) -> Bool { addresses.admits(AddressBlock(peer: peer), at: now) }

    /// Whether the store may be asked for a token, named by its id.
    func admits(token id: String, at now: Timestamp) async -> Bool {
        if failures.wouldAdmit(0, at: now) { return true }
        return await isKnown(id, at: now)
    }

    /// Notes that the store was asked for a token that it does not know.
    func noteFailure(at now: Timestamp) { _ = failures.admits(0, at: now) }

    private func isKnown(_ id: String, at now: Timestamp) async -> Bool {
        if known.contains(id) { return true }
        // All who come meanwhile wait for the same answer.
        if let reading { return (try? await reading.value)?.contains(id) ?? false }
        if let readAt, now - readAt < Self.listAge, now >= readAt { return false }
        readAt = now
        let task = Task { [knownTokens] in try await knownTokens() }
        reading = task
        let list = try? await task.value
        reading = nil
        if let list { known = list }
        return known.contains(id)
    }
}
