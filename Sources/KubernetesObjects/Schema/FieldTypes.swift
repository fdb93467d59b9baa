/// Which JSON type each field of Kubernetes' own kinds is of, so that what a server would refuse for its type is told here, where
/// the object is written.
///
/// Nothing is said of kinds, versions and fields that the table lacks, which a server of another version may have, nor of `null`,
/// which stands for a field left out. What may be text or number (a quantity, a port by name) may be either, but for texts that no
/// server takes there: `512MB`, or a port `"8080"`.
public enum FieldTypes {
    /// A value of another type than the server takes.
    public struct Finding: Sendable, Hashable {
        public var path: FieldPath
        /// `a string`, `an integer`, `a quantity such as 500m or 2Gi` …
        public var expected: String
        /// What is there instead: its type, or itself where the type is right.
        public var found: String
        /// What the text of the field has to become for it to be right, where that can be said.
        public var instead: String?
        /// Whether quotes around the value would make it right.
        public var lacksQuotes: Bool
        /// Whether the value would be right without its quotes.
        public var hasQuotes: Bool
        /// Whether the field takes text as well as numbers, so that only some texts are wrong there.
        public var takesText: Bool
    }

    /// A field that objects of a kind cannot have.
    public struct Unknown: Sendable, Hashable {
        public var field: String
        /// Where it would stand.
        public var parent: FieldPath
        /// The fields that may stand there.
        public var known: [String]
    }

    /// An element of a list that has another one of the same key before it. A server that merges refuses such a list.
    public struct Repetition: Sendable, Hashable {
        public var list: FieldPath
        /// The fields that are the key; none where whole elements are compared.
        public var fields: [String]
        /// The key, in words: `name A`, `containerPort 8080/TCP`.
        public var key: String
        /// The index of the element before it.
        public var former: Int
        public var index: Int
    }

    /// All that the table tells of one object; of each at most ``maximumFindings``.
    public struct Examination: Sendable, Hashable {
        public var findings: [Finding] = []
        /// A newer server may have them.
        public var unknown: [Unknown] = []
        public var repetitions: [Repetition] = []
    }

    /// The most that is told of one object.
    public static let maximumFindings = 20

    /// What of `metadata` ``ObjectValidation`` speaks about.
    private static let validated = ["name", "namespace", "labels", "annotations"]

    /// What a server would not take of an object, `status` left aside; of kinds that the table lacks, what is wrong with their `metadata`.
    public static func examine(_ object: KubernetesObject) -> Examination {
        var examiner = FieldExaminer(table: .shared, limit: maximumFindings)
        var object = object
        object.status = nil
        var metadata = object["metadata"] ?? .null
        object["metadata"] = nil
        for field in validated { metadata[field] = nil }
        // What is no mapping at all is told elsewhere.
        if metadata.objectValue != nil { examiner.examine(metadata, .metadata, at: ["metadata"]) }
        if let shape = FieldTable.shared.kinds["\(object.apiVersion):\(object.kind)"] {
            examiner.examine(object.json, shape, at: .root)
        }
        return examiner.result
    }

    /// What a server would not take of an object for its type.
    public static func findings(in object: KubernetesObject) -> [Finding] { examine(object).findings }

    /// The fields of an object that the table lacks.
    public static func unknownFields(in object: KubernetesObject) -> [Unknown] { examine(object).unknown }

    /// Whether the table has a kind.
    public static func isKnown(apiVersion: String, kind: String) -> Bool {
        FieldTable.shared.kinds["\(apiVersion):\(kind)"] != nil
    }

    /// Every kind of the table, by `apiVersion` and kind, in the order of their spelling.
    public static let knownKinds: [GroupVersionKind] = FieldTable.shared.kinds.keys.sorted().compactMap { key in
        let words = key.split(separator: ":")
        return words.count == 2 ? GroupVersionKind(apiVersion: String(words[0]), kind: String(words[1])) : nil
    }

    /// The first field on a path that objects of a kind cannot have; nil where they may have all of it, or the table does not say.
    public static func unknownField(on path: FieldPath, apiVersion: String, kind: String) -> Unknown? {
        guard var shape = FieldTable.shared.kinds["\(apiVersion):\(kind)"] else { return nil }
        var parent = FieldPath.root
        for component in path.components {
            switch (shape, component) {
            case (.named(let name), .key(let key)):
                guard let fields = FieldTable.shared.types[name] else { return nil }
                guard let next = fields[key] else {
                    return Unknown(field: key, parent: parent, known: fields.keys.sorted())
                }
                shape = next
            case (.list(let element, _), _): shape = element
            case (.map(let member), .key): shape = member
            default: return nil
            }
            parent.components.append(component)
        }
        return nil
    }
}
