internal import AsyncSupport
internal import Logging
internal import Metrics
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
    /// When the agent was last heard of.
    var heardAt: Timestamp
}

/// The sessions of this replica by cluster, at most one each: the newest wins.
///
/// It holds references and decides nothing about rollouts. What is said to agents goes through mailboxes, what is noted
/// about them is gathered here and written by `PresenceWriter`, so that a session never waits for another.
actor SessionHub {
    /// What to write about an agent's connection.
    struct Presence: Sendable, Hashable {
        let cluster: ClusterName
        let agentVersion: String
        let isConnected: Bool
    }

    private var sessions: [ClusterName: SessionEntry] = [:]
    private var boots: [ClusterName: BootHistory] = [:]
    /// The latest word on each cluster's connection that was not written yet.
    private var presence: [ClusterName: Presence] = [:]
    private var heard: Set<ClusterName> = []
    /// The clusters here whose sessions were asked for previews.
    private var asked: Set<ClusterName> = []
    private let presenceChanged: Signal
    private let logger: Logger
    private let sessionGauge = Gauge(label: "swell_agent_sessions")
    private let sent = Counter(label: "swell_assignments_sent_total")

    init(presenceChanged: Signal, logger: Logger) {
        self.presenceChanged = presenceChanged
        self.logger = logger
    }

    /// How many sessions there are.
    var count: Int { sessions.count }

    /// Whether one more session of `cluster` stays within `limit`: one that replaces another does.
    func hasRoom(for cluster: ClusterName, within limit: Int) -> Bool {
        sessions.count < limit || sessions[cluster] != nil
    }

    /// Enters a session; the cluster's earlier one, if any, is ended.
    func enter(_ entry: SessionEntry) {
        let cluster = entry.caller.cluster
        let isSecondAgent = boots[cluster, default: BootHistory()].note(entry.bootID)
        let earlier = sessions.updateValue(entry, forKey: cluster)
        sessionGauge.record(sessions.count)
        // Two agents must not chase each other in and out at speed.
        earlier?.mailbox.end(after: isSecondAgent ? .minutes(1) : .seconds(5), reason: "a newer session took over")
        note(Presence(cluster: cluster, agentVersion: entry.agentVersion, isConnected: true))
        if isSecondAgent {
            logger.warning(
                "two agents take turns under the name of one cluster; was it cloned?",
                metadata: [
                    "cluster": "\(cluster)", "boot": "\(entry.bootID)", "other": "\(earlier?.bootID ?? "gone")",
                    "serial": "\(entry.caller.serial)", "otherSerial": "\(earlier?.caller.serial ?? "gone")",
                ])
        }
        logger.info(
            earlier == nil ? "agent connected" : "agent connected, its earlier session ends",
            metadata: [
                "cluster": "\(cluster)", "session": "\(entry.id)", "version": "\(entry.agentVersion)",
                "serial": "\(entry.caller.serial)", "boot": "\(entry.bootID)",
            ])
    }

    /// A session has ended. One that was replaced changes nothing.
    func leave(_ cluster: ClusterName, session: String, reason: String) {
        guard let entry = sessions[cluster], entry.id == session else { return }
        sessions[cluster] = nil
        sessionGauge.record(sessions.count)
        note(Presence(cluster: cluster, agentVersion: entry.agentVersion, isConnected: false))
        logger.info(
            "agent disconnected",
            metadata: ["cluster": "\(cluster)", "session": "\(session)", "reason": "\(reason)"])
    }

    /// The agent of a session said something.
    func heard(from cluster: ClusterName, session: String, at now: Timestamp) {
        guard sessions[cluster]?.id == session else { return }
        sessions[cluster]?.heardAt = now
        heard.insert(cluster)
    }

    // MARK: What others bring

    /// Hands assignments to the sessions of their clusters.
    func deliver(_ assignments: [Assignment]) {
        for (cluster, list) in Dictionary(grouping: assignments, by: \.cluster) {
            guard let entry = sessions[cluster] else { continue }
            for assignment in entry.mailbox.update({ $0.assign(list) }) {
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

    /// The serial numbers of the certificates in use.
    var serials: [String] { sessions.values.map(\.caller.serial) }

    /// Ends the sessions of these certificates.
    func end(denied serials: Set<String>) {
        for entry in sessions.values where serials.contains(entry.caller.serial) {
            entry.mailbox.end(after: .minutes(1), reason: "the certificate was denied")
        }
    }

    /// Ends the sessions whose certificates are not valid any more.
    func end(expiredAt now: Timestamp) {
        for entry in sessions.values where entry.caller.notValidAfter <= now {
            entry.mailbox.end(after: .zero, reason: "the certificate has expired")
        }
    }

    /// Ends the sessions whose agents were not heard of since `moment`, though their connections live.
    func end(silentSince moment: Timestamp) {
        for entry in sessions.values where entry.heardAt < moment {
            entry.mailbox.end(after: .seconds(1), reason: "no heartbeat came")
        }
    }

    // MARK: What is written about agents

    private func note(_ word: Presence) {
        presence[word.cluster] = word
        presenceChanged.send()
    }

    /// Takes out what is to be written about connections.
    func takePresence() -> [Presence] {
        defer { presence = [:] }
        return Array(presence.values)
    }

    /// Puts back what could not be written, unless there is a later word.
    func putBack(_ words: [Presence]) {
        for word in words where presence[word.cluster] == nil { presence[word.cluster] = word }
    }

    /// Every connection is to be written again.
    func repeatPresence() {
        for (cluster, entry) in sessions {
            presence[cluster] = Presence(cluster: cluster, agentVersion: entry.agentVersion, isConnected: true)
        }
    }

    /// Takes out who was heard of since the last time.
    func takeHeard() -> [ClusterName] {
        defer { heard = [] }
        return Array(heard)
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
