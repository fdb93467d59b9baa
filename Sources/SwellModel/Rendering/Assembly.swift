internal import KubernetesObjects

/// A release on its way: one object after another is read, checked and kept.
struct Assembly {
    /// The application as the release keeps it.
    let application: Application
    /// Whether manifests may refer to parameters, and what says so.
    private let replaces: Bool
    private let isLiteral: Bool
    private let saysSubstitute: Bool
    /// Whether no application was asked yet: which parameters there are, and which namespace is its own, is not known.
    private let isAnticipated: Bool
    /// The objects as they were written, where no application was asked.
    private(set) var written: [JSONValue] = []
    private var documents: [ContentDocument] = []
    private var values: [JSONValue] = []
    /// Where each of them was read, and fields of them that may be left to others.
    private var origins: [(file: String, line: Int, left: [FieldPath: Int])] = []
    /// The bytes of the documents.
    private var size = 0
    private var errors: [ModelError] = []
    private var notes: [ModelError] = []
    private var hasNotedReference = false
    private var notedKeys: Set<String> = []
    /// Where each object was first seen, by type, namespace and name as spelled.
    private var places: [ObjectIdentity: String] = [:]
    private var images: Set<String> = []
    /// The most that is said of single objects.
    private static let maximumNotes = 50
    /// What parameters may be called, in whatever cluster.
    private let parameters: [String: String]

    init(application: Application, isLiteral: Bool, isAnticipated: Bool = false) {
        self.isAnticipated = isAnticipated
        self.replaces = application.replacesReferences && !isLiteral
        self.isLiteral = isLiteral
        self.saysSubstitute = application.substitute != nil
        self.application = application.released
        var parameters: [String: String] = [:]
        for name in ParameterNames.builtIn { parameters[name] = "x" }
        for override in application.overrides { parameters.merge(override.parameters) { first, _ in first } }
        parameters.merge(application.parameters) { _, own in own }
        parameters["namespace"] = application.namespace
        parameters["application"] = application.name.rawValue
        self.parameters = parameters
    }

    mutating func read(_ file: SourceFile) {
        do {
            for document in try YAMLReader.documents(in: file.content, file: file.name, limits: .release) {
                for node in Manifest.items(of: document.root) { add(node, file: file.name) }
            }
        } catch {
            errors.append(ModelError(reading: error, file: file.name))
        }
    }

    private mutating func add(_ node: YAMLNode, file: String) {
        func fail(_ code: ModelError.Code, _ message: String, at node: YAMLNode, path: String? = nil) {
            errors.append(ModelError(code: code, message: message, file: file, line: node.line, path: path))
        }
        guard node.entries != nil else {
            return fail(.wrongType, "expected a Kubernetes object", at: node)
        }
        let apiVersion = node["apiVersion"]?.text ?? ""
        if apiVersion.hasPrefix("swell.dev/") {
            return fail(
                .invalidValue,
                "this is a document of Swell, which `swell apply` takes; a release holds Kubernetes objects", at: node)
        }
        if apiVersion.hasPrefix("kustomize.config.k8s.io/") {
            return fail(
                .invalidValue,
                "a kustomization is rendered when its own folder is named, as in: swell release create … -f DIR",
                at: node)
        }
        for key in ["apiVersion", "kind"] where node[key]?.scalar?.stringValue?.isEmpty != false {
            return fail(.missingField, "this is no Kubernetes object: \(key) is missing, or is no text", at: node)
        }
        let (lasting, variables) = RepeatedEnvironment.keepingLast(node)
        let (node, elements) = RepeatedElements.keepingOne(lasting)
        for note in variables + elements where notes.count < Self.maximumNotes {
            let message = "\(node.json.subject): \(note.message)"
            notes.append(ModelError(code: .duplicate, message: message, file: file, line: note.line))
        }
        noteOthersWords(in: node, file)
        noteKeys(in: node, of: node.json.subject, file)
        let written: JSONValue
        do throws(ModelError) {
            let form = try HookForms(node.json)
            if let note = form.note {
                let text = "\(node.json.subject) \(note)"
                notes.append(ModelError(code: .unknownReference, message: text, file: file, line: node.line))
            }
            guard let object = form.object else { return }
            written = object
        } catch {
            return fail(error.code, "\(node.json.subject): \(error.message)", at: node)
        }
        let isPlain = !replaces || written["metadata"]?["annotations"]?[PlainReferences.annotation] != nil
        if let choice = written["metadata"]?["annotations"]?[PlainReferences.annotation],
            choice.stringValue != PlainReferences.disabled
        {
            return fail(
                .invalidValue,
                "\(written.subject): annotation \(PlainReferences.annotation) is '\(choice)'; "
                    + "write \(PlainReferences.disabled), or leave it out", at: node)
        }
        if !replaces, !isLiteral, !saysSubstitute, !isAnticipated {
            noteReferences(in: written, node: node, file: file)
        }
        let value = (isPlain ? written.withPlainReferences : written).withoutNullLabels
        let sample: JSONValue
        do throws(ModelError) {
            let known = parameters
            let substitution = Substitution(
                value: { known[$0] ?? ($0.hasPrefix(ParameterNames.labelPrefix) ? "x" : nil) },
                known: known.keys.sorted(), hasSampleLabels: true)
            var room = Substitution.maximumText
            sample = try substitution.apply(to: value, room: &room)
        } catch {
            let place = error.path.flatMap { try? FieldPath(parsing: $0) }.flatMap { node.node(at: $0) } ?? node
            return fail(error.code, "\(value.subject): \(error.message)", at: place, path: error.path)
        }
        guard let object = try? KubernetesObject(json: sample) else { return }
        // What still has references in it is for whoever knows the parameters.
        var findings = ObjectValidation.findings(in: object).filter { !isAnticipated || !$0.message.contains("${") }
            .map {
                ($0.path, TypeFindings.message(of: $0, in: object, node))
            }
        if let plain = try? KubernetesObject(json: written) {
            findings += AnnotationWords.findings(in: plain).map { ($0.path, $0.message) }
        }
        let examination = FieldTypes.examine(object)
        let replaced = isPlain && !isAnticipated ? nil : written
        findings += TypeFindings.of(examination, in: object, replacing: replaced, node: node)
        guard findings.isEmpty else {
            for (path, message) in findings {
                let reading = node.renamedKey(on: path).map {
                    "; the key \($0.written) is read as \($0.key), as kubectl does: where the word is meant, write \"\($0.written)\""
                }
                fail(.invalidValue, "\(sample.subject): \(message)\(reading ?? "")", at: node.nearest(to: path))
            }
            return
        }
        let doubts = ManifestDoubts.of(examination, in: object, replacing: replaced, node: node)
        for doubt in doubts where notes.count < Self.maximumNotes {
            let message = "\(sample.subject): \(doubt.message)"
            notes.append(ModelError(code: .unknownReference, message: message, file: file, line: doubt.line))
        }
        if isAnticipated { self.written.append(written.withoutNullLabels) }
        note(value, node: node, file: file)
    }

