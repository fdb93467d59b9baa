internal import KubernetesObjects

/// Brings an object into the form that the server's own types would write: unknown fields dropped, empty lists and
/// maps left out, quantities canonical.
struct Normalizer {
    /// Paths of fields that the type does not have, dropped on the way.
    private(set) var unknownFields: [String] = []
    /// The first value of a wrong type, as the server words it.
    private(set) var mismatch: String?

    mutating func normalize(_ object: JSONValue, resource: ResourceType) -> JSONValue {
        var result = normalize(object, shape: resource.shape, path: "", custom: resource.isCustom) ?? .object([:])
        result["apiVersion"] = .string(resource.apiVersion)
        result["kind"] = .string(resource.kind)
        return result
    }

    /// Booleans and numbers that the server's types leave out when they are zero.
    private static let omittedWhenZero: Set<String> = [
        "paused", "minReadySeconds", "hostNetwork", "hostPID", "hostIPC", "stdin", "stdinOnce", "tty", "readOnly",
        "initialDelaySeconds", "publishNotReadyAddresses",
    ]

    private mutating func normalize(_ value: JSONValue, shape: Shape, path: String, custom: Bool) -> JSONValue? {
        switch (shape.resolved, value) {
        case (_, .null):
            return custom ? .null : nil
        case (.structure(let structure), .object(let members)):
            var result: [String: JSONValue] = [:]
            for (key, member) in members {
                let here = path.isEmpty ? key : "\(path).\(key)"
                guard let field = structure.shape(of: key) else {
                    unknownFields.append(here)
                    continue
                }
                if !custom, Self.omittedWhenZero.contains(key), member == .bool(false) || member == .integer(0) {
                    continue
                }
                if let kept = normalize(member, shape: field, path: here, custom: custom) { result[key] = kept }
            }
            return .object(result)
        case (.map(let item, _), .object(let members)):
            if members.isEmpty, !custom { return nil }
            var result: [String: JSONValue] = [:]
            for (key, member) in members {
                result[key] = normalize(member, shape: item, path: "\(path).\(key)", custom: custom)
            }
            return .object(result)
        case (.list(let item, _), .array(let elements)):
            if elements.isEmpty, !custom { return nil }
            return .array(
                elements.enumerated().compactMap { index, element in
                    normalize(element, shape: item, path: "\(path)[\(index)]", custom: custom)
                })
        case (.quantity, _):
            return Quantity.canonical(value)
        case (.string, .string), (.boolean, .bool), (.integer, .integer), (.number, .integer), (.number, .number),
            (.anything, _), (.named, _):
            return value
        case (.integer, .number(let number)) where number == number.rounded() && abs(number) < 9e15:
            return .integer(Int64(number))
        default:
            if !custom, mismatch == nil {
                mismatch = "json: cannot unmarshal \(Self.jsonType(value)) into Go struct field .\(path)"
            }
            return value
        }
    }

    private static func jsonType(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "bool"
        case .integer, .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
