public import SwellModel

/// The leases that a replica holds, as far as it knows. Only a permission to try: each decision checks its lease again in its own
/// transaction (invariant 9). Bounded by the rollouts that are active.
///
/// What it believes ends by itself: a lease whose claim or last renewal was sent longer ago than it lives is not used any more,
/// whatever became of renewing it, so that a replica which stood still begins with a new claim and a new epoch.
public struct LeaseTable: Sendable {
    /// How long a lease lasts unless renewed.
    public let lifetime: Interval

    /// What to do.
    public enum Step: Sendable, Hashable {
        /// Claim the lease of this name.
        case claim(String)
        /// Renew all that is held: here by name, with the epochs.
        case renew([String: Int64])
    }

    /// What became of a step.
    public enum Outcome: Sendable, Hashable {
        /// Nil: another replica holds it.
        case claimed(Lease?)
        /// What was renewed, and the names of what is still held and was not: something is committed under it at the moment.
        case renewed([Lease], busy: Set<String> = [])
        /// Not done, or not known to be. A claim that was made all the same is found to be ours by the next.
        case failed
    }

    private struct Held {
        var lease: Lease
        /// When the step that last confirmed it was sent.
        var confirmedAt: Tick
    }

    private var held: [String: Held] = [:]
    private var renewalSentAt: Tick?

    public init(lifetime: Interval = .seconds(6)) { self.lifetime = lifetime }

    /// The name of the lease on a rollout.
    public static func name(of rollout: RolloutName) -> String { "rollout/\(rollout)" }

    /// How often what is held is renewed: three renewals may fail before a lease runs out.
    public var renewEvery: Interval { Interval(milliseconds: lifetime.milliseconds / 4) }

    /// The lease of this name to decide under; nil where it is to be claimed first.
    public func lease(_ name: String, now: Tick) -> Lease? {
        guard let entry = held[name], now - entry.confirmedAt < lifetime else { return nil }
        return entry.lease
    }

    /// What is believed to be held.
    public var leases: [Lease] { held.values.map(\.lease).sorted { $0.name < $1.name } }

    /// What is due; nil for nothing. To be answered by ``answered(_:_:sentAt:)``.
    public mutating func due(now: Tick) -> Step? {
        guard !held.isEmpty, renewalSentAt.map({ now - $0 >= renewEvery }) ?? true else { return nil }
        renewalSentAt = now
        return .renew(held.mapValues(\.lease.epoch))
    }

    /// Says what became of a step that was sent at this moment; returns what turned out to be lost.
    public mutating func answered(_ step: Step, _ outcome: Outcome, sentAt: Tick) -> [Lease] {
        switch (step, outcome) {
        case (.claim(let name), .claimed(let lease)):
            if renewalSentAt == nil { renewalSentAt = sentAt }
            guard let lease else { return drop(name).map { [$0] } ?? [] }
            held[name] = Held(lease: lease, confirmedAt: sentAt)
            return []
        case (.renew(let epochs), .renewed(let leases, let busy)):
            let still = Dictionary(leases.map { ($0.name, $0) }) { first, _ in first }
            var lost: [Lease] = []
            // What was claimed after the renewal was sent is none of its business.
            for (name, epoch) in epochs.sorted(by: { $0.key < $1.key }) where held[name]?.lease.epoch == epoch {
                if let lease = still[name], lease.epoch == epoch {
                    held[name] = Held(lease: lease, confirmedAt: sentAt)
                } else if still[name] == nil, busy.contains(name) {
                    // It lives on as it was, and is renewed the next time.
                    continue
                } else if let lease = drop(name) {
                    lost.append(lease)
                }
            }
            return lost
        case (_, .failed): return []
        case (.claim, .renewed), (.renew, .claimed):
            assertionFailure("\(outcome) is no answer to \(step)")
            return []
        }
    }

    /// Forgets a lease: it was found lost, or is to be given back by the caller.
    @discardableResult
    public mutating func drop(_ name: String) -> Lease? { held.removeValue(forKey: name)?.lease }

    /// Forgets everything.
    public mutating func dropAll() { held = [:] }
}
