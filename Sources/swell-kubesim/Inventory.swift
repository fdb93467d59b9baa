internal import ArgumentParser
internal import Foundation
internal import KubernetesObjects

/// Clusters named by documents of kind `Cluster` in a directory and those below it.
enum Inventory {
    static func clusters(in directory: String) throws -> [(name: String, region: String)] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory), isDirectory.boolValue else {
            throw ValidationError("--clusters-from: there is no directory \(directory)")
        }
        var files: [String] = []
        for case let path as String in FileManager.default.enumerator(atPath: directory) ?? .init() {
            if path.hasSuffix(".yaml") || path.hasSuffix(".yml") { files.append(path) }
        }
        var result: [(name: String, region: String)] = []
        for file in files.sorted() {
            let path = "\(directory)/\(file)"
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            for document in try YAMLReader.documents(in: Array(bytes), file: path) {
                let value = document.root.json
                guard value["kind"]?.stringValue == "Cluster" else { continue }
                guard let name = value["metadata"]?["name"]?.stringValue else {
                    throw ValidationError("\(path): a Cluster has no metadata.name")
                }
                result.append((name, value["spec"]?["region"]?.stringValue ?? ""))
            }
        }
        return result
    }
}
