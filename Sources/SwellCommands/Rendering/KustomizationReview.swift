private import FoundationEssentials
internal import KubernetesObjects
internal import SwellModel

/// What a kustomization would have fetched or run, found by reading it before any program is started on it.
///
/// Kustomize takes whatever looks like an address for one, clones and downloads, and lets a kustomization say where helm
/// finds its plugins. Nothing of that may follow from somebody's manifests alone.
struct KustomizationReview {
    /// Whether helm may render the charts that it names.
    var allowsHelm = false
    /// Whether things may be fetched.
    var allowsRemote = false

    static let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"]
    /// The kustomizations that one may draw in.
    private static let maximumFolders = 1_000
    private static let lists = [
        "resources", "bases", "components", "crds", "configurations", "generators", "transformers", "validators",
        "patchesStrategicMerge",
    ]
    private static let roots: Set<String> = [
        "resources", "bases", "components", "generators", "transformers", "validators",
    ]

    /// Looks at a kustomization and everything that it draws in.
    ///
    /// - Throws: ``CommandError`` naming the file and the entry that is refused.
    func check(_ folder: String) throws {
        var open = [folder]
        var seen: Set<ExactText> = []
        while let folder = open.popLast() {
            guard let real = FolderWalk.realPath(folder), seen.insert(ExactText(real)).inserted else { continue }
            guard seen.count <= Self.maximumFolders else {
                throw refusal("'\(folder)': more than \(Self.maximumFolders) kustomizations hang together")
            }
            guard
                let file = Self.names.map({ "\(folder)/\($0)" }).first(where: FileManager.default.fileExists(atPath:))
            else { continue }
            for document in try documents(of: file) { open += try look(at: document, of: file, folder) }
        }
    }

    private func documents(of file: String) throws -> [JSONValue] {
        let source = try SourceFiles.read([file], keepsForeign: true).files[0]
        do {
            return try YAMLReader.documents(in: source.content, file: file, duplicateKeys: .keepLast).map(\.root.json)
        } catch {
            throw refusal("\(error)")
        }
    }

    /// Checks a document and gives the folders that it draws in.
    private func look(at document: JSONValue, of file: String, _ folder: String) throws -> [String] {
        var folders: [String] = []
        for key in Self.lists {
            for entry in document[key]?.arrayValue?.compactMap(\.stringValue) ?? [] {
                // Some lists may hold whole objects as texts.
                if entry.contains("\n") {
                    try checkGenerators(in: entry, of: file, folder)
                    continue
                }
                try checkLocal(entry, key, file)
                guard Self.roots.contains(key) else { continue }
                let path = "\(folder)/\(entry)"
                var isFolder = false
                if let real = FolderWalk.realPath(path) {
                    isFolder =
                        try FileManager.default.attributesOfItem(atPath: real)[.type] as? FileAttributeType
                        == .typeDirectory
                }
                if isFolder {
                    folders.append(path)
                } else if key != "resources", FileManager.default.fileExists(atPath: path) {
                    try checkGenerators(
                        in: SourceFiles.read([path], keepsForeign: true).files[0].content, of: path, folder)
                }
            }
        }
        for key in ["patches", "patchesJson6902", "replacements"] {
            for entry in document[key]?.arrayValue ?? [] {
                if let path = entry["path"]?.stringValue { try checkLocal(path, key, file) }
            }
        }
        if let path = document["openapi"]?["path"]?.stringValue { try checkLocal(path, "openapi", file) }
        for key in ["configMapGenerator", "secretGenerator"] {
            for entry in document[key]?.arrayValue ?? [] {
                let files = ["files", "envs"].flatMap { entry[$0]?.arrayValue ?? [] } + [entry["env"] ?? .null]
                for path in files.compactMap(\.stringValue) {
                    try checkLocal(String(path.split(separator: "=", maxSplits: 1).last ?? ""), key, file)
                }
            }
        }
        try checkCharts(of: document, file, folder)
        return folders
    }

    /// Refuses what kustomize would fetch.
    private func checkLocal(_ entry: String, _ key: String, _ file: String) throws {
        guard !allowsRemote, Self.isRemote(entry) else { return }
        throw refusal(
            "'\(file)': \(key): '\(entry)' is not on this machine; fetch it first, so that what is released can be seen "
                + "(git clone or curl), and name it there; --allow-remote lets kustomize fetch it")
    }

