internal import KubernetesObjects

/// How the items of a list are told apart when two lists are merged.
enum ListIdentity: Sendable, Hashable {
    /// The list is one value: whoever sets it owns all of it.
    case atomic
    /// The items are scalars and each is its own identity.
    case set
    /// The items are objects identified by these fields.
    case map(keys: [String])
}

/// The shape of a value as structured merge sees it.
indirect enum Shape: Sendable {
    case string
    case integer
    case number
    case boolean
    /// A quantity: a string, or a number that is read as one.
    case quantity
    /// Anything: objects are merged by member, lists are atomic.
    case anything
    case list(Shape, ListIdentity)
    case map(Shape, atomic: Bool)
    case structure(Structure)
    /// A type of the built-in API, by name.
    case named(String)

    /// This shape with a name replaced by what it stands for.
    var resolved: Shape {
        if case .named(let name) = self { return BuiltInTypes.shared.shape(named: name) }
        return self
    }
}

/// An object with declared fields.
final class Structure: Sendable {
    /// The declared fields.
    let fields: [String: Shape]
    /// The fields that the published schema says must be there.
    let required: Set<String>
    /// Whether the object is owned as one value.
    let isAtomic: Bool
    /// Whether fields that are not declared are kept.
    let keepsUnknown: Bool
    /// Fields that the server writes even when nobody set them, so that their coming into being belongs to nobody.
    let alwaysPresent: Set<String>
    /// Fields that Go keeps as plain values and leaves out while they are zero: setting one to `""`, `0` or `false` is
    /// the same as not setting it.
    let omittedWhenZero: Set<String>
    /// What a field holds when it is left out; needed only for fields that identify list items.
    let keyDefaults: [String: JSONValue]

    init(
        fields: [String: Shape], required: Set<String> = [], isAtomic: Bool = false, keepsUnknown: Bool = false,
        alwaysPresent: Set<String> = [], omittedWhenZero: Set<String> = [], keyDefaults: [String: JSONValue] = [:]
    ) {
        self.fields = fields
        self.required = required
        self.isAtomic = isAtomic
        self.keepsUnknown = keepsUnknown
        self.alwaysPresent = alwaysPresent
        self.omittedWhenZero = omittedWhenZero
        self.keyDefaults = keyDefaults
    }

    /// The shape of a field; nil when it is not declared and unknown fields are not kept.
    func shape(of field: String) -> Shape? {
        fields[field] ?? (keepsUnknown ? .anything : nil)
    }
}
