public import SwellModel

/// Who is connected to a replica and who was seen, until it is written: the one source of both, so that a late word never undoes a
/// newer one. What a write could not bring into the store is due again.
///
/// Bounded: a few entries a cluster, one batch under way, ``Settings/connectionLimit`` connections in it.
public struct PresenceLedger: Sendable {
    /// How often, and how much at once.
    public struct Settings: Sendable, Hashable {
        /// How often who was seen is written.
        public var interval: Interval = .milliseconds(1_500)
        /// How often an agent must be heard of.
        public var heartbeat: Interval = RolloutPolicy.agentHeartbeat
        /// Connections in one batch; the rest follows with the next, at once.
        public var connectionLimit = 256

        public init() {}
    }

    /// What to write about an agent's connection.
    public struct Connection: Sendable, Hashable {
        public var cluster: ClusterName
        public var agentVersion: String
        public var isConnected: Bool

        public init(cluster: ClusterName, agentVersion: String, isConnected: Bool) {
            self.cluster = cluster
            self.agentVersion = agentVersion
            self.isConnected = isConnected
        }
    }

    /// One write.
    public struct Batch: Sendable, Hashable {
        /// Whether what an earlier life of the replica left is cleared first.
        public var clearsConnections: Bool
        /// In the order of names.
        public var connections: [Connection]
        /// Nil where only connections are written. By cluster, how long ago it was seen; where it is empty the store is asked for a
        /// word all the same, since its silence must be noticed.
        public var seen: [ClusterName: Interval]?
        /// Of those that were seen, the ones that are connected here, in the order of names.
        public var heard: [ClusterName] = []
        fileprivate var sightings: [ClusterName: Tick] = [:]
    }

    /// What became of a batch.
    public enum Outcome: Sendable, Hashable {
        case written
        /// Not, or not known to be. All of it is due again: whatever is written twice is true twice.
        case failed
    }

    private let settings: Settings
    private var gate: PresenceGate
    private var isCleared = false
    private var connections: [ClusterName: Connection] = [:]
    private var seen: [ClusterName: Tick] = [:]
    /// Whose latest word is that it is connected.
    private var present: Set<ClusterName> = []
    private var underWay: Batch?
    private var touchedAt: Tick?

    public init(_ settings: Settings = Settings()) {
        self.settings = settings
        self.gate = PresenceGate(heartbeat: settings.heartbeat)
    }

    /// The latest word on a cluster's connection. It replaces one that was not written yet.
    public mutating func note(_ connection: Connection) {
        connections[connection.cluster] = connection
        if connection.isConnected { present.insert(connection.cluster) } else { present.remove(connection.cluster) }
    }

    /// The agent of a cluster said something.
    public mutating func see(_ cluster: ClusterName, at now: Tick) { seen[cluster] = max(seen[cluster] ?? now, now) }

    /// What to write now; nil where nothing is due, or a batch is under way. To be answered by ``answered(_:_:now:)``.
    public mutating func batch(now: Tick) -> Batch? {
        guard underWay == nil else { return nil }
        let isTouchDue = touchedAt.map { now - $0 >= settings.interval } ?? true
        guard isTouchDue || !connections.isEmpty || !isCleared else { return nil }
        var batch = Batch(clearsConnections: !isCleared, connections: [], seen: nil)
        batch.connections = connections.keys.sorted().prefix(settings.connectionLimit).compactMap { connections[$0] }
        for connection in batch.connections { connections[connection.cluster] = nil }
        if isTouchDue {
            touchedAt = now
            batch.sightings = seen
            batch.seen = seen.mapValues { max(.zero, now - $0) }
            batch.heard = seen.keys.filter(present.contains).sorted()
            seen = [:]
        }
        underWay = batch
        return batch
    }

    /// How long until who was seen is to be written again; zero where it is.
    public func untilDue(now: Tick) -> Interval {
        guard let touchedAt else { return .zero }
        return max(.zero, min(settings.interval, touchedAt + settings.interval - now))
    }

    /// Says what became of a batch.
    public mutating func answered(_ batch: Batch, _ outcome: Outcome, now: Tick) {
        guard underWay == batch else { return }
        underWay = nil
        switch outcome {
        case .written:
            isCleared = true
            if batch.seen != nil { gate.written(at: now) }
        case .failed:
            for connection in batch.connections where connections[connection.cluster] == nil {
                connections[connection.cluster] = connection
            }
            seen.merge(batch.sightings) { max($0, $1) }
        }
    }

    /// Whether the silence of agents, as the store has it, may be believed; see ``PresenceGate``.
    public func isTrustworthy(now: Tick) -> Bool { gate.isTrustworthy(now: now) }

    /// The store did not answer; see ``PresenceGate/storeFailed()``.
    public mutating func storeFailed() { gate.storeFailed() }

    /// Whether a decision may be made now; see ``PresenceGate/mayDecide(now:)``.
    public mutating func mayDecide(now: Tick) -> Bool { gate.mayDecide(now: now) }
}