    /// Says which words of YAML 1.1 for true and false stand as keys, which kubectl takes for those, too.
    private mutating func noteKeys(in node: YAMLNode, of subject: String, _ file: String) {
        for entry in node.entries ?? [] where notes.count < Self.maximumNotes {
            if let written = entry.written, entry.key == "true" || entry.key == "false" {
                notes.append(
                    ModelError(
                        code: .wrongType,
                        message:
                            "\(subject): the key \(written) is read as \(entry.key), as kubectl does; where the word is "
                            + "meant, write \"\(written)\"", file: file, line: entry.line))
            }
            noteKeys(in: entry.value, of: subject, file)
        }
        for element in node.elements ?? [] { noteKeys(in: element, of: subject, file) }
    }

    /// Says what of Helm's and Argo CD's words is none, or is not followed.
    private mutating func noteOthersWords(in node: YAMLNode, _ file: String) {
        guard notes.count < Self.maximumNotes, let annotations = node["metadata"]?["annotations"] else { return }
        for note in OthersWords.notes(on: ["metadata": ["annotations": annotations.json]]) {
            // What is not followed is not followed anywhere: once is enough.
            if note.isGeneral, !notedKeys.insert(note.key).inserted { continue }
            let line = annotations.entries?.first { $0.key == note.key }?.line ?? node.line
            notes.append(
                ModelError(
                    code: .unknownReference, message: "\(node.json.subject): \(note.message)", file: file, line: line))
        }
    }

    /// Says once that a text stays as it is which looks as if it should not.
    private mutating func noteReferences(in value: JSONValue, node: YAMLNode, file: String) {
        guard !hasNotedReference, let found = value.firstMeantReference() else { return }
        hasNotedReference = true
        notes.append(
            ModelError(
                code: .unknownReference,
                message:
                    "'\(found.reference)' stays as it is: application '\(application.name)' declares no parameters, so "
                    + "that every ${…} is left alone; say `substitute: true` in its document to have them replaced, or "
                    + "`substitute: false` to hear no more of it",
                file: file, line: node.nearest(to: found.path).line, path: "\(found.path)"))
    }

    private mutating func note(_ value: JSONValue, node: YAMLNode, file: String) {
        let type = GroupVersionKind(
            apiVersion: value["apiVersion"]?.stringValue ?? "", kind: value["kind"]?.stringValue ?? "")
        let namespace =
            value["metadata"]?["namespace"]?.stringValue
            ?? (isAnticipated && application.namespace.isEmpty ? nil : application.namespace)
        let identity = ObjectIdentity(
            type: type.groupKind,
            namespace: ObjectScopes.isClusterWide(type.groupKind) ? nil : namespace,
            name: value["metadata"]?["name"]?.stringValue ?? "")
        if let first = places[identity] {
            errors.append(
                ModelError(
                    code: .duplicate, message: "\(identity) is there already, at \(first); keep one of them",
                    file: file,
                    line: node.line, path: "metadata.name"))
            return
        }
        places[identity] = "\(file):\(node.line)"
        // Aliases may expand to far more than was written: what is too large already need not be written out.
        guard size <= ReleaseAssembler.maximumSize else { return }
        _ = value.overridingImages([], seen: &images)
        let document = ContentDocument(content: value.serializedBytes())
        size += document.content.count
        documents.append(document)
        values.append(value)
        origins.append((file, node.line, lines(of: value, node)))
    }

