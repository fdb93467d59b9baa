internal import ArgumentParser
internal import SwellModel

/// Checks names before anything is sent; a bad one is wrong usage.
enum Arguments {
    static func name<Kind>(_ text: String, _ what: String) throws -> Name<Kind> {
        do {
            return try Name<Kind>(text)
        } catch {
            throw CommandError(code: .usage, message: "\(what): \(error)")
        }
    }

    static func names<Kind>(_ texts: [String], _ what: String) throws -> [Name<Kind>] {
        try texts.map { try name($0, what) }
    }

    /// `KEY=VALUE`.
    static func labels(_ texts: [String]) throws -> [String: String] {
        var labels: [String: String] = [:]
        for text in texts {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw CommandError(code: .usage, message: "--label '\(text)' is not KEY=VALUE")
            }
            labels[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        return labels
    }
}

/// Narrows clusters.
struct SelectionOptions: ParsableArguments {
    @Option(
        name: .customLong("region"), help: ArgumentHelp("Only clusters of this region; repeatable.", valueName: "name"))
    var regions: [String] = []
    @Option(
        name: .customLong("environment"),
        help: ArgumentHelp("Only clusters of this environment; repeatable.", valueName: "name"))
    var environments: [String] = []
    @Option(name: .customLong("cluster"), help: ArgumentHelp("Only this cluster; repeatable.", valueName: "name"))
    var clusters: [String] = []
    @Option(
        name: .customLong("label"),
        help: ArgumentHelp("Only clusters with this label; repeatable.", valueName: "key=value"))
    var labels: [String] = []

    func selector() throws -> ClusterSelector? {
        let selector = ClusterSelector(
            regions: try Arguments.names(regions, "--region"),
            environments: try Arguments.names(environments, "--environment"),
            clusters: try Arguments.names(clusters, "--cluster"), labels: try Arguments.labels(labels))
        return selector.isEmpty ? nil : selector
    }
}

/// Why an operator orders something; it stands in the audit log.
struct ReasonOption: ParsableArguments {
    @Option(help: ArgumentHelp("Why, for the audit log.", valueName: "text"))
    var reason: String?
}
