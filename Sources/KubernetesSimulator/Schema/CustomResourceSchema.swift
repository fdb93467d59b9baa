internal import KubernetesObjects

/// Defaulting and validation of custom resources by the OpenAPI v3 schema of their definition.
enum CustomResourceSchema {
    /// A value with the schema's defaults filled in; nulls go where the schema allows none.
    static func defaulted(_ value: JSONValue, schema: JSONValue) -> JSONValue {
        switch value {
        case .object(var members):
            let properties = schema["properties"]?.objectValue ?? [:]
            for (name, property) in properties {
                if members[name]?.isNull == true, property["nullable"]?.boolValue != true { members[name] = nil }
                if let member = members[name] {
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
        APIStatus.Cause(
            reason: "FieldValueInvalid", message: "Invalid value: \(value.serialized()): \(path) in body \(text)",
            field: path)
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
        checkAlternatives(value, schema: schema, path: path, into: &causes)
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
            if let least = schema["minProperties"]?.intValue, members.count < least {
                causes.append(invalid(value, "should have at least \(least) properties", path))
            }
            if let most = schema["maxProperties"]?.intValue, members.count > most {
                causes.append(
                    APIStatus.Cause(
                        reason: "FieldValueTooMany",
                        message: "Too many: \(members.count): must have at most \(most) items", field: path))
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

    /// Schemas that a value has to fit all, some, one or none of.
    private static func checkAlternatives(
        _ value: JSONValue, schema: JSONValue, path: String, into causes: inout [APIStatus.Cause]
    ) {
        func fits(_ alternative: JSONValue) -> Bool { problems(in: value, schema: alternative, path: path).isEmpty }
        func refuse(_ text: String) {
            causes.append(
                APIStatus.Cause(
                    reason: "FieldValueInvalid", message: "Invalid value: \"\": \"\(path)\" \(text)", field: path))
        }
        for part in schema["allOf"]?.arrayValue ?? [] {
            let found = problems(in: value, schema: part, path: path)
            causes += found
            if !found.isEmpty { refuse("must validate all the schemas (allOf)") }
        }
        if let some = schema["anyOf"]?.arrayValue, !some.isEmpty, !some.contains(where: fits) {
            refuse("must validate at least one schema (anyOf)")
        }
        if let alternatives = schema["oneOf"]?.arrayValue, !alternatives.isEmpty {
            let count = alternatives.filter(fits).count
            if count != 1 {
                let found = count == 0 ? "Found none valid" : "Found \(count) valid alternatives"
                refuse("must validate one and only one schema (oneOf). \(found)")
            }
        }
        if let other = schema["not"], fits(other) { refuse("must not validate the schema (not)") }
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
        if let pattern = schema["pattern"]?.stringValue, Pattern(pattern)?.isFound(in: text) == false {
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
