package import SwellModel
internal import SwiftProtobuf

/// What an agent said, checked.
package enum AgentEvent: Sendable, Hashable {
    case hello(AgentHello)
    /// A report to be acknowledged by its id once it is stored.
    case report(id: UInt64, [ApplicationReport])
    case heartbeat(sequence: UInt64)
    case acknowledged([AcknowledgedAssignment])
    case contentLacking(application: ApplicationName, generation: Int64, digests: [ContentDigest])
    /// A piece of the answer to a preview.
    case previewPart(PreviewPart)
}

/// The first message of an agent: who comes, and what it runs.
package struct AgentHello: Sendable, Hashable {
    package var agentVersion: String
    /// The uid of the cluster's kube-system namespace.
    package var clusterUID: String
    /// A new one at each start of the agent.
    package var bootID: String
    /// What the agent runs or works on.
    package var journal: [ApplicationReport]
    /// The highest epoch that the agent has seen.
    package var highestEpoch: Int64
    /// What the agent can do beyond the first version of the protocol.
    package var capabilities: Set<String>

    package init(
        agentVersion: String, clusterUID: String, bootID: String, journal: [ApplicationReport], highestEpoch: Int64,
        capabilities: Set<String> = []
    ) {
        self.agentVersion = agentVersion
        self.clusterUID = clusterUID
        self.bootID = bootID
        self.journal = journal
        self.highestEpoch = highestEpoch
        self.capabilities = capabilities
    }
}

/// An assignment that an agent has written into its journal.
package struct AcknowledgedAssignment: Sendable, Hashable {
    package var application: ApplicationName
    package var generation: Int64
    package var epoch: Int64

    package init(application: ApplicationName, generation: Int64, epoch: Int64) {
        self.application = application
        self.generation = generation
        self.epoch = epoch
    }
}

extension Swell_V1_AgentMessage {
    /// The message for `event`. `observedAt` is the agent's clock, for information alone.
    package init(_ event: AgentEvent, observedAt: Timestamp? = nil) {
        self.init()
        switch event {
        case .hello(let hello):
            self.hello = .with {
                $0.agentVersion = hello.agentVersion
                $0.clusterUid = hello.clusterUID
                $0.bootID = hello.bootID
                $0.journal = hello.journal.map { Swell_V1_ApplicationStatus($0) }
                $0.highestEpoch = hello.highestEpoch
                $0.capabilities = hello.capabilities.sorted()
            }
        case .report(let id, let reports):
            self.statusReport = .with {
                $0.reportID = id
                $0.statuses = reports.map { Swell_V1_ApplicationStatus($0, observedAt: observedAt) }
            }
        case .heartbeat(let sequence):
            self.heartbeat = .with { $0.sequence = sequence }
        case .acknowledged(let assignments):
            self.assignmentsAcknowledged = .with {
                $0.assignments = assignments.map { assignment in
                    .with {
                        $0.application = assignment.application.rawValue
                        $0.generation = assignment.generation
                        $0.epoch = assignment.epoch
                    }
                }
            }
        case .contentLacking(let application, let generation, let digests):
            self.contentLacking = .with {
                $0.application = application.rawValue
                $0.generation = generation
                $0.digests = digests.map(\.rawValue)
            }
        case .previewPart(let part):
            self.previewPart = Swell_V1_PreviewPart(part)
        }
    }
}

extension AgentEvent {
    /// What `message` says, checked.
    package init(_ message: Swell_V1_AgentMessage) throws(WireError) {
        switch message.kind {
        case .hello(let hello): self = .hello(try AgentHello(hello))
        case .statusReport(let report):
            self = .report(
                id: report.reportID, try checkedReports(report.statuses, at: "status_report.statuses"))
        case .heartbeat(let heartbeat): self = .heartbeat(sequence: heartbeat.sequence)
        case .assignmentsAcknowledged(let list):
            self = .acknowledged(try Self.acknowledged(list.assignments, at: "assignments_acknowledged.assignments"))
        case .contentLacking(let lacking):
            self = .contentLacking(
                application: try checkedName(lacking.application, at: "content_lacking.application"),
                generation: try checkedOrdinal(lacking.generation, from: 1, at: "content_lacking.generation"),
                digests: try checkedDigests(lacking.digests, at: "content_lacking.digests"))
        case .previewPart(let part): self = .previewPart(try PreviewPart(part, at: "preview_part"))
        case nil: throw WireError(.missingField, at: "kind", "the message says nothing known here")
        }
    }

    private static func acknowledged(
        _ messages: [Swell_V1_AcknowledgedAssignment], at path: String
    ) throws(WireError) -> [AcknowledgedAssignment] {
        try checkCount(messages.count, limit: WireLimits.applications, at: path)
        var list: [AcknowledgedAssignment] = []
        for (index, message) in messages.enumerated() {
            let path = "\(path)[\(index)]"
            list.append(
                AcknowledgedAssignment(
                    application: try checkedName(message.application, at: "\(path).application"),
                    generation: try checkedOrdinal(message.generation, from: 1, at: "\(path).generation"),
                    epoch: try checkedOrdinal(message.epoch, at: "\(path).epoch")))
        }
        return list
    }
}

extension AgentHello {
    init(_ hello: Swell_V1_Hello) throws(WireError) {
        try checkCount(hello.capabilities.count, limit: WireLimits.capabilities, at: "hello.capabilities")
        var capabilities: Set<String> = []
        for (index, word) in hello.capabilities.enumerated() {
            capabilities.insert(try checkedWord(word, at: "hello.capabilities[\(index)]"))
        }
        self.init(
            agentVersion: try checkedWord(hello.agentVersion, at: "hello.agent_version"),
            clusterUID: try checkedWord(hello.clusterUid, at: "hello.cluster_uid"),
            bootID: try checkedWord(hello.bootID, at: "hello.boot_id"),
            journal: try checkedReports(hello.journal, at: "hello.journal"),
            highestEpoch: try checkedOrdinal(hello.highestEpoch, at: "hello.highest_epoch"),
            capabilities: capabilities)
    }
}

/// The digests of a list, none of them twice.
package func checkedDigests(_ texts: [String], at path: String) throws(WireError) -> [ContentDigest] {
    try checkCount(texts.count, limit: WireLimits.digestsPerFetch, at: path)
    guard !texts.isEmpty else { throw WireError(.missingField, at: path, "expected at least one digest") }
    var seen: Set<ContentDigest> = []
    var digests: [ContentDigest] = []
    for (index, text) in texts.enumerated() {
        let digest = try checkedDigest(text, at: "\(path)[\(index)]")
        guard seen.insert(digest).inserted else {
            throw WireError(.invalidValue, at: "\(path)[\(index)]", "\(digest.short) is in the list already")
        }
        digests.append(digest)
    }
    return digests
}
