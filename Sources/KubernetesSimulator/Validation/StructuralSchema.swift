internal import KubernetesObjects

/// The form that schemas of definitions have to have, so that fields can be pruned and merged by them.
enum StructuralSchema {
    static func check(_ schema: JSONValue, field: String, into findings: inout Findings) {
        if (schema["type"]?.stringValue ?? "").isEmpty {
            findings.required("\(field).type", "must not be empty at the root")
        } else if schema["type"] != "object" {
            findings.invalid("\(field).type", schema["type"], "must be object at the root")
        }
        children(of: schema, field: field, into: &findings)
    }

    private static func node(_ schema: JSONValue, field: String, place: String, into findings: inout Findings) {
        let isFree =
            schema["x-kubernetes-int-or-string"]?.boolValue == true
            || schema["x-kubernetes-preserve-unknown-fields"]?.boolValue == true
        if (schema["type"]?.stringValue ?? "").isEmpty, !isFree {
            findings.required("\(field).type", "must not be empty for specified \(place)")
        }
        children(of: schema, field: field, into: &findings)
    }

    private static let types = ["array", "boolean", "integer", "number", "object", "string"]

    private static func children(of schema: JSONValue, field: String, into findings: inout Findings) {
        findings.oneOf(types, "\(field).type", schema["type"])
        if let pattern = schema["pattern"]?.stringValue, Pattern(pattern) == nil {
            findings.invalid(
                "\(field).pattern", .string(pattern), "must be a valid regular expression, but isn't")
        }
        if let value = schema["default"], types.contains(schema["type"]?.stringValue ?? "") {
            for var cause in CustomResourceSchema.problems(in: value, schema: schema) {
                cause.field = "\(field).default"
                findings.append(cause)
            }
        }
        for (name, why) in [("$ref", "$ref is not supported"), ("definitions", "definitions is not supported")]
        where schema[name] != nil {
            findings.forbidden("\(field).\(name)", why)
        }
        if schema["uniqueItems"]?.boolValue == true {
            findings.forbidden(
                "\(field).uniqueItems",
                "uniqueItems cannot be set to true since the runtime complexity becomes quadratic")
        }
        if schema["x-kubernetes-preserve-unknown-fields"]?.boolValue == false {
            findings.invalid(
                "\(field).x-kubernetes-preserve-unknown-fields", false, "must be true or undefined")
        }
        if schema["properties"]?.objectValue?.isEmpty == false, schema["additionalProperties"] != nil,
            schema["additionalProperties"] != false
        {
            findings.forbidden(
                "\(field).additionalProperties", "additionalProperties and properties are mutual exclusive")
        }
        for (name, property) in (schema["properties"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            node(property, field: "\(field).properties[\(name)]", place: "object fields", into: &findings)
        }
        if let additional = schema["additionalProperties"], additional.objectValue != nil {
            node(additional, field: "\(field).additionalProperties", place: "object fields", into: &findings)
        }
        if let items = schema["items"] {
            node(items, field: "\(field).items", place: "array items", into: &findings)
        } else if schema["type"] == "array" {
            findings.required("\(field).items", "must be specified")
        }
        mapKeys(of: schema, field: field, into: &findings)
    }

    /// What identifies a list's items has to be there in every one of them.
    private static func mapKeys(of schema: JSONValue, field: String, into findings: inout Findings) {
        let keys = schema["x-kubernetes-list-map-keys"]?.arrayValue ?? []
        let kind = schema["x-kubernetes-list-type"]
        if kind != nil, schema["type"] != "array" {
            findings.invalid(
                "\(field).type", schema["type"] ?? "", "must be array if x-kubernetes-list-type is specified")
        }
        if !keys.isEmpty, kind != "map" {
            let why = "must be map if x-kubernetes-list-map-keys is non-empty"
            if let kind {
                findings.invalid("\(field).x-kubernetes-list-type", kind, why)
            } else {
                findings.required("\(field).x-kubernetes-list-type", why)
            }
        }
        switch kind?.stringValue {
        case nil, "atomic", "set": return
        case "map":
            if keys.isEmpty {
                findings.required(
                    "\(field).x-kubernetes-list-map-keys",
                    "must not be empty if x-kubernetes-list-type is map")
            }
            if let items = schema["items"], items["type"] != "object" {
                return findings.invalid(
                    "\(field).items.type", items["type"] ?? "",
                    "must be object if parent array's x-kubernetes-list-type is map")
            }
            if Set(keys).count < keys.count {
                findings.invalid(
                    "\(field).x-kubernetes-list-map-keys", .array(keys), "must not contain duplicate entries")
            }
        case let other:
            findings.unsupported(
                "\(field).x-kubernetes-list-type", .string(other ?? ""), ["atomic", "map", "set"])
        }
        let required = schema.at("items", "required")?.arrayValue ?? []
        for key in keys {
            let name = key.stringValue ?? ""
            let property = schema.at("items", "properties", name)
            if property == nil {
                findings.invalid(
                    "\(field).x-kubernetes-list-map-keys", .array(keys),
                    "entries have to be present as a property in items")
            } else if property?["default"] == nil, !required.contains(key) {
                findings.required(
                    "\(field).items.properties[\(name)].default",
                    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
                )
            }
        }
    }
}
