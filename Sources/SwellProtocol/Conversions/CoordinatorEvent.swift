package import SwellModel
internal import SwiftProtobuf

/// What the coordinator said, checked.
package enum CoordinatorEvent: Sendable, Hashable {
    case welcome(SessionWelcome)
    /// What should run; `resyncComplete` on the message that ends the first full list.
    case assignments([Assignment], resyncComplete: Bool)
    case reportsAcknowledged([UInt64])
    /// The session ends; come back after this time and jitter of your own.
    case retryLater(after: Interval, reason: String)
    /// The cluster's place, after it changed.
    case placement(Cluster)
    /// Say what applying a release would change.
    case previewRequested(PreviewQuestion)
}

/// The first message of the coordinator.
package struct SessionWelcome: Sendable, Hashable {
    /// Names the session in logs of both sides.
    package var sessionID: String
    /// How often the agent must be heard of.
    package var heartbeatInterval: Interval
    /// How long the agent gathers what is not urgent.
    package var reportInterval: Interval
    /// Where the cluster is: what rendering needs.
    package var placement: Cluster

    package init(sessionID: String, heartbeatInterval: Interval, reportInterval: Interval, placement: Cluster) {
        self.sessionID = sessionID
        self.heartbeatInterval = heartbeatInterval
        self.reportInterval = reportInterval
        self.placement = placement
    }
}

extension Swell_V1_CoordinatorMessage {
    /// The message for `event`. Split long lists of assignments first: see ``batches(of:resyncComplete:)``.
    package init(_ event: CoordinatorEvent) {
        self.init()
        switch event {
        case .welcome(let welcome):
            self.welcome = .with {
                $0.sessionID = welcome.sessionID
                $0.heartbeatInterval = welcome.heartbeatInterval.milliseconds
                $0.reportInterval = welcome.reportInterval.milliseconds
                $0.placement = Swell_V1_Placement(welcome.placement)
            }
        case .assignments(let list, let resyncComplete):
            self.assignments = .with {
                $0.assignments = list.map { Swell_V1_Assignment($0) }
                $0.resyncComplete = resyncComplete
            }
        case .reportsAcknowledged(let ids):
            self.reportsAcknowledged = .with { $0.reportIds = ids }
        case .retryLater(let after, let reason):
            self.retryLater = .with {
                $0.after = after.milliseconds
                $0.reason = trimmed(reason, limit: WireLimits.wordLength / 4)
            }
        case .placement(let cluster):
            self.placement = Swell_V1_Placement(cluster)
        case .previewRequested(let question):
            self.previewRequest = Swell_V1_PreviewRequest(question)
        }
    }

    /// The messages that carry `assignments`, each small enough; the last one says whether the resync is complete.
    package static func batches(of assignments: [Assignment], resyncComplete: Bool) -> [Swell_V1_CoordinatorMessage] {
        var messages: [Swell_V1_CoordinatorMessage] = []
        var rest = assignments[...]
        repeat {
            let batch = rest.prefix(WireLimits.assignmentsPerMessage)
            rest = rest.dropFirst(batch.count)
            messages.append(.init(.assignments(Array(batch), resyncComplete: resyncComplete && rest.isEmpty)))
        } while !rest.isEmpty
        return messages
    }
}

extension CoordinatorEvent {
    /// What `message` says to the agent of `cluster`, checked.
    package init(_ message: Swell_V1_CoordinatorMessage, cluster: ClusterName) throws(WireError) {
        switch message.kind {
        case .welcome(let welcome):
            guard welcome.hasPlacement else {
                throw WireError(.missingField, at: "welcome.placement", "expected the cluster's place")
            }
            self = .welcome(
                SessionWelcome(
                    sessionID: try checkedWord(welcome.sessionID, at: "welcome.session_id"),
                    heartbeatInterval: try Self.pace(welcome.heartbeatInterval, at: "welcome.heartbeat_interval"),
                    reportInterval: try checkedInterval(welcome.reportInterval, at: "welcome.report_interval"),
                    placement: try Cluster(welcome.placement, of: cluster, at: "welcome.placement")))
        case .assignments(let list):
            self = .assignments(
                try Self.assignments(list.assignments, cluster: cluster), resyncComplete: list.resyncComplete)
        case .reportsAcknowledged(let list):
            try checkCount(list.reportIds.count, limit: WireLimits.applications, at: "reports_acknowledged.report_ids")
            self = .reportsAcknowledged(list.reportIds)
        case .retryLater(let later):
            self = .retryLater(
                after: try checkedInterval(later.after, at: "retry_later.after"),
                reason: try checkedWord(later.reason, required: false, at: "retry_later.reason"))
        case .placement(let placement):
            self = .placement(try Cluster(placement, of: cluster, at: "placement"))
        case .previewRequest(let request):
            self = .previewRequested(try PreviewQuestion(request, at: "preview_request"))
        case nil: throw WireError(.missingField, at: "kind", "the message says nothing known here")
        }
    }

    /// An interval that something repeats at: not so short that it would be a busy loop.
    private static func pace(_ milliseconds: Int64, at path: String) throws(WireError) -> Interval {
        guard milliseconds >= 100 else {
            throw WireError(.invalidValue, at: path, "\(milliseconds) ms: expected at least 100 ms")
        }
        return try checkedInterval(milliseconds, at: path)
    }

    private static func assignments(
        _ messages: [Swell_V1_Assignment], cluster: ClusterName
    ) throws(WireError) -> [Assignment] {
        let path = "assignments.assignments"
        try checkCount(messages.count, limit: WireLimits.applications, at: path)
        var seen: Set<ApplicationName> = []
        var list: [Assignment] = []
        for (index, message) in messages.enumerated() {
            let assignment = try Assignment(message, cluster: cluster, at: "\(path)[\(index)]")
            guard seen.insert(assignment.application).inserted else {
                throw WireError(
                    .invalidValue, at: "\(path)[\(index)].application",
                    "\(assignment.application) is in the list already")
            }
            list.append(assignment)
        }
        return list
    }
}

extension Swell_V1_Placement {
    init(_ place: Cluster) {
        self.init()
        cluster = place.name.rawValue
        region = place.region.rawValue
        environment = place.environment.rawValue
        labels = place.labels
    }
}

extension Cluster {
    init(_ placement: Swell_V1_Placement, of cluster: ClusterName, at path: String) throws(WireError) {
        let name: ClusterName = try checkedName(placement.cluster, at: "\(path).cluster")
        guard name == cluster else {
            throw WireError(.invalidValue, at: "\(path).cluster", "'\(name)' is not this cluster, '\(cluster)'")
        }
        try checkCount(placement.labels.count, limit: WireLimits.labels, at: "\(path).labels")
        for (key, value) in placement.labels {
            _ = try checkedWord(key, at: "\(path).labels")
            _ = try checkedWord(value, required: false, at: "\(path).labels.\(key)")
        }
        self.init(
            name: name, region: try checkedName(placement.region, at: "\(path).region"),
            environment: try checkedName(placement.environment, at: "\(path).environment"), labels: placement.labels)
    }
}