    /// Whether kustomize could take a path for an address: what it does not find it tries to clone.
    static func isRemote(_ entry: String) -> Bool {
        let text = entry.lowercased()
        if text.contains("://") || text.contains("?ref=") || text.contains("?version=") { return true }
        if ["git@", "git::", "gh:", "ssh:", "github.com", "www.github.com", "org-"].contains(where: text.hasPrefix),
            text.contains(":") || text.contains("/")
        {
            return !text.hasPrefix("org-") || text.contains("@")
        }
        let segments = text.split(separator: "/", omittingEmptySubsequences: false)
        if segments.contains(where: { $0.hasSuffix(".git") || $0 == "_git" }) { return true }
        // `user@host:path`, as ssh has it; and `repository//path`.
        if let at = text.firstIndex(of: "@"), text[at...].contains(":"), !text[..<at].contains("/") { return true }
        return segments.dropFirst().dropLast().contains("") && !text.hasPrefix("/")
    }

    // MARK: Charts

    private func checkCharts(of document: JSONValue, _ file: String, _ folder: String) throws {
        let charts = ["helmCharts", "helmChartInflationGenerator"].flatMap { document[$0]?.arrayValue ?? [] }
        guard !charts.isEmpty || document["helmGlobals"] != nil else { return }
        guard allowsHelm else {
            throw refusal(
                "'\(file)' has helm render charts (helmCharts), which runs what the charts' author wrote; "
                    + "--allow-helm lets it, or render the chart by itself: -f CHART")
        }
        for chart in charts { try checkChart(chart, document["helmGlobals"], file, folder) }
        if charts.isEmpty { try checkChart([:], document["helmGlobals"], file, folder) }
    }

    /// Objects that make others, which kustomize reads where it expects generators.
    private func checkGenerators(in text: String, of file: String, _ folder: String) throws {
        let documents: [JSONValue]
        do {
            documents = try YAMLReader.documents(in: text, file: file, duplicateKeys: .keepLast).map(\.root.json)
        } catch {
            throw refusal("\(error)")
        }
        for document in documents where document["kind"] == "HelmChartInflationGenerator" {
            try checkCharts(of: ["helmCharts": [document]], file, folder)
        }
    }

    /// Even with helm allowed, nothing may name plugins, fetch, or lead out of the kustomization.
    private func checkChart(_ chart: JSONValue, _ globals: JSONValue?, _ file: String, _ folder: String) throws {
        for (key, value) in [("configHome", globals?["configHome"]), ("configHome", chart["configHome"])]
        where value?.stringValue?.isEmpty == false {
            throw refusal("'\(file)': \(key) would have helm load plugins from there; leave it out")
        }
        if !allowsRemote {
            for key in ["repo", "chartRepo"] where chart[key]?.stringValue?.isEmpty == false {
                throw refusal(
                    "'\(file)': helmCharts: \(key) is not on this machine; put the chart beside the kustomization (helm pull "
                        + "--untar into charts/) and leave \(key) out; --allow-remote lets helm fetch it")
            }
        }
        let paths =
            [
                globals?["chartHome"], chart["chartHome"], chart["name"], chart["chartName"], chart["valuesFile"],
            ].compactMap { $0?.stringValue }
            + (chart["additionalValuesFiles"]?.arrayValue ?? []).compactMap(\.stringValue)
        guard let root = FolderWalk.realPath(folder) else { return }
        for path in paths {
            try checkLocal(path, "helmCharts", file)
            let real = FolderWalk.realPath("\(folder)/\(path)")
            guard !path.hasPrefix("/"), !path.split(separator: "/").contains(".."),
                real.map({ FolderWalk.isBelow($0, root) }) ?? true
            else { throw refusal("'\(file)': helmCharts: '\(path)' leads out of the kustomization's folder") }
        }
        let home = chart["chartHome"]?.stringValue ?? globals?["chartHome"]?.stringValue ?? "charts"
        if let name = (chart["name"] ?? chart["chartName"])?.stringValue {
            let place = "\(folder)/\(home)/\(name)"
            if FolderWalk.realPath(place) != nil { try ChartReview(allowsRemote: allowsRemote).check(place) }
        }
    }

    private func refusal(_ message: String) -> CommandError { CommandError(code: .refused, message: message) }
}
