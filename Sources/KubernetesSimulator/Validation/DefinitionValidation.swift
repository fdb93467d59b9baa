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
        let strategy = spec?.at("conversion", "strategy")?.stringValue ?? ""
        if strategy.isEmpty {
            findings.required("spec.conversion.strategy")
        } else {
            findings.oneOf(["None", "Webhook"], "spec.conversion.strategy", .string(strategy))
        }
        if strategy == "Webhook" {
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
        for (index, name) in (names?["categories"]?.arrayValue ?? []).enumerated() {
            let text = name.stringValue ?? ""
            findings.invalid("spec.names.categories[\(index)]", text, NameRules.dns1035Label(text))
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
            if let warning = version["deprecationWarning"] {
                let here = "spec.versions[\(index)].deprecationWarning"
                if version["deprecated"]?.boolValue != true {
                    findings.invalid(here, warning, "can only be set for deprecated versions")
                }
                if warning == "" { findings.invalid(here, warning, "must not be an empty string") }
            }
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
            columns(
                version["additionalPrinterColumns"],
                field: versions.count == 1
                    ? "spec.additionalPrinterColumns" : "spec.versions[\(index)].additionalPrinterColumns",
                into: &findings)
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
            if let path = scale?["labelSelectorPath"]?.stringValue, !path.isEmpty {
                let here =
                    versions.count == 1
                    ? "spec.subresources.scale.labelSelectorPath"
                    : "spec.versions[\(index)].subresources.scale.labelSelectorPath"
                if !path.hasPrefix(".") {
                    findings.invalid(here, .string(path), "must be a simple json path starting with .")
                } else if !path.hasPrefix(".spec."), !path.hasPrefix(".status.") {
                    findings.invalid(here, .string(path), "should be a json path under either .spec or .status")
                }
            }
        }
    }

    /// What `kubectl get` shows of the objects.
    private static func columns(_ list: JSONValue?, field: String, into findings: inout Findings) {
        let types = ["boolean", "date", "integer", "number", "string"]
        let formats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"]
        for (index, column) in (list?.arrayValue ?? []).enumerated() {
            let here = "\(field)[\(index)]"
            let type = column["type"]?.stringValue ?? ""
            let format = column["format"]?.stringValue ?? ""
            let path = column["jsonPath"]?.stringValue ?? ""
            if (column["name"]?.stringValue ?? "").isEmpty { findings.required("\(here).name") }
            if type.isEmpty {
                findings.required("\(here).type", "must be one of \(types.joined(separator: ","))")
            } else if !types.contains(type) {
                findings.invalid("\(here).type", .string(type), "must be one of \(types.joined(separator: ","))")
            }
            if !format.isEmpty, !formats.contains(format) {
                findings.invalid(
                    "\(here).format", .string(format), "must be one of \(formats.joined(separator: ","))")
            }
            if path.isEmpty {
                findings.required("\(here).JSONPath")
            } else if !path.hasPrefix(".") {
                findings.invalid("\(here).JSONPath", .string(path), "must be a simple json path starting with .")
            }
        }
    }
}
