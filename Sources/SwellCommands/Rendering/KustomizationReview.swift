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
    /// The folder that everything drawn in must lie in; nil for what ``KustomizationRoot`` takes for it.
    var root: String?

    static let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"]
    /// The kustomizations that kustomize may build for one: it builds a base once for each that draws it in, so that twelve floors
    /// of two each are thousands.
    static let maximumBuilds = 1_000
    private static let lists = [
        "resources", "bases", "components", "crds", "configurations", "generators", "transformers", "validators",
        "patchesstrategicmerge",
    ]
    private static let roots: Set<String> = [
        "resources", "bases", "components", "generators", "transformers", "validators",
    ]

    /// Where what is drawn in makes, changes or judges objects instead of being some.
    private static let plugins: Set<String> = ["generators", "transformers", "validators"]

    /// A folder that is drawn in.
    private struct Folder {
        var path: String
        /// Whether what it holds are generators and the like.
        var isPlugin = false
    }

    /// A document of a kustomization.
    private struct Document {
        /// With all keys in lower case.
        var json: JSONValue
        var node: YAMLNode

        /// The line on which an entry stands.
        func line(of entry: String) -> Int { Self.line(of: ExactText(entry), in: node) ?? node.line }

        private static func line(of entry: ExactText, in node: YAMLNode) -> Int? {
            if let text = node.text { return ExactText(text) == entry ? node.line : nil }
            let children = node.elements ?? node.entries?.map(\.value) ?? []
            return children.lazy.compactMap { line(of: entry, in: $0) }.first
        }
    }

    /// How often each kustomization makes kustomize build one, itself included; nil while it is being looked at.
    private typealias Builds = [ExactText: Int?]

    /// Looks at a kustomization and everything that it draws in.
    ///
    /// - Throws: ``CommandError`` naming the file and the entry that is refused.
    func check(_ folder: String) throws {
        var builds: Builds = [:]
        _ = try self.builds(of: Folder(path: folder), within: try KustomizationRoot(of: folder, given: root), &builds)
    }

    private func builds(of place: Folder, within root: KustomizationRoot, _ known: inout Builds) throws -> Int {
        let folder = place.path
        guard let real = FolderWalk.realPath(folder) else { return 0 }
        let key = ExactText(place.isPlugin ? "plugin \(real)" : real)
        if let builds = known[key] {
            guard let builds else { throw refusal("'\(folder)' is a kustomization that draws itself in") }
            return builds
        }
        guard let file = Self.names.map({ "\(folder)/\($0)" }).first(where: FileManager.default.fileExists(atPath:))
        else { return 0 }
        known[key] = .some(nil)
        var builds = 1
        for document in try documents(of: file) {
            for child in try look(at: document, of: file, place, root) {
                builds += try self.builds(of: child, within: root, &known)
                guard builds <= Self.maximumBuilds else {
                    throw refusal(
                        "'\(file)': more than \(Self.maximumBuilds) kustomizations are built for it, since a base is built once "
                            + "for each that draws it in; draw each in once, or render it elsewhere and pipe it in with -f -"
                    )
                }
            }
        }
        known[key] = builds
        return builds
    }

    private func documents(of file: String) throws -> [Document] {
        let source = try SourceFiles.read([file], keepsForeign: true).files[0]
        do {
            return try YAMLReader.documents(in: source.content, file: file, duplicateKeys: .keepLast).map {
                Document(json: try lowered($0.root.json, file), node: $0.root)
            }
        } catch let error as CommandError {
            throw error
        } catch {
            throw refusal("\(error)")
        }
    }

    /// A document with all keys in lower case: kustomize reads keys however they are written.
    private func lowered(_ value: JSONValue, _ file: String) throws -> JSONValue {
        if let elements = value.arrayValue { return .array(try elements.map { try lowered($0, file) }) }
        guard let members = value.objectValue else { return value }
        var result: [String: JSONValue] = [:]
        for (key, member) in members {
            guard result.updateValue(try lowered(member, file), forKey: key.lowercased()) == nil else {
                throw refusal("'\(file)': '\(key.lowercased())' stands there twice, in two spellings: write it once")
            }
        }
        return .object(result)
    }

    /// Checks a document and gives the folders that it draws in.
    private func look(
        at written: Document, of file: String, _ place: Folder, _ root: KustomizationRoot
    ) throws -> [Folder] {
        let document = written.json
        let folder = place.path
        var folders: [Folder] = []
        for key in Self.lists {
            for entry in document[key]?.arrayValue?.compactMap(\.stringValue) ?? [] {
                // Some lists may hold whole objects as texts.
                if entry.contains("\n") || entry.contains("{") || entry.contains(": ") {
                    try checkGenerators(in: entry, of: file, folder)
                    continue
                }
                try checkLocal(entry, key, file)
                guard Self.roots.contains(key) else { continue }
                let path = "\(folder)/\(entry)"
                var isFolder = false
                if let real = FolderWalk.realPath(path) {
                    if let problem = root.problem(of: real) {
                        throw refusal("'\(file)', line \(written.line(of: entry)): \(key): '\(entry)' \(problem)")
                    }
                    isFolder =
                        try FileManager.default.attributesOfItem(atPath: real)[.type] as? FileAttributeType
                        == .typeDirectory
                }
                if isFolder {
                    folders.append(Folder(path: path, isPlugin: place.isPlugin || Self.plugins.contains(key)))
                } else if key != "resources" || place.isPlugin, FileManager.default.fileExists(atPath: path) {
                    try checkGenerators(
                        in: SourceFiles.read([path], keepsForeign: true).files[0].content, of: path, folder)
                }
            }
        }
        for key in ["patches", "patchesjson6902", "replacements"] {
            for entry in document[key]?.arrayValue ?? [] {
                if let path = entry["path"]?.stringValue { try checkLocal(path, key, file) }
            }
        }
        if let path = document["openapi"]?["path"]?.stringValue { try checkLocal(path, "openapi", file) }
        for key in ["configmapgenerator", "secretgenerator"] {
            for entry in document[key]?.arrayValue ?? [] { try checkFiles(of: entry, key, file) }
        }
        try checkCharts(of: document, file, folder)
        return folders
    }

    /// What a generator of settings reads.
    private func checkFiles(of generator: JSONValue, _ key: String, _ file: String) throws {
        let files = ["files", "envs"].flatMap { generator[$0]?.arrayValue ?? [] } + [generator["env"] ?? .null]
        for path in files.compactMap(\.stringValue) {
            try checkLocal(String(path.split(separator: "=", maxSplits: 1).last ?? ""), key, file)
        }
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
        let charts = ["helmcharts", "helmchartinflationgenerator"].flatMap { document[$0]?.arrayValue ?? [] }
        guard !charts.isEmpty || document["helmglobals"] != nil else { return }
        guard allowsHelm else {
            throw refusal(
                "'\(file)' has helm render charts (helmCharts), which runs what the charts' author wrote; "
                    + "--allow-helm lets it, or render the chart by itself: -f CHART")
        }
        for chart in charts { try checkChart(chart, document["helmglobals"], file, folder) }
        if charts.isEmpty { try checkChart([:], document["helmglobals"], file, folder) }
    }

    /// Objects that make others, which kustomize reads where it expects generators.
    private func checkGenerators(in text: String, of file: String, _ folder: String) throws {
        let documents: [JSONValue]
        do {
            documents = try YAMLReader.documents(in: text, file: file, duplicateKeys: .keepLast).map {
                try lowered($0.root.json, file)
            }
        } catch let error as CommandError {
            throw error
        } catch {
            throw refusal("\(error)")
        }
        for document in documents {
            let items = document["items"]?.arrayValue ?? []
            for object in [document] + items {
                if object["kind"] == "HelmChartInflationGenerator" {
                    try checkCharts(of: ["helmcharts": [object]], file, folder)
                }
                let kind = object["kind"]?.stringValue ?? "generator"
                try checkFiles(of: object, kind, file)
                try checkAddresses(in: object, kind, file)
            }
        }
    }

    /// Nothing in what makes objects may be an address, whatever its kind: which of its fields are fetched is kustomize's to say.
    private func checkAddresses(in value: JSONValue, _ kind: String, _ file: String) throws {
        if let text = value.stringValue, text.contains("://") { return try checkLocal(text, kind, file) }
        for element in value.arrayValue ?? [] { try checkAddresses(in: element, kind, file) }
        for member in (value.objectValue ?? [:]).values { try checkAddresses(in: member, kind, file) }
    }

    /// Even with helm allowed, nothing may name plugins, fetch, or lead out of the kustomization.
    private func checkChart(_ chart: JSONValue, _ globals: JSONValue?, _ file: String, _ folder: String) throws {
        for (key, value) in [("configHome", globals?["confighome"]), ("configHome", chart["confighome"])]
        where value?.stringValue?.isEmpty == false {
            throw refusal("'\(file)': \(key) would have helm load plugins from there; leave it out")
        }
        if !allowsRemote {
            for key in ["repo", "chartrepo"] where chart[key]?.stringValue?.isEmpty == false {
                throw refusal(
                    "'\(file)': helmCharts: \(key) is not on this machine; put the chart beside the kustomization (helm pull "
                        + "--untar into charts/) and leave \(key) out; --allow-remote lets helm fetch it")
            }
        }
        let paths =
            [
                globals?["charthome"], chart["charthome"], chart["name"], chart["chartname"], chart["valuesfile"],
            ].compactMap { $0?.stringValue }
            + (chart["additionalvaluesfiles"]?.arrayValue ?? []).compactMap(\.stringValue)
        guard let root = FolderWalk.realPath(folder) else { return }
        for path in paths {
            try checkLocal(path, "helmCharts", file)
            let real = FolderWalk.realPath("\(folder)/\(path)")
            guard !path.hasPrefix("/"), !path.split(separator: "/").contains(".."),
                real.map({ FolderWalk.isBelow($0, root) }) ?? true
            else { throw refusal("'\(file)': helmCharts: '\(path)' leads out of the kustomization's folder") }
        }
        let home = chart["charthome"]?.stringValue ?? globals?["charthome"]?.stringValue ?? "charts"
        if let name = (chart["name"] ?? chart["chartname"])?.stringValue {
            let place = "\(folder)/\(home)/\(name)"
            if FolderWalk.realPath(place) != nil {
                let isPackaged = try ChartReview(allowsRemote: allowsRemote).check(place)
                guard allowsRemote || !isPackaged else {
                    throw refusal(
                        "'\(file)': helmCharts: '\(name)' has packaged charts, whose schemas may refer to what lies elsewhere; unpack "
                            + "them (tar -xzf), or --allow-remote lets helm follow them")
                }
            }
        }
    }

    private func refusal(_ message: String) -> CommandError { CommandError(code: .refused, message: message) }
}