    func finish(_ files: [SourceFile]) throws(DocumentErrors) -> AssembledRelease {
        var errors = errors
        if errors.isEmpty, documents.isEmpty {
            let names = files.map(\.name).prefix(5).joined(separator: ", ")
            errors.append(
                ModelError(
                    code: .missingField,
                    message:
                        "there are no Kubernetes objects in \(names.isEmpty ? "no files" : names); a release has at least one"
                ))
        }
        if documents.count > ReleaseAssembler.maximumObjects {
            errors.append(
                ModelError(
                    code: .tooLarge,
                    message:
                        "there are \(documents.count) objects; a release may have \(ReleaseAssembler.maximumObjects)"))
        }
        let bundle = Bundle(application: application, documents: documents.map(\.digest))
        let index = bundle.document
        var seen: Set<ContentDigest> = []
        let unique = (documents + [index]).filter { seen.insert($0.digest).inserted }
        let size = unique.reduce(0) { $0 + $1.content.count }
        if size > ReleaseAssembler.maximumSize {
            errors.append(
                ModelError(
                    code: .tooLarge,
                    message: "the objects are \(size) bytes; a release may have \(ReleaseAssembler.maximumSize)"))
        }
        guard errors.isEmpty else { throw DocumentErrors(Array(errors.prefix(DocumentErrors.maximumCount))) }
        return AssembledRelease(
            bundle: bundle, documents: unique, digest: index.digest, objectCount: documents.count, size: size,
            warnings: warnings)
    }

    private var leftToOthers: [ModelError] {
        LeftFieldNotes.of(values.map { try? KubernetesObject(json: $0) }, namespace: application.namespace).map {
            note in
            let origin = origins[note.index]
            return ModelError(
                code: .unknownReference, message: note.text, file: origin.file,
                line: origin.left[note.path] ?? origin.line)
        }
    }

    /// The lines of the fields that may turn out to be left to others.
    private func lines(of value: JSONValue, _ node: YAMLNode) -> [FieldPath: Int] {
        guard let object = try? KubernetesObject(json: value) else { return [:] }
        let paths = ControllerField.all(of: object).flatMap { $0.paths(in: object) } + [.replicas]
        return Dictionary(paths.compactMap { path in node.node(at: path).map { (path, $0.line) } }) { first, _ in first
        }
    }

    private var warnings: [ModelError] {
        var warnings =
            Array(notes.prefix(Self.maximumNotes)) + leftToOthers.prefix(Self.maximumNotes)
            + application.unmatchedSettings(among: values)
        func warn(_ message: String, _ path: String) {
            warnings.append(ModelError(code: .unknownReference, message: message, path: path))
        }
        for (index, override) in application.overrides.enumerated() {
            for (position, image) in override.images.enumerated() where !images.contains(image.name) {
                warn(
                    "no container has the image '\(image.name)'\(Spelling.advice(for: image.name, among: images.sorted()))",
                    "spec.overrides[\(index)].images[\(position)]")
            }
            for (position, patch) in override.patches.enumerated() where !values.contains(where: patch.matches) {
                let target = patch.name.map { "\(patch.kind) \($0)" } ?? patch.kind
                warn("there is no \(target) to patch", "spec.overrides[\(index)].patches[\(position)]")
            }
        }
        return warnings
    }
}

extension JSONValue {
    /// See ``KubernetesObject/withoutNullLabels``.
    fileprivate var withoutNullLabels: JSONValue { (try? KubernetesObject(json: self))?.withoutNullLabels.json ?? self }
}

extension YAMLNode {
    /// The node at a path, or the deepest one on the way to it.
    func nearest(to path: FieldPath) -> YAMLNode {
        var path = path
        while !path.components.isEmpty {
            if let node = node(at: path) { return node }
            path.components.removeLast()
        }
        return self
    }

    /// A path with its keys as they were written.
    func written(_ path: FieldPath) -> FieldPath {
        var result = FieldPath.root
        var node: YAMLNode? = self
        for component in path.components {
            let entry = node?.entry(component)
            result.components.append(entry?.written.map { .key($0) } ?? component)
            node = entry?.value ?? node?.node(at: FieldPath([component]))
        }
        return result
    }

    /// The first key on a path that is read as another word than it was written: `n`, which is false.
    func renamedKey(on path: FieldPath) -> (key: String, written: String)? {
        var node: YAMLNode? = self
        for component in path.components {
            let entry = node?.entry(component)
            if let entry, let written = entry.written, entry.key == "true" || entry.key == "false" {
                return (entry.key, written)
            }
            node = entry?.value ?? node?.node(at: FieldPath([component]))
        }
        return nil
    }

    private func entry(_ component: FieldPath.Component) -> YAMLNode.Entry? {
        guard case .key(let key) = component else { return nil }
        return entries?.first { FieldPath.Component.key($0.key) == .key(key) }
    }
}
