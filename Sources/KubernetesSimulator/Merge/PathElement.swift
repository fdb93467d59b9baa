internal import KubernetesObjects

/// One step of a path to a field, as managed fields spell it.
enum PathElement: Sendable, Hashable {
    /// A field of an object: `f:name`.
    case field(String)
    /// An item of a list told apart by the values of its key fields: `k:{"name":"main"}`.
    case key([String: JSONValue])
    /// An item of a set: `v:"example.com/hold"`.
    case value(JSONValue)
    /// An item of a list by its place: `i:0`.
    case index(Int)

    /// Reads the form used in `fieldsV1`.
    init?(encoded text: String) {
        let rest = String(text.dropFirst(2))
        switch text.prefix(2) {
        case "f:": self = .field(rest)
        case "k:":
            guard let key = try? JSONValue(parsing: rest), let members = key.objectValue else { return nil }
            self = .key(members)
        case "v:":
            guard let value = try? JSONValue(parsing: rest) else { return nil }
            self = .value(value)
        case "i:":
            guard let index = Int(rest) else { return nil }
            self = .index(index)
        default: return nil
        }
    }

    /// The form used in `fieldsV1`.
    var encoded: String {
        switch self {
        case .field(let name): "f:" + name
        case .key(let members): "k:" + JSONValue.object(members).serialized()
        case .value(let value): "v:" + value.serialized()
        case .index(let index): "i:\(index)"
        }
    }

    /// The form used in messages: `.spec`, `[name="main"]`.
    var text: String {
        switch self {
        case .field(let name): "." + name
        case .key(let members):
            "["
                + members.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.serialized())" }
                .joined(separator: ",") + "]"
        case .value(let value): "[=\(value.serialized())]"
        case .index(let index): "[\(index)]"
        }
    }
}
