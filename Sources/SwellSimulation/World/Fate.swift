internal import SwellEngine
internal import SwellModel

/// How a release does on a cluster.
enum Fate: Hashable {
    case healthy(after: Interval)
    case failed(after: Interval)
    case stuck
    /// Healthy, and degraded for some seconds in each minute.
    case flapping
    /// Said to be healthy from the first moment, since it is the former release's health that is seen; then `then`.
    case stale(until: Interval, healthyAfter: Interval?)

    /// Decided by the world's seed, the release and the cluster alone.
    static func of(_ digest: ContentDigest, isFirst: Bool, on cluster: ClusterName, settings: WorldSettings) -> Fate {
        var hash: UInt64 = settings.seed
        for byte in (digest.rawValue + cluster.rawValue).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var random = SeededRandom(seed: hash)
        let delay = Interval.seconds(random.number(1...25))
        let roll = random.number(0...99)
        // The first release is good everywhere; of the others, one in four is bad, on about a third of the clusters.
        guard !isFirst else { return .healthy(after: delay) }
        var release = SeededRandom(seed: settings.seed ^ digest.rawValue.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
        if settings.faults.contains(.badRelease), release.chance(250) {
            if roll < 20 { return .failed(after: delay) }
            if roll < 35 { return .stuck }
        }
        if settings.faults.contains(.flapping), roll >= 92 { return .flapping }
        if settings.faults.contains(.lying), (84..<92).contains(roll) {
            return .stale(
                until: .seconds(random.number(1...40)),
                healthyAfter: random.chance(600) ? .seconds(random.number(20...60)) : nil)
        }
        return .healthy(after: delay)
    }

    /// What is seen this long after applying.
    func health(_ age: Interval, isCalm: Bool) -> Health {
        switch self {
        case .healthy(let delay): return age < delay ? .progressing : .healthy
        case .failed(let delay): return age < delay ? .progressing : .failed
        case .stuck: return .progressing
        case .flapping: return isCalm || age.milliseconds % 90_000 < 75_000 ? .healthy : .degraded
        case .stale(let lie, let delay):
            if age < lie { return .healthy }
            return delay.map { age < $0 ? .progressing : .healthy } ?? .failed
        }
    }

    /// Which fault it plays, if any.
    var fault: Fault? {
        switch self {
        case .healthy: nil
        case .failed, .stuck: .badRelease
        case .flapping: .flapping
        case .stale: .lying
        }
    }
}
