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
            // A value that is refused as such is not looked at any further.
            || schema["x-kubernetes-preserve-unknown-fields"] != nil
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
        listType(of: schema, field: field, into: &findings)
        guard let value = schema["default"], schema["type"]?.stringValue?.isEmpty == false else { return }
        for var problem in CustomResourceSchema.problems(in: value, schema: schema) {
            problem.field = problem.field.isEmpty ? "\(field).default" : "\(field).default.\(problem.field)"
            findings.append(problem)
        }
    }

    /// Only lists have a list type, and what identifies a list's items has to be there in every one of them.
    private static func listType(of schema: JSONValue, field: String, into findings: inout Findings) {
        let type = schema["type"]?.stringValue ?? ""
        let listType = schema["x-kubernetes-list-type"]
        let keys = schema["x-kubernetes-list-map-keys"]?.arrayValue ?? []
        if listType != nil, type != "array" {
            let why = "must be array if x-kubernetes-list-type is specified"
            if type.isEmpty {
                findings.required("\(field).type", why)
            } else {
                findings.invalid("\(field).type", .string(type), why)
            }
        }
        if let listType, !["atomic", "map", "set"].contains(listType.stringValue ?? "") {
            findings.unsupported(
                "\(field).x-kubernetes-list-type", listType, ["atomic", "set", "map"], isSorted: false)
        }
        if !keys.isEmpty, listType != "map" {
            let why = "must be map if x-kubernetes-list-map-keys is non-empty"
            if let listType {
                findings.invalid("\(field).x-kubernetes-list-type", listType, why)
            } else {
                findings.required("\(field).x-kubernetes-list-type", why)
            }
        }
        if listType == "map" { mapKeys(keys, of: schema, field: field, into: &findings) }
    }

    private static func mapKeys(
        _ keys: [JSONValue], of schema: JSONValue, field: String, into findings: inout Findings
    ) {
        let here = "\(field).x-kubernetes-list-map-keys"
        if keys.isEmpty { findings.required(here, "must not be empty if x-kubernetes-list-type is map") }
        guard let items = schema["items"] else {
            return findings.required("\(field).items", "must have a schema if x-kubernetes-list-type is map")
        }
        if items["type"] != "object" {
            findings.invalid(
                "\(field).items.type", items["type"] ?? "",
                "must be object if parent array's x-kubernetes-list-type is map")
        }
        let required = items["required"]?.arrayValue ?? []
        var seen: Set<JSONValue> = []
        for key in keys {
            let name = key.stringValue ?? ""
            let property = items.at("properties", name)
            if items["type"] == "object" {
                if property == nil {
                    findings.invalid(here, .array(keys), "entries must all be names of item properties")
                } else if ["array", "object"].contains(property?["type"]?.stringValue) {
                    findings.invalid(
                        "\(field).items.properties[\(name)].type", items["type"],
                        "must be a scalar type if parent array's x-kubernetes-list-type is map")
                }
                if !seen.insert(key).inserted {
                    findings.invalid(here, .array(keys), "must not contain duplicate entries")
                }
            }
            if let property, property["default"] == nil, !required.contains(key) {
                findings.required(
                    "\(field).items.properties[\(name)].default",
                    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
                )
            }
        }
    }
}
