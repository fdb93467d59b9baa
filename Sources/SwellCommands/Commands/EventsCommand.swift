internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

struct EventsCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Show the audit log, the newest last.",
        discussion: "With --follow and -o json, one JSON object a line.")

    @Flag(help: "Go on with what happens, until interrupted.")
    var follow = false
    @Option(help: ArgumentHelp("How many rows to begin with, at most 1000.", valueName: "count"))
    var limit: Int?
    // A value that begins with a dash is one: `-2h` is how other tools write it.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Only from then on: \(StartOfWindow.forms).", valueName: "when"))
    var since: String?
    @Option(help: "Only of this rollout.")
    var rollout: String?
    @Option(help: "Only of this application.")
    var application: String?
    @Option(help: "Only of this cluster.")
    var cluster: String?
    @Option(help: "Only of this region.")
    var region: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if let limit, !(1...1_000).contains(limit) { throw ValidationError("--limit is from 1 to 1000.") }
        if let since, StartOfWindow(since) == nil {
            throw ValidationError("--since: '\(since)' is no such moment; write \(StartOfWindow.forms)")
        }
    }

    func run(_ session: Session) async throws {
        let path = "/v1/events\(query)"
        guard follow else {
            let value = try await session.client.get(path)
            if let text = value.text(as: output.output) {
                session.terminal.data(text + "\n")
                return
            }
            let events = try value.decoded(as: ListView<EventView>.self).items
            if events.isEmpty { session.terminal.note("there are no such events") }
            if since != nil, events.count >= limit ?? 1_000 {
                session.terminal.note("the newest \(events.count); there may be older ones since then")
            }
            for event in events {
                session.terminal.line(EventLine.text(event))
            }
            return
        }
        let terminal = session.terminal
        let following = Reconnecting(client: session.client) { _ in
            terminal.note("the server is away; waiting for it to come back")
        }
        try await following.follow(path) { event in
            guard event.name == "event" else { return false }
            let value = try JSONValue(parsing: event.data, duplicateKeys: .keepLast)
            if output.output == .json {
                terminal.data(value.serialized() + "\n")
            } else {
                terminal.line(EventLine.text(try value.decoded(as: EventView.self)))
            }
            return false
        }
    }

    private var query: String {
        var items = follow ? ["follow=true"] : []
        if let limit { items.append("limit=\(limit)") }
        for (key, value) in [
            ("rollout", rollout), ("application", application), ("cluster", cluster), ("region", region),
            ("since", since.flatMap { StartOfWindow($0)?.text }),
        ] {
            if let value { items.append("\(key)=\(segment(value))") }
        }
        return items.isEmpty ? "" : "?" + items.joined(separator: "&")
    }
}
