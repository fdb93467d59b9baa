internal import KubernetesObjects

/// Names of properties as expressions write them (`k8s.io/apiserver/pkg/cel.Escape`).
enum PropertyName {
    /// The name to select by; nil for one that no expression can select.
    static func escaped(_ name: String) -> String? {
        if ["true", "false", "null", "in"].contains(name) { return "__\(name)__" }
        guard let first = name.unicodeScalars.first, !("0"..."9").contains(first) else { return nil }
        var result = ""
        var rest = Substring(name)
        while let character = rest.first {
            if rest.hasPrefix("__") {
                result += "__underscores__"
                rest.removeFirst(2)
                continue
            }
            switch character {
            case ".": result += "__dot__"
            case "-": result += "__dash__"
            case "/": result += "__slash__"
            case "a"..."z", "A"..."Z", "0"..."9", "_": result.append(character)
            default: return nil
            }
            rest.removeFirst()
        }
        return result
    }

    /// Words of the language may be written as they are or escaped, which is how they had to be at first.
    static func canonical(_ field: String) -> String {
        guard field.hasPrefix("__"), field.hasSuffix("__"), field.utf8.count > 4 else { return field }
        let word = String(field.dropFirst(2).dropLast(2))
        return ExpressionParser.reserved.contains(word) ? word : field
    }
}

extension ExpressionType {
    /// The type of what a structural schema allows; nil where it says nothing of the type, which leaves the field out.
    init?(schema: JSONValue, isResource: Bool = false) {
        if schema["x-kubernetes-int-or-string"]?.boolValue == true {
            self = .dyn
            return
        }
        let isResource = isResource || schema["x-kubernetes-embedded-resource"]?.boolValue == true
        switch schema["type"]?.stringValue {
        case "boolean": self = .bool
        case "integer": self = .int
        case "number": self = .double
        case "string":
            switch schema["format"]?.stringValue {
            case "byte": self = .bytes
            case "duration": self = .duration
            case "date", "date-time": self = .timestamp
            default: self = .string
            }
        case "array":
            guard let items = schema["items"], let element = ExpressionType(schema: items) else { return nil }
            self = .list(element)
        case "object":
            if let additional = schema["additionalProperties"], additional.objectValue != nil {
                guard let value = ExpressionType(schema: additional) else { return nil }
                self = .map(.string, value)
                return
            }
            var fields: [String: ExpressionType] = [:]
            for (name, property) in schema["properties"]?.objectValue ?? [:] {
                guard let escaped = PropertyName.escaped(name), let type = ExpressionType(schema: property) else {
                    continue
                }
                fields[escaped] = type
            }
            if isResource {
                fields["apiVersion"] = .string
                fields["kind"] = .string
                var metadata: [String: ExpressionType] = ["name": .string, "generateName": .string]
                if case .object(let given) = fields["metadata"] { metadata.merge(given.fields) { mine, _ in mine } }
                fields["metadata"] = .object(ObjectType(fields: metadata))
            }
            self = .object(ObjectType(fields: fields))
        default: return nil
        }
    }
}

extension ExpressionValue {
    /// A value as expressions see it that are written against a schema; without one, as it is.
    ///
    /// Fields that are null are absent. Texts that are not of their format, which validation finds elsewhere, stay texts.
    init(_ json: JSONValue, schema: JSONValue?) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = schema?["type"] == "number" ? .double(Double(value)) : .int(value)
        case .number(let value):
            let whole = schema?["type"] == "integer" ? Int64(exactly: value) : nil
            self = whole.map { .int($0) } ?? .double(value)
        case .string(let text):
            switch (schema?["type"]?.stringValue, schema?["format"]?.stringValue) {
            case ("string", "byte"): self = Base64.decode(text).map { .bytes($0) } ?? .string(text)
            case ("string", "duration"): self = ExpressionTime.duration(text).map { .duration($0) } ?? .string(text)
            case ("string", "date-time"): self = ExpressionTime(text).map { .timestamp($0) } ?? .string(text)
            case ("string", "date"):
                self = ExpressionTime(text + "T00:00:00Z").map { .timestamp($0) } ?? .string(text)
            default: self = .string(text)
            }
        case .array(let elements):
            let items = schema?["items"]
            var list = ExpressionList(elements: elements.map { ExpressionValue($0, schema: items) })
            switch schema?["x-kubernetes-list-type"]?.stringValue {
            case "set": list.identity = .set
            case "map":
                let keys = schema?["x-kubernetes-list-map-keys"]?.arrayValue?.compactMap(\.stringValue) ?? []
                list.identity = .keyed(keys.compactMap(PropertyName.escaped))
            default: break
            }
            self = .list(list)
        case .object(let members):
            var entries: [ExpressionKey: ExpressionValue] = [:]
            let additional = schema?["additionalProperties"]
            if let additional, additional.objectValue != nil {
                for (name, member) in members { entries[.string(name)] = ExpressionValue(member, schema: additional) }
            } else {
                for (name, member) in members where !member.isNull {
                    let property = schema?.at("properties", name)
                    let key = schema == nil ? name : PropertyName.escaped(name) ?? name
                    entries[.string(key)] = ExpressionValue(member, schema: property)
                }
            }
            self = .map(entries)
        }
    }
}
