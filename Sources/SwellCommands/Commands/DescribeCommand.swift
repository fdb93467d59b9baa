internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

struct DescribeCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Show one thing with all that is known of it.")

    @Argument(
        help: "cluster, application, policy, rollout or region.",
        completion: .list(Resource.allCases.map(\.rawValue)), transform: Resource.named)
    var resource: Resource
    @Argument(help: "Its name.")
    var name: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        guard output.output == .table || output.output == .wide else {
            try await Listing(session: session, format: output.output).show(resource, name)
            return
        }
        switch resource {
        case .clusters: try await cluster(session)
        case .rollouts: try await rollout(session)
        case .releases, .regions: try await Listing(session: session, format: .wide).show(resource, name)
        case .applications, .policies:
            try await print(session.client.get("/v1/\(resource.rawValue)/\(segment(name))"), session)
        }
    }

    private func print(_ value: JSONValue, _ session: Session) async throws {
        session.terminal.data(value.yaml())
    }

    private func cluster(_ session: Session) async throws {
        let view = try await session.client.get("/v1/clusters/\(segment(name))", as: ClusterView.self)
        let now = Timestamp.onThisMachine
        let status = view.status
        var lines = [
            "Name:         \(view.metadata.name)", "Region:       \(view.spec.region)",
            "Environment:  \(view.spec.environment)",
            "Agent:        \(status.connection(at: now)), "
                + "last seen \(Ages.since(status.lastSeenAt, now: now)) ago, version \(status.agentVersion ?? "-")",
        ]
        if let moment = status.revokedAt {
            lines.append("Revoked:      at \(moment); 'swell cluster token \(name)' lets its agent join again")
        }
        if let end = status.readmittedUntil {
            lines.append("Door:         \(Self.door(of: name, until: end, now: now))")
        }
        if let pause = status.pause {
            lines.append("Paused:       by \(pause.by)\(pause.reason.map { ": \($0)" } ?? "")")
        }
        if let pause = status.regionPause {
            lines.append("Paused:       its region, by \(pause.by)\(pause.reason.map { ": \($0)" } ?? "")")
        }
        for label in (view.metadata.labels ?? [:]).sorted(by: { $0.key < $1.key }) {
            lines.append("Label:        \(label.key)=\(label.value)")
        }
        var table = Table(
            "APPLICATION", "RUNS", "DIGEST", "HEALTH", "PHASE", "GENERATION", "WANTED", "REPORTED", "MESSAGE")
        for application in status.applications ?? [] {
            table.add(
                application.application.rawValue, application.version ?? "-", application.digest?.short ?? "-",
                application.health, application.phase, "\(application.generation)", application.wantedVersion ?? "-",
                "\(Ages.since(application.reportedAt, now: now)) ago", application.message ?? application.reason ?? "-")
        }
        for line in lines + (table.rows.isEmpty ? [] : [""] + table.lines) { session.terminal.line(line) }
        let text = DiffText(style: session.style, isWide: false, now: now)
        for application in status.applications ?? [] {
            guard let drift = application.drift, drift.count > 0 else { continue }
            session.terminal.line("")
            for line in text.lines(of: drift, application: application.application) { session.terminal.line(line) }
        }
    }

    /// What stands open after a restore.
    static func door(of name: String, until end: Timestamp, now: Timestamp) -> String {
        "one certificate that is not listed is taken in within \(Ages.text(max(.zero, end - now))); "
            + "'swell cluster readmit \(name) --close' closes it"
    }

    private func rollout(_ session: Session) async throws {
        let path = "/v1/rollouts/\(segment(name))"
        let view = try await session.client.get(path, as: RolloutView.self)
        let tree = RolloutTree(view: view, now: .onThisMachine, style: session.style)
        for line in tree.lines(columns: session.terminal.width) { session.terminal.line(line) }
        let events = try await session.client.get("\(path)/history?limit=20", as: ListView<EventView>.self).items
        session.terminal.line("")
        for event in events { session.terminal.line(EventLine.text(event)) }
    }
}

/// One row of the audit log on one line.
enum EventLine {
    static func text(_ event: EventView) -> String {
        var words = ["\(event.at)", event.by, event.what]
        if let rollout = event.rollout { words.append("rollout=\(rollout)") }
        if event.rollout == nil, let application = event.application { words.append("application=\(application)") }
        if let stage = event.stage { words.append("stage=\(stage)") }
        if let region = event.region { words.append("region=\(region)") }
        if let cluster = event.cluster { words.append("cluster=\(cluster)") }
        if let to = event.to { words.append(event.from.map { $0 == to ? to : "\($0)->\(to)" } ?? to) }
        if let reason = event.reason { words.append("(\(String(reason.map { $0.isNewline ? " " : $0 })))") }
        return words.joined(separator: "  ")
    }
}
