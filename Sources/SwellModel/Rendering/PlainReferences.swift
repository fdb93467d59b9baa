internal import KubernetesObjects

/// Texts with `${…}` that is nobody's reference: shell scripts, dashboards, templates of other tools.
///
/// Where nothing is to be replaced, a release stores `$${` for every `${`, so that whoever renders it, of whatever age,
/// makes the text as it was written.
enum PlainReferences {
    /// The annotation by which one object keeps its `${…}`, in an application that has parameters.
    static let annotation = "swell.dev/substitute"
    /// Its only value.
    static let disabled = "disabled"

    /// How to keep a `${name}`, for an error about it.
    static func ways(of reference: some StringProtocol) -> String {
        "to keep it as it is, write $${\(reference)}, or annotate the object with \(annotation): \(disabled)"
    }

    static func escaped(_ text: String) -> String {
        text.utf8.contains(UInt8(ascii: "$")) ? text.replacing("${", with: "$${") : text
    }
}

extension JSONValue {
    /// This value with every `${` escaped, in keys too.
    var withPlainReferences: JSONValue {
        switch self {
        case .string(let text): .string(PlainReferences.escaped(text))
        case .array(let elements): .array(elements.map(\.withPlainReferences))
        case .object(let members):
            .object(
                Dictionary(
                    members.map { (PlainReferences.escaped($0.key), $0.value.withPlainReferences) },
                    uniquingKeysWith: { first, _ in first }))
        default: self
        }
    }

    /// The first text that reads as if it were meant to be replaced: a parameter that every cluster has by itself, or an
    /// escaped `${`.
    func firstMeantReference(at path: FieldPath = .root) -> (path: FieldPath, reference: String)? {
        switch self {
        case .string(let text):
            guard text.utf8.contains(UInt8(ascii: "$")) else { return nil }
            if text.contains("$${") { return (path, "$${") }
            for name in ParameterNames.builtIn.sorted() where text.contains("${\(name)}") {
                return (path, "${\(name)}")
            }
            return text.contains("${\(ParameterNames.labelPrefix)") ? (path, "${\(ParameterNames.labelPrefix)…}") : nil
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                if let found = element.firstMeantReference(at: path.appending(index)) { return found }
            }
            return nil
        case .object(let members):
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                if let found = member.firstMeantReference(at: path.appending(key)) { return found }
            }
            return nil
        default: return nil
        }
    }
}

extension Application {
    /// Whether `${name}` is replaced in its manifests and patches: where it says so, or else where it declares parameters.
    public var replacesReferences: Bool {
        substitute ?? (!parameters.isEmpty || overrides.contains { !$0.parameters.isEmpty })
    }

    /// The application with what its patches and images say kept as it is.
    var withPlainReferences: Application {
        var plain = self
        for index in plain.overrides.indices {
            plain.overrides[index].patches = plain.overrides[index].patches.map { patch in
                var patch = patch
                patch.merge = patch.merge?.withPlainReferences
                patch.json = patch.json?.withPlainReferences
                return patch
            }
            plain.overrides[index].images = plain.overrides[index].images.map { image in
                ImageOverride(
                    name: PlainReferences.escaped(image.name), newName: image.newName.map(PlainReferences.escaped),
                    newTag: image.newTag.map(PlainReferences.escaped), digest: image.digest)
            }
        }
        return plain
    }
}
