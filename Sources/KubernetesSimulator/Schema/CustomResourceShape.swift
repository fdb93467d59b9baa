internal import KubernetesObjects

extension Shape {
    /// The shape of a custom resource whose definition carries this OpenAPI v3 schema.
    init(customResource schema: JSONValue?) {
        guard let schema, case .structure(let root) = Shape(openAPI: schema) else {
            self = .anything
            return
        }
        var fields = root.fields
        fields["apiVersion"] = .string
        fields["kind"] = .string
        fields["metadata"] = .named("apimachinery.pkg.apis.meta.v1.ObjectMeta")
        self = .structure(Structure(fields: fields, keepsUnknown: root.keepsUnknown, alwaysPresent: ["metadata"]))
    }

    private init(openAPI schema: JSONValue) {
        let keepsUnknown = schema["x-kubernetes-preserve-unknown-fields"]?.boolValue ?? false
        if schema["x-kubernetes-int-or-string"]?.boolValue == true {
            self = .anything
            return
        }
        if schema["x-kubernetes-embedded-resource"]?.boolValue == true, schema["properties"] == nil {
            self = .anything
            return
        }
        switch schema["type"]?.stringValue {
        case "string": self = .string
        case "integer": self = .integer
        case "number": self = .number
        case "boolean": self = .boolean
        case "array":
            let item = schema["items"].map { Shape(openAPI: $0) } ?? .anything
            switch schema["x-kubernetes-list-type"]?.stringValue {
            case "set": self = .list(item, .set)
            case "map":
                let keys = schema["x-kubernetes-list-map-keys"]?.arrayValue?.compactMap(\.stringValue) ?? []
                self = .list(item, keys.isEmpty ? .atomic : .map(keys: keys))
            default: self = .list(item, .atomic)
            }
        case "object":
            let isAtomic = schema["x-kubernetes-map-type"]?.stringValue == "atomic"
            if let properties = schema["properties"]?.objectValue {
                var defaults: [String: JSONValue] = [:]
                for (name, property) in properties {
                    if let value = property["default"] { defaults[name] = value }
                }
                self = .structure(
                    Structure(
                        fields: properties.mapValues { Shape(openAPI: $0) }, isAtomic: isAtomic,
                        keepsUnknown: keepsUnknown || schema["additionalProperties"] != nil, keyDefaults: defaults))
            } else if let additional = schema["additionalProperties"], additional.objectValue != nil {
                self = .map(Shape(openAPI: additional), atomic: isAtomic)
            } else if keepsUnknown || schema["additionalProperties"]?.boolValue == true {
                self = isAtomic ? .map(.anything, atomic: true) : .anything
            } else {
                self = .structure(Structure(fields: [:], isAtomic: isAtomic))
            }
        default:
            self = .anything
        }
    }
}
