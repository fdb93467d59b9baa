internal import AsyncSupport
internal import Logging
internal import Metrics
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// One session, as others see it.
struct SessionEntry: Sendable {
    let id: String
    let caller: AgentCaller
    let bootID: String
    let agentVersion: String
    /// Whether the agent answers previews.
    let canPreview: Bool
    let mailbox: SessionMailbox
    var place: Cluster
}

/// The sessions of this replica by cluster, at most one each: the newest wins.
///
/// It holds references and decides nothing about rollouts. What is said to agents goes through mailboxes, what is noted
/// about them goes to `FleetPresence` and is written by `PresenceWriter`, so that a session never waits for another.
actor SessionHub {
    private var sessions: [ClusterName: SessionEntry] = [:]
    private var silence: SilenceWatch
    /// How often the feed saw the store go back to an earlier state.
    private(set) var term = 0
    private let presence: FleetPresence
    /// The clusters here whose sessions were asked for previews.
    private var asked: Set<ClusterName> = []
    private let presenceChanged: Signal
    private let logger: Logger
    private let log: PeerLog
    private let sessionGauge = Gauge(label: "swell_agent_sessions")
    /// Sessions of agents that take turns with another one that has the same certificate.
    private let turns = Counter(label: "swell_agents_sharing_certificate_total")
    private let sent = Counter(label: "swell_assignments_sent_total")

    init(presence: FleetPresence, silence: SilenceWatch, presenceChanged: Signal, logger: Logger, log: PeerLog) {
        self.presence = presence
        self.silence = silence
        self.presenceChanged = presenceChanged
        self.logger = logger
        self.log = log
    }

    /// How many sessions there are.
    var count: Int { sessions.count }

    /// Whether one more session of `cluster` stays within `limit`: one that replaces another does.
    func hasRoom(for cluster: ClusterName, within limit: Int) -> Bool {
        sessions.count < limit || sessions[cluster] != nil
    }

    /// Enters a session; the cluster's earlier one, if any, is ended. Returns the ``term`` from which it gets what changes.
    func enter(_ entry: SessionEntry, standing: StartStanding, now: Tick) -> Int {
        let cluster = entry.caller.cluster
        let isSecondAgent = standing != .sole
        if standing == .takesTurns { turns.increment() }
        let earlier = sessions.updateValue(entry, forKey: cluster)
        sessionGauge.record(sessions.count)
        earlier?.mailbox.endOvertaken(hasSecondAgent: isSecondAgent)
        silence.heard(cluster, at: now)
        note(cluster, entry.agentVersion, isConnected: true)
        if isSecondAgent {
            log.note(
                .secondAgent, of: cluster,
                [
                    "boot": "\(entry.bootID)", "other": "\(earlier?.bootID ?? "gone")",
                    "serial": "\(entry.caller.serial)", "otherSerial": "\(earlier?.caller.serial ?? "gone")",
                ])
        }
        var metadata: Logger.Metadata = [
            "session": "\(entry.id)", "version": "\(entry.agentVersion)", "serial": "\(entry.caller.serial)",
            "boot": "\(entry.bootID)",
        ]
        if let earlier { metadata["ends"] = "\(earlier.id)" }
        log.note(.connected, of: cluster, level: .info, metadata)
        return term
    }

    /// A session has ended. One that was replaced changes nothing.
    func leave(_ cluster: ClusterName, session: String, reason: String) {
        guard let entry = sessions[cluster], entry.id == session else { return }
        sessions[cluster] = nil
        sessionGauge.record(sessions.count)
        silence.ended(cluster)
        note(cluster, entry.agentVersion, isConnected: false)
        log.note(.disconnected, of: cluster, level: .info, ["session": "\(session)", "reason": "\(reason)"])
    }

    /// The agent of a session said something.
    func heard(from cluster: ClusterName, session: String, at now: Tick) {
        guard sessions[cluster]?.id == session else { return }
        silence.heard(cluster, at: now)
        presence.see(cluster)
    }

    // MARK: What others bring

    /// Hands what the store has to the sessions of its clusters.
    func deliver(_ changes: ChangeDelivery) {
        term = changes.moment.term
        for (cluster, list) in Dictionary(grouping: changes.assignments, by: \.cluster) {
            guard let entry = sessions[cluster] else { continue }
            let news = ChangeDelivery(moment: changes.moment, assignments: list)
            for assignment in entry.mailbox.update({ $0.assign(news) }) {
                sent.increment()
                logger.info("assignment goes to the agent", metadata: assignment.metadata)
            }
        }
    }

    /// Hands the open previews to the sessions of their clusters. Returns those that get no answer here, and why.
    func ask(_ open: [PreviewRequest]) -> [(preview: PreviewRequest, answer: PreviewAnswer)] {
        var refused: [(PreviewRequest, PreviewAnswer)] = []
        let byCluster = Dictionary(grouping: open, by: \.cluster)
        // What was asked before and is not open any more is withdrawn.
        for cluster in asked.union(byCluster.keys) {
            guard let entry = sessions[cluster] else { continue }
            let previews = byCluster[cluster] ?? []
            guard entry.canPreview else {
                refused += previews.map { preview in
                    (preview, .failed("Unsupported", "the agent, of version \(entry.agentVersion), has no previews"))
                }
                continue
            }
            for preview in entry.mailbox.update({ $0.ask(previews) }) {
                refused.append((preview, .failed("Busy", "too many previews wait for this agent")))
            }
        }
        asked = Set(byCluster.keys.filter { sessions[$0] != nil })
        return refused
    }

    /// Tells agents whose cluster moved, and ends the sessions of clusters that are not in the fleet any more.
    func settle(in places: [ClusterName: Cluster]) {
        for (cluster, entry) in sessions where places[cluster] != entry.place {
            if let place = places[cluster] {
                sessions[cluster]?.place = place
                entry.mailbox.update { $0.move(to: place) }
                logger.info("the cluster's new place goes to the agent", metadata: ["cluster": "\(cluster)"])
            } else {
                entry.mailbox.end(after: .minutes(1), reason: "the cluster is not in the fleet")
            }
        }
    }

    /// The clusters that have a session here.
    var clusters: [ClusterName] { Array(sessions.keys) }

    /// The certificates in use.
    var uses: Set<CertificateUse> { Set(sessions.values.map(\.caller.use)) }

    /// Ends the sessions of these certificates. Their agents may come back at once: they are told then what is wrong.
    func end(_ uses: Set<CertificateUse>) {
        for entry in sessions.values where uses.contains(entry.caller.use) {
            entry.mailbox.end(after: .seconds(1), reason: "the certificate does not count any more")
        }
    }

    /// The sessions here.
    var ids: [ClusterName: String] { sessions.mapValues(\.id) }

    /// Ends these sessions, if they are still here: newer ones of their clusters have begun at other replicas. Says of each whether two
    /// agents live there.
    func end(overtaken: [ClusterName: Bool], of ids: [ClusterName: String]) {
        for (cluster, hasSecondAgent) in overtaken {
            guard let entry = sessions[cluster], entry.id == ids[cluster] else { continue }
            entry.mailbox.endOvertaken(hasSecondAgent: hasSecondAgent)
        }
    }

    /// Ends every session, its agent to come again at some moment within so long.
    func endAll(within spread: Interval, chance: () -> Double) {
        for entry in sessions.values {
            let wait = Interval(milliseconds: Int64(Double(spread.milliseconds) * chance()))
            entry.mailbox.end(after: wait, reason: "the store went back to an earlier state")
        }
    }

    /// Ends the sessions whose certificates are not valid any more.
    func end(expiredAt now: Timestamp) {
        for entry in sessions.values where entry.caller.notValidAfter <= now {
            entry.mailbox.end(after: .zero, reason: "the certificate has expired")
        }
    }

    /// Ends the sessions whose agents were not heard of for too long, though their connections live.
    func endSilent(now: Tick) {
        for cluster in silence.silent(now: now) {
            sessions[cluster]?.mailbox.end(after: .seconds(1), reason: "no heartbeat came")
        }
    }

    private func note(_ cluster: ClusterName, _ agentVersion: String, isConnected: Bool) {
        presence.note(.init(cluster: cluster, agentVersion: agentVersion, isConnected: isConnected))
        presenceChanged.send()
    }
}

extension Assignment {
    var metadata: Logger.Metadata {
        [
            "cluster": "\(cluster)", "application": "\(application)", "generation": "\(generation)",
            "epoch": "\(epoch)", "rollout": "\(rollout)", "digest": "\(digest?.short ?? "none, removal")",
        ]
    }
}
