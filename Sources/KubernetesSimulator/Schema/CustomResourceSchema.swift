internal import KubernetesObjects

/// Defaulting and validation of custom resources by the OpenAPI v3 schema of their definition.
enum CustomResourceSchema {
    /// A value with the schema's defaults filled in.
    static func defaulted(_ value: JSONValue, schema: JSONValue) -> JSONValue {
        switch value {
        case .object(var members):
            let properties = schema["properties"]?.objectValue ?? [:]
            for (name, property) in properties {
                if let member = members[name], !(member.isNull && property["default"] != nil) {
                    members[name] = defaulted(member, schema: property)
                } else if let value = property["default"] {
                    members[name] = defaulted(value, schema: property)
                }
            }
            if let additional = schema["additionalProperties"], additional.objectValue != nil {
                for (name, member) in members where properties[name] == nil {
                    members[name] = defaulted(member, schema: additional)
                }
            }
            return .object(members)
        case .array(let elements):
            guard let items = schema["items"] else { return value }
            return .array(elements.map { defaulted($0, schema: items) })
        default:
            return value
        }
    }

    /// Everything in a value that the schema refuses.
    static func problems(in value: JSONValue, schema: JSONValue, path: String = "") -> [APIStatus.Cause] {
        var causes: [APIStatus.Cause] = []
        check(value, schema: schema, path: path, into: &causes)
        return causes
    }

    private static func invalid(_ value: JSONValue, _ text: String, _ path: String) -> APIStatus.Cause {
        let shown = value.objectValue != nil || value.arrayValue != nil ? value.serialized() : value.serialized()
        return APIStatus.Cause(
            reason: "FieldValueInvalid", message: "Invalid value: \(shown): \(path) in body \(text)", field: path)
    }

    private static func check(
        _ value: JSONValue, schema: JSONValue, path: String, into causes: inout [APIStatus.Cause]
    ) {
        if value.isNull {
            if schema["nullable"]?.boolValue == true { return }
        }
        if schema["x-kubernetes-int-or-string"]?.boolValue != true, let type = schema["type"]?.stringValue,
            !isOf(type, value)
        {
            causes.append(
                APIStatus.Cause(
                    reason: "FieldValueTypeInvalid",
                    message:
                        "Invalid value: \"\(typeName(value))\": \(path) in body must be of type \(type): \"\(typeName(value))\"",
                    field: path))
            return
        }
        if let allowed = schema["enum"]?.arrayValue, !allowed.contains(value) {
            let list = allowed.map { $0.serialized() }.joined(separator: ", ")
            causes.append(
                APIStatus.Cause(
                    reason: "FieldValueNotSupported",
                    message: "Unsupported value: \(value.serialized()): supported values: \(list)", field: path))
        }
        checkNumber(value, schema: schema, path: path, into: &causes)
        checkString(value, schema: schema, path: path, into: &causes)
        switch value {
        case .array(let elements):
            if let least = schema["minItems"]?.intValue, elements.count < least {
                causes.append(invalid(.integer(Int64(elements.count)), "should have at least \(least) items", path))
            }
            if let most = schema["maxItems"]?.intValue, elements.count > most {
                causes.append(
                    APIStatus.Cause(
                        reason: "FieldValueTooMany",
                        message: "Too many: \(elements.count): must have at most \(most) items", field: path))
            }
            guard let items = schema["items"] else { return }
            for (index, element) in elements.enumerated() {
                check(element, schema: items, path: "\(path)[\(index)]", into: &causes)
            }
        case .object(let members):
            for name in schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? [] where members[name] == nil {
                causes.append(
                    APIStatus.Cause(
                        reason: "FieldValueRequired", message: "Required value",
                        field: path.isEmpty ? name : "\(path).\(name)"))
            }
            let properties = schema["properties"]?.objectValue ?? [:]
            let additional = schema["additionalProperties"]
            for name in members.keys.sorted() {
                guard let member = members[name] else { continue }
                let here = path.isEmpty ? name : "\(path).\(name)"
                if let property = properties[name] {
                    check(member, schema: property, path: here, into: &causes)
                } else if let additional, additional.objectValue != nil {
                    check(member, schema: additional, path: here, into: &causes)
                }
            }
        default:
            break
        }
    }

    private static func checkNumber(
        _ value: JSONValue, schema: JSONValue, path: String, into causes: inout [APIStatus.Cause]
    ) {
        guard let number = value.doubleValue else { return }
        if let least = schema["minimum"]?.doubleValue {
            let isExclusive = schema["exclusiveMinimum"]?.boolValue == true
            if number < least || (isExclusive && number == least) {
                let bound = schema["minimum"]?.serialized() ?? ""
                causes.append(
                    invalid(
                        value,
                        isExclusive ? "should be greater than \(bound)" : "should be greater than or equal to \(bound)",
                        path))
            }
        }
        if let most = schema["maximum"]?.doubleValue {
            let isExclusive = schema["exclusiveMaximum"]?.boolValue == true
            if number > most || (isExclusive && number == most) {
                let bound = schema["maximum"]?.serialized() ?? ""
                causes.append(
                    invalid(
                        value,
                        isExclusive ? "should be less than \(bound)" : "should be less than or equal to \(bound)",
                        path))
            }
        }
    }

    private static func checkString(
        _ value: JSONValue, schema: JSONValue, path: String, into causes: inout [APIStatus.Cause]
    ) {
        guard let text = value.stringValue else { return }
        if let least = schema["minLength"]?.intValue, text.unicodeScalars.count < least {
            causes.append(invalid(value, "should be at least \(least) chars long", path))
        }
        if let most = schema["maxLength"]?.intValue, text.unicodeScalars.count > most {
            causes.append(
                APIStatus.Cause(
                    reason: "FieldValueTooLong", message: "Too long: may not be more than \(most) bytes", field: path))
        }
        if let pattern = schema["pattern"]?.stringValue, let regex = try? Regex(pattern),
            (try? regex.firstMatch(in: text)) == nil
        {
            causes.append(invalid(value, "should match '\(pattern)'", path))
        }
    }

    private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch (type, value) {
        case ("object", .object), ("array", .array), ("string", .string), ("boolean", .bool), ("integer", .integer),
            ("number", .integer), ("number", .number):
            true
        case ("integer", .number(let number)): number == number.rounded()
        default: false
        }
    }

    private static func typeName(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
