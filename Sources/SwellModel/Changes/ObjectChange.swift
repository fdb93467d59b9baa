public import KubernetesObjects

/// What happens to one object, or happened to it.
public struct ObjectChange: Sendable, Hashable, Codable {
    /// What is done, or was done.
    public enum Action: String, Sendable, Codable, CaseIterable {
        /// It is not there, and is created.
        case create
        /// Some of its fields change.
        case update
        /// It is deleted and created again, since a field cannot be changed.
        case replace
        /// It is deleted.
        case delete
        /// It is no longer wanted, but a guard keeps it.
        case keep
        /// It is a hook, and runs.
        case run
        /// The API server refuses it, or cannot be asked about it.
        case fail
    }

    public var apiVersion: String
    public var kind: String
    /// Nil for an object of cluster scope.
    public var namespace: String?
    public var name: String
    public var action: Action
    /// Why, or what the API server said. At most ``ChangeLimits/messageLength`` characters.
    public var message: String?
    /// The fields that differ, values of Secrets hidden.
    public var fields: [ChangedField]
    /// How many more fields differ.
    public var omittedFields: Int

    public init(
        apiVersion: String, kind: String, namespace: String? = nil, name: String, action: Action,
        message: String? = nil, fields: [ChangedField] = [], omittedFields: Int = 0
    ) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.action = action
        self.message = message
        self.fields = fields
        self.omittedFields = omittedFields
    }

    /// `Deployment shop/web`.
    public var title: String { "\(kind) \(namespace.map { "\($0)/" } ?? "")\(name)" }

    /// Whether it is the same object as another one, whatever happens to it.
    public func isSameObject(as other: ObjectChange) -> Bool {
        apiVersion == other.apiVersion && kind == other.kind && namespace == other.namespace && name == other.name
    }
}

/// A field of an object with two values.
public struct ChangedField: Sendable, Hashable, Codable {
    /// Where it is: `spec.template.spec.containers[0].image`.
    public var path: String
    /// Its value before; nil where it was missing.
    public var before: JSONValue?
    /// Its value after; nil where it is missing.
    public var after: JSONValue?
    /// Who owns the field beside Swell, as far as the object's `managedFields` tell.
    public var managers: [String]

    public init(path: String, before: JSONValue?, after: JSONValue?, managers: [String] = []) {
        self.path = path
        self.before = before
        self.after = after
        self.managers = managers
    }
}

extension ChangedField {
    /// A field whose values are written as JSON.
    ///
    /// - Throws: ``ModelError`` where one is not JSON, or is nested deeper than objects are.
    public init(path: String, beforeJSON: String?, afterJSON: String?, managers: [String]) throws(ModelError) {
        self.init(
            path: path, before: try Self.value(beforeJSON), after: try Self.value(afterJSON), managers: managers)
    }

    /// The value before as JSON.
    public var beforeJSON: String? { before?.serialized() }
    /// The value after as JSON.
    public var afterJSON: String? { after?.serialized() }

    private static func value(_ text: String?) throws(ModelError) -> JSONValue? {
        guard let text else { return nil }
        do {
            return try JSONValue(parsing: text)
        } catch {
            throw ModelError(code: .syntax, message: "the value is not JSON: \(error)")
        }
    }
}
