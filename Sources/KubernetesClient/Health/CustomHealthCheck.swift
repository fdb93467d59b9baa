public import KubernetesObjects

/// How to read the health of a kind, said by its user: conditions over its fields, tried in order.
public struct CustomHealthCheck: Sendable, Hashable {
    /// When the object is of a value.
    public struct Case: Sendable, Hashable {
        /// The value that the object has.
        public var value: HealthValue
        /// The condition under which it has it.
        public var condition: FieldExpression
        /// Where in the object to find words for it.
        public var messagePath: FieldPath?

        /// Creates a case.
        public init(_ value: HealthValue, when condition: FieldExpression, messagePath: FieldPath? = nil) {
            self.value = value
            self.condition = condition
            self.messagePath = messagePath
        }
    }

    /// The kind that is judged.
    public var type: GroupKind
    /// The name of the only object that is judged; nil for all of the kind.
    public var name: String?
    /// The cases; the first whose condition holds is taken.
    public var cases: [Case]
    /// The value where none holds.
    public var otherwise: HealthValue

    /// Creates a check.
    public init(type: GroupKind, name: String? = nil, cases: [Case], otherwise: HealthValue = .progressing) {
        self.type = type
        self.name = name
        self.cases = cases
        self.otherwise = otherwise
    }

    /// Whether it judges an object.
    public func isFor(_ object: KubernetesObject) -> Bool {
        type == object.type.groupKind && (name == nil || name == object.name)
    }

    /// Assesses an object.
    public func assess(_ object: KubernetesObject) -> HealthAssessment {
        for candidate in cases where candidate.condition.holds(for: object.json) {
            let said = candidate.messagePath.flatMap { object.value(at: $0)?.stringValue }
            let message = candidate.value == .healthy ? "" : candidate.condition.text
            return HealthAssessment(candidate.value, said ?? message)
        }
        guard otherwise != .healthy else { return HealthAssessment(.healthy) }
        guard let awaited = cases.first(where: { $0.value == .healthy })?.condition else {
            return HealthAssessment(otherwise)
        }
        // A field that is misspelt looks like one that is not written yet, which is why it is named.
        let missing = awaited.missingFields(in: object.json)
        let named = missing.prefix(3).map { $0.prefix(80) }.joined(separator: ", ")
        let absence =
            switch missing.count {
            case 0: ""
            case 1: "; \(named) is not there yet"
            default: "; \(named)\(missing.count > 3 ? " …" : "") are not there yet"
            }
        return HealthAssessment(otherwise, "waits for \(awaited.text)\(absence)")
    }
}
