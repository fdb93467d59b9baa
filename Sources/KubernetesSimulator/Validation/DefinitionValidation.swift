internal import KubernetesObjects

// MARK: - Custom resource definitions

extension Validation {
    static func definition(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let spec = object["spec"]
        let group = spec?["group"]?.stringValue ?? ""
        let names = spec?["names"]
        let plural = names?["plural"]?.stringValue ?? ""
        if object.name != "\(plural).\(group)" {
            findings.invalid("metadata.name", .string(object.name), "must be spec.names.plural+\".\"+spec.group")
        }
        approval(object, group: group, into: &findings)
        if group.isEmpty {
            findings.required("spec.group")
        } else {
            findings.invalid("spec.group", group, NameRules.dnsSubdomain(group))
            if !group.contains(".") {
                findings.invalid("spec.group", .string(group), "should be a domain with at least one dot")
            }
        }
        findings.oneOf(["Cluster", "Namespaced"], "spec.scope", spec?["scope"], isRequired: true)
        definitionNames(names, into: &findings)
        definitionVersions(spec, into: &findings)
        if spec?.at("conversion", "strategy") == "Webhook" {
            let webhook = spec?.at("conversion", "webhook")
            if webhook?["clientConfig"] == nil {
                findings.required(
                    "spec.conversion.webhookClientConfig", "required when strategy is set to Webhook")
            }
            if webhook?["conversionReviewVersions"]?.arrayValue?.isEmpty != false {
                findings.required("spec.conversion.conversionReviewVersions")
            }
        }
        guard let old, old.condition("Established")?["status"] == "True" else { return }
        immutable("spec.scope", spec?["scope"], old.at("spec", "scope"), into: &findings)
        immutable("spec.names.kind", names?["kind"], old.at("spec", "names", "kind"), into: &findings)
        immutable("spec.group", spec?["group"], old.at("spec", "group"), into: &findings)
        immutable("spec.names.plural", names?["plural"], old.at("spec", "names", "plural"), into: &findings)
    }

    /// Groups of the Kubernetes project itself are not free to take.
    private static func approval(_ object: JSONValue, group: String, into findings: inout Findings) {
        guard [".k8s.io", ".kubernetes.io"].contains(where: group.hasSuffix) else { return }
        let key = "api-approved.kubernetes.io"
        let text = object.at("metadata", "annotations", key)?.stringValue ?? ""
        if text.isEmpty {
            findings.required(
                "metadata.annotations[\(key)]",
                "protected groups must have approval annotation \"\(key)\", see https://github.com/kubernetes/enhancements/pull/1111"
            )
        } else if !text.hasPrefix("http"), !text.hasPrefix("unapproved") {
            findings.invalid(
                "metadata.annotations[\(key)]", .string(text),
                "protected groups must have approval annotation \"\(key)\" with either a URL or a reason starting with \"unapproved\", see https://github.com/kubernetes/enhancements/pull/1111"
            )
        }
    }

    private static func definitionNames(_ names: JSONValue?, into findings: inout Findings) {
        for field in ["plural", "singular", "kind", "listKind"] {
            let text = names?[field]?.stringValue ?? ""
            if text.isEmpty {
                findings.required("spec.names.\(field)")
            } else {
                findings.invalid("spec.names.\(field)", text, NameRules.dns1035Label(text.lowercased()))
            }
        }
        for (index, name) in (names?["shortNames"]?.arrayValue ?? []).enumerated() {
            let text = name.stringValue ?? ""
            findings.invalid("spec.names.shortNames[\(index)]", text, NameRules.dns1035Label(text))
        }
        if let kind = names?["kind"], kind == names?["listKind"] {
            findings.invalid("spec.names.listKind", kind, "kind and listKind may not be the same")
        }
    }

    private static func definitionVersions(_ spec: JSONValue?, into findings: inout Findings) {
        let versions = spec?["versions"]?.arrayValue ?? []
        var seen: Set<String> = []
        for (index, version) in versions.enumerated() {
            let name = version["name"]?.stringValue ?? ""
            findings.invalid("spec.versions[\(index)].name", name, NameRules.dns1035Label(name))
            if !seen.insert(name).inserted {
                findings.invalid(
                    "spec.versions", spec?["versions"], "must contain unique version names")
            }
        }
        if versions.filter({ $0["storage"]?.boolValue == true }).count != 1 {
            findings.invalid(
                "spec.versions", spec?["versions"], "must have exactly one version marked as storage version")
        }
        // Where all versions have one schema, the server speaks of that one.
        let schemas = versions.map { $0.at("schema", "openAPIV3Schema") }
        let isShared = Set(schemas).count == 1
        for (index, schema) in schemas.enumerated() {
            let field = "spec.versions[\(index)].schema.openAPIV3Schema"
            guard let schema else {
                findings.required(field, "schemas are required")
                continue
            }
            if isShared, index > 0 { break }
            StructuralSchema.check(
                schema, field: isShared ? "spec.validation.openAPIV3Schema" : field, into: &findings)
        }
        for (index, version) in versions.enumerated() {
            let scale = version.at("subresources", "scale")
            for path in ["specReplicasPath", "statusReplicasPath"] where scale != nil {
                let text = scale?[path]?.stringValue ?? ""
                let part = path.hasPrefix("spec") ? ".spec." : ".status."
                let here =
                    versions.count == 1
                    ? "spec.subresources.scale.\(path)" : "spec.versions[\(index)].subresources.scale.\(path)"
                if text.isEmpty {
                    findings.required(here)
                } else if !text.hasPrefix(part) {
                    findings.invalid(
                        here, .string(text), "should be a json path under \(part.dropLast())")
                }
            }
        }
    }
}

/// The form that schemas of definitions have to have, so that fields can be pruned and merged by them.
enum StructuralSchema {
    static func check(_ schema: JSONValue, field: String, into findings: inout Findings) {
        if schema["type"] == nil {
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

    private static func children(of schema: JSONValue, field: String, into findings: inout Findings) {
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
        switch schema["x-kubernetes-list-type"]?.stringValue {
        case nil, "atomic", "set": return
        case "map":
            if keys.isEmpty {
                findings.required(
                    "\(field).x-kubernetes-list-map-keys",
                    "must not be empty if x-kubernetes-list-type is map")
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
