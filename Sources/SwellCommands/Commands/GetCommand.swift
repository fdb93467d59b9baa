internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

/// The kinds of thing that `get` and `describe` know, under the names that people try.
enum Resource: String, CaseIterable {
    case clusters, applications, policies, releases, rollouts, regions

    init?(argument: String) {
        switch argument.lowercased() {
        case "clusters", "cluster", "cl": self = .clusters
        case "applications", "application", "apps", "app": self = .applications
        case "policies", "policy", "rolloutpolicies", "rolloutpolicy", "pol": self = .policies
        case "releases", "release", "rel": self = .releases
        case "rollouts", "rollout", "ro": self = .rollouts
        case "regions", "region": self = .regions
        default: return nil
        }
    }

    /// - Throws: `ValidationError` with what may have been meant.
    static func named(_ word: String) throws -> Resource {
        if let resource = Resource(argument: word) { return resource }
        let kinds = allCases.map(\.rawValue) + ["policy", "cluster", "application", "release", "rollout", "region"]
        throw ValidationError("there is no kind '\(word)'\(Spelling.advice(for: word, among: kinds))")
    }
}

struct GetCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Show clusters, applications, policies, releases, rollouts or regions.",
        discussion: "Releases are those of one application: swell get releases APPLICATION.")

    @Argument(
        help: "clusters, applications, policies, releases, rollouts or regions.",
        completion: .list(Resource.allCases.map(\.rawValue)), transform: Resource.named)
    var resource: Resource
    @Argument(help: "Only the one of this name; of releases, the application.")
    var name: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await Listing(session: session, format: output.output).show(resource, name)
    }
}

/// Fetches things and prints them.
struct Listing {
    let session: Session
    let format: OutputFormat

    func show(_ resource: Resource, _ name: String?) async throws {
        let value = try await fetch(resource, name)
        if let text = value.text(as: format) {
            if !text.isEmpty { session.terminal.data(text.hasSuffix("\n") ? text : text + "\n") }
            try session.noteUnreadable(value)
            return
        }
        let items = name != nil && value["kind"] != "List" ? [value] : value.items
        if items.isEmpty {
            if value.unreadable.isEmpty { session.terminal.note("there are no \(resource.rawValue)") }
        } else {
            for line in try Tables(isWide: format == .wide).table(resource, items).lines { session.terminal.line(line) }
        }
        try session.noteUnreadable(value)
    }

    private func fetch(_ resource: Resource, _ name: String?) async throws -> JSONValue {
        switch (resource, name) {
        case (.releases, nil):
            throw CommandError(code: .usage, message: "say of which application: swell get releases APPLICATION")
        case (.releases, let application?):
            return try await session.client.get("/v1/applications/\(segment(application))/releases")
        case (.regions, let region?):
            let all = try await session.client.get("/v1/regions")
            guard let found = all.items.first(where: { $0["metadata"]?["name"]?.stringValue == region }) else {
                let known = all.items.compactMap { $0["metadata"]?["name"]?.stringValue }
                throw CommandError(
                    code: .notFound,
                    message: "no cluster is in region '\(region)'\(Spelling.advice(for: region, among: known))")
            }
            return found
        case (_, nil): return try await session.client.get("/v1/\(resource.rawValue)")
        case (_, let name?): return try await session.client.get("/v1/\(resource.rawValue)/\(segment(name))")
        }
    }
}

extension JSONValue {
    /// What a list could not show, by name and reason.
    var unreadable: [(name: String, reason: String)] {
        guard self["kind"] == "List" else { return [] }
        return (self["unreadable"]?.arrayValue ?? []).map {
            ($0["name"]?.stringValue ?? "?", $0["reason"]?.stringValue ?? "")
        }
    }
}

extension Session {
    /// Says what a list could not show; throws where that is all of it.
    func noteUnreadable(_ list: JSONValue) throws(CommandError) {
        let rows = list.unreadable
        for row in rows { terminal.note("warning: '\(row.name)' is stored and cannot be read: \(row.reason)") }
        guard rows.isEmpty || !list.items.isEmpty else {
            throw CommandError(code: .refused, message: "nothing of the list can be read")
        }
    }
}
