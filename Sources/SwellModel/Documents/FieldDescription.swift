/// One field of a document of ours: what it means, what may be written, and what holds where it is left out.
///
/// The parser takes the names that it knows from here, and `swell explain` prints from here.
public struct FieldDescription: Sendable {
    public let name: String
    /// What may be written, in a word: `duration`, `limit`, `expression`, `[]Stage`.
    public let type: String
    /// All that may be written, where that is a choice.
    public let values: [String]
    /// What holds where it is left out; nil where nothing does.
    public let standard: String?
    public let isRequired: Bool
    public let text: String
    /// What it consists of; nil for a plain value, and for a mapping whose keys are the author's.
    public let shape: DocumentShape?

    init(
        _ name: String, _ type: String, _ text: String, values: [String] = [], standard: String? = nil,
        isRequired: Bool = false, shape: DocumentShape? = nil
    ) {
        self.name = name
        self.type = type
        self.values = values
        self.standard = standard
        self.isRequired = isRequired
        self.text = text
        self.shape = shape
    }

    /// One of some words.
    static func choice<Value: RawRepresentable & CaseIterable>(
        _ name: String, _ standard: Value, _ text: String
    ) -> FieldDescription where Value.RawValue == String {
        FieldDescription(
            name, "string", text, values: Value.allCases.map(\.rawValue), standard: standard.rawValue)
    }
}

/// The fields of a mapping, in the order in which they are told.
public struct DocumentShape: Sendable {
    public let fields: [FieldDescription]

    init(_ fields: [FieldDescription]) { self.fields = fields }

    /// The names that the parser knows.
    var names: [String] { fields.map(\.name) }

    /// The field of a name.
    public subscript(_ name: String) -> FieldDescription? { fields.first { $0.name == name } }
}

extension DocumentShape {
    /// What each document has.
    static let document = DocumentShape([
        FieldDescription(
            "apiVersion", "string", "Which documents these are.", values: [DocumentKind.apiVersion], isRequired: true),
        FieldDescription(
            "kind", "string", "What is described.", values: DocumentKind.allCases.map(\.rawValue), isRequired: true),
        FieldDescription(
            "metadata", "Metadata", "Its name, and a cluster's labels.", isRequired: true, shape: metadata),
        FieldDescription("spec", "Spec", "What it is.", isRequired: true),
    ])

    static let metadata = DocumentShape([
        FieldDescription("name", "string", "The name by which others refer to it.", isRequired: true),
        FieldDescription(
            "labels", "map[string]string",
            "What selectors match, and what manifests may refer to as ${label.NAME}. Of clusters only."),
    ])

    static let selector = DocumentShape([
        FieldDescription("regions", "[]string", "Only clusters of these regions.", standard: "every region"),
        FieldDescription(
            "environments", "[]string", "Only clusters of these environments.", standard: "every environment"),
        FieldDescription("clusters", "[]string", "Only these clusters.", standard: "every cluster"),
        FieldDescription(
            "labels", "map[string]string", "Only clusters that have all of these labels.", standard: "whatever labels"),
    ])
}

extension DocumentKind {
    /// The whole document of this kind.
    public var shape: DocumentShape {
        let spec: DocumentShape =
            switch self {
            case .cluster: .cluster
            case .application: .application
            case .rolloutPolicy: .policy
            }
        return DocumentShape(
            DocumentShape.document.fields.map { field in
                guard field.name == "spec" else { return field }
                return FieldDescription("spec", "Spec", field.text, isRequired: true, shape: spec)
            })
    }

    /// What it is for.
    public var text: String {
        switch self {
        case .cluster: "One Kubernetes cluster of the fleet."
        case .application:
            "What is released: where it lives in a cluster, how a cluster takes it on, and how manifests differ by place. A release "
                + "keeps what is said here when it is made, but for `select`: what is changed later holds from the next release on."
        case .rolloutPolicy:
            "How a rollout proceeds: its stages, limits and what happens on failure. A rollout keeps the policy that it started with."
        }
    }
}
