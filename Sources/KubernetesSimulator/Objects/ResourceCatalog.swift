internal import Crypto
internal import Foundation
internal import KubernetesObjects

/// The resources that every simulated server serves from the start: those of `kinds.tsv`.
enum ResourceCatalog {
    /// Resources whose objects are kept.
    static let builtIn: [ResourceType] = entries.filter { $0.verbs.contains("delete") }

    /// Endpoints that only answer, by `apiVersion`.
    static let virtual: [String: [ResourceType]] = Dictionary(
        grouping: entries.filter { !$0.verbs.contains("delete") }, by: \.apiVersion)

    /// Every `apiVersion`, in the server's order.
    static let apiVersions: [String] = {
        var seen: Set<String> = []
        return entries.map(\.apiVersion).filter { seen.insert($0).inserted }
    }()

    /// The stored resources by ``ResourceType/storage``, each in the version that objects are kept in.
    static let stored: [String: ResourceType] = Dictionary(
        builtIn.map { ($0.storage, $0) }, uniquingKeysWith: { first, _ in first })

    private static let entries: [ResourceType] = PackagedTable.lines("kinds").compactMap(entry)

    private static func entry(_ line: String) -> ResourceType? {
        let columns = line.split(separator: "\t").map(String.init)
        guard columns.count == 9 else { return nil }
        let slash = columns[0].lastIndex(of: "/")
        func list(_ text: String) -> [String] { text == "-" ? [] : text.split(separator: ",").map(String.init) }
        let kind = columns[2]
        let verbs = list(columns[7])
        var type = ResourceType(
            group: slash.map { String(columns[0][..<$0]) } ?? "",
            version: slash.map { String(columns[0][columns[0].index(after: $0)...]) } ?? columns[0],
            plural: columns[1], singular: kind.lowercased(), kind: kind, listKind: kind + "List",
            isNamespaced: columns[3].hasPrefix("N"), shortNames: list(columns[4]), categories: list(columns[5]),
            subresources: Set(list(columns[6])), verbs: verbs.isEmpty ? ResourceType.allVerbs : verbs,
            countsGenerations: columns[3].hasSuffix("g"), shape: .named(columns[8]))
        type.conversion = VersionConversion.known[type.apiVersion + "/" + kind]
        if type.verbs.contains("delete") {
            // Definitions are still hashed by the version that they were first stored in.
            let stored = kind == "CustomResourceDefinition" ? "\(type.group)/v1beta1/\(kind)" : nil
            type.storageVersionHash = storageVersionHash(
                stored ?? type.conversion?.stored ?? "\(type.apiVersion)/\(kind)")
        }
        return type
    }

    /// What discovery tells of the version that objects are stored in (`discovery.StorageVersionHash`): the first eight
    /// bytes of the SHA-256 of `group/version/kind`, in Base64.
    static func storageVersionHash(_ kind: String) -> String {
        let text = kind.split(separator: "/").count == 2 ? "/" + kind : kind
        return Base64.encode(Array(SHA256.hash(data: Data(text.utf8)).prefix(8)))
    }
}

/// A table that the library ships.
enum PackagedTable {
    /// Its lines but for comments; none when the file is missing, which every use then reports.
    static func lines(_ name: String) -> [String] {
        guard
            let url = Bundle.module.url(forResource: name, withExtension: "tsv", subdirectory: "Resources"),
            let data = try? Data(contentsOf: url)
        else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map(String.init)
    }
}
