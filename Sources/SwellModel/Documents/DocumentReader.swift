internal import KubernetesObjects

/// Reads `swell.dev/v1` documents strictly: what is not understood is refused, with every mistake of the set told at once.
public enum DocumentReader {
    /// What a file may hold at most.
    private static let limits = ReadingLimits(maximumBytes: 4 << 20, maximumDepth: 64, maximumNodes: 100_000)

    /// Decodes the documents of some files, in order.
    ///
    /// The values are checked on their own; `DocumentSet.problems(knownClusters:)` checks them against the fleet.
    public static func read(_ files: [SourceFile]) throws(DocumentErrors) -> DocumentSet {
        var set = DocumentSet()
        var errors: [ModelError] = []
        var places: [String: String] = [:]
        for file in files where errors.count < DocumentErrors.maximumCount {
            let documents: [YAMLDocument]
            do {
                documents = try YAMLReader.documents(in: file.content, file: file.name, limits: limits)
            } catch {
                errors.append(ModelError(reading: error, file: file.name))
                continue
            }
            for document in documents {
                let problems = Problems(file: file.name)
                read(Field(node: document.root, path: "", problems: problems), into: &set, places: &places)
                errors.append(contentsOf: problems.errors.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
            }
        }
        if errors.isEmpty, set.isEmpty {
            errors.append(
                ModelError(
                    code: .missingField,
                    message: "there is no document; write one with apiVersion \(DocumentKind.apiVersion)",
                    file: files.first?.name))
        }
        guard errors.isEmpty else { throw DocumentErrors(Array(errors.prefix(DocumentErrors.maximumCount))) }
        return set
    }

    /// Whether a file plainly holds something else than our documents: Kubernetes objects, each with another API version and a kind
    /// that is not ours. In a directory such files are left out; a misspelt document of ours is not.
    public static func isForeign(_ file: SourceFile) -> Bool {
        guard let documents = try? YAMLReader.documents(in: file.content, file: file.name, limits: limits) else {
            return false
        }
        return documents.allSatisfy { document in
            guard let apiVersion = document.root["apiVersion"]?.text, let kind = document.root["kind"]?.text else {
                return false
            }
            let isOurs = Spelling.nearest(to: apiVersion, among: [DocumentKind.apiVersion]) != nil
            return !isOurs && !DocumentKind.allCases.map(\.rawValue).contains(kind)
        }
    }

    private static func read(_ root: Field, into set: inout DocumentSet, places: inout [String: String]) {
        guard let fields = root.fields(.document) else { return }
        let version = fields.required("apiVersion", "apiVersion: \(DocumentKind.apiVersion)")
        if let version, let text = version.string("an API version"), text != DocumentKind.apiVersion {
            version.fail(.invalidValue, "'\(text.prefix(80))' is not known here; write \(DocumentKind.apiVersion)")
        }
        guard let kind = fields.required("kind", "Cluster, Application or RolloutPolicy")?.choice(DocumentKind.self)
        else { return }
        guard let metadata = Metadata(fields.required("metadata", "metadata: {name: …}")) else {
            _ = fields.required("spec", "what the \(kind.rawValue) is")
            return
        }
        noteOnce(kind, metadata, root, &places)
        let spec = fields.required("spec", "what the \(kind.rawValue) is")
        switch kind {
        case .cluster:
            if let value = Cluster.read(metadata: metadata, spec: spec) { set.clusters.append(root.located(value)) }
        case .application:
            if let value = Application.read(metadata: metadata, spec: spec) {
                set.applications.append(root.located(value))
            }
        case .rolloutPolicy:
            if let value = RolloutPolicy.read(metadata: metadata, spec: spec) {
                set.policies.append(root.located(value))
            }
        }
    }

    private static func noteOnce(
        _ kind: DocumentKind, _ metadata: Metadata, _ root: Field, _ places: inout [String: String]
    ) {
        guard let name = metadata.text else { return }
        let place = "\(root.problems.file):\(root.node.line)"
        if let first = places["\(kind.rawValue)/\(name)"] {
            root.problems.add(
                .duplicate, line: root.node.line, path: "metadata.name",
                "\(kind.rawValue) '\(name)' is there already, at \(first); keep one of them")
        } else {
            places["\(kind.rawValue)/\(name)"] = place
        }
    }
}

/// The `metadata` of a document: a name, and labels where the kind has them.
struct Metadata {
    private let nameField: Field?
    private let labelsField: Field?

    init?(_ field: Field?) {
        guard let fields = field?.fields(.metadata) else { return nil }
        self.nameField = fields.required("name", "the name by which others refer to it")
        self.labelsField = fields["labels"]
    }

    /// The name as written, if it is a text.
    var text: String? { nameField?.node.scalar?.stringValue }

    func name<Kind>(_ what: String) -> Name<Kind>? { nameField?.name(what) }

    var labels: [String: String] { labelsField?.texts("labels") ?? [:] }

    /// For kinds that nothing selects by labels.
    func refuseLabels() {
        labelsField?.fail(.unknownField, "only clusters have labels, for selectors to match; leave it out")
    }
}

extension Field {
    fileprivate func located<Value>(_ value: Value) -> Located<Value> {
        var located = Located(value, file: problems.file, line: node.line)
        located.lines = problems.lines
        return located
    }
}

extension ModelError {
    /// What a reader of YAML or JSON says, with the place taken out of its message: `file:line:column: what`.
    init(reading error: any Error, file: String) {
        var message = "\(error)"
        var line: Int?
        if message.hasPrefix("\(file):") {
            message.removeFirst(file.count + 1)
            let parts = message.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            if parts.count == 3, let number = Int(parts[0]), Int(parts[1]) != nil {
                line = number
                message = String(parts[2])
            }
        }
        while message.first == " " { message.removeFirst() }
        let code = (error as? KubernetesObjectError)?.code
        let ours: ModelError.Code =
            switch code {
            case .duplicateKey?: .duplicate
            case .limitExceeded?: .tooLarge
            default: .syntax
            }
        self.init(code: ours, message: message, file: file, line: line)
    }
}
