internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

/// How things are printed.
enum OutputFormat: String, Sendable, CaseIterable, ExpressibleByArgument {
    case table, wide, json, yaml, name
}

struct OutputOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table
}

extension JSONValue {
    /// A list or a single thing in one of the formats that need no table; nil for those that do.
    func text(as format: OutputFormat) -> String? {
        switch format {
        case .table, .wide: return nil
        case .json: return serialized(pretty: true)
        case .yaml: return (isList ? items : [self]).map { $0.applicable.yaml() }.joined(separator: "---\n")
        case .name: return (isList ? items : [self]).map(\.kindAndName).joined(separator: "\n")
        }
    }

    private var isList: Bool { self["kind"] == "List" }

    /// The elements of a list.
    var items: [JSONValue] { self["items"]?.arrayValue ?? [] }

    /// `cluster/use1-a`.
    private var kindAndName: String {
        let kind = self["kind"]?.stringValue?.lowercased() ?? "event"
        return "\(kind)/\(self["metadata"]?["name"]?.stringValue ?? self["id"]?.intValue.map { String($0) } ?? "")"
    }

    /// A document of ours without its status, so that it can be applied again.
    private var applicable: JSONValue {
        guard let kind = self["kind"]?.stringValue, DocumentKind(rawValue: kind) != nil else { return self }
        var document = self
        document["status"] = nil
        return document
    }
}
