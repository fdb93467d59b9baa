internal import KubernetesObjects

// MARK: - Custom resource definitions

extension Validation {
    static func definition(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let spec = object["spec"]
        let group = spec?["group"]?.stringValue ?? ""
        let names = spec?["names"]
        let plural = names?["plural"]?.stringValue ?? ""
        if !object.name.isEmpty, object.name != "\(plural).\(group)" {
            findings.invalid("metadata.name", .string(object.name), "must be spec.names.plural+\".\"+spec.group")
        }
        approval(object, group: group, into: &findings)
        if group.isEmpty {
            findings.required("spec.group")
        } else {
            let problems = NameRules.dnsSubdomain(group)
            if !problems.isEmpty {
                findings.invalid("spec.group", .string(group), problems.joined(separator: ","))
            } else if !group.contains(".") {
                findings.invalid("spec.group", .string(group), "should be a domain with at least one dot")
            }
        }
        findings.oneOf(["Cluster", "Namespaced"], "spec.scope", spec?["scope"], isRequired: true)
        definitionNames(names, into: &findings)
        definitionVersions(spec, into: &findings)
        conversion(spec?["conversion"], into: &findings)
        let stored = object.at("status", "storedVersions")?.arrayValue ?? []
        if stored.isEmpty {
            findings.invalid("status.storedVersions", .array([]), "must have at least one stored version")
        }
        for version in spec?["versions"]?.arrayValue ?? [] where version["storage"] == true && !stored.isEmpty {
            guard let name = version["name"], !stored.contains(name) else { continue }
            findings.invalid(
                "status.storedVersions", version, "must have the storage version \(name.stringValue ?? "")")
        }
        let versions = Set((spec?["versions"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue })
        for (index, version) in stored.enumerated() where version.stringValue.map({ !versions.contains($0) }) ?? true {
            findings.invalid("status.storedVersions[\(index)]", version, "must appear in spec.versions")
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
                let isKind = field.hasSuffix("ind")
                joined(
                    "spec.names.\(field)", text,
                    prefix: isKind ? "may have mixed case, but should otherwise match: " : "", into: &findings)
            }
        }
        for field in ["shortNames", "categories"] {
            for (index, name) in (names?[field]?.arrayValue ?? []).enumerated() {
                joined("spec.names.\(field)[\(index)]", name.stringValue ?? "", into: &findings)
            }
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
            let place = isShared ? "spec.validation.openAPIV3Schema" : field
            var flaws = Findings()
            StructuralSchema.check(schema, field: place, into: &flaws)
            // Rules are compiled against types, which a schema that is none has not.
            if flaws.isEmpty { RuleValidation.check(schema, field: place, into: &flaws) }
            findings.append(flaws)
        }
        // The same goes for subresources and columns.
        func place(_ index: Int, _ member: String) -> String? {
            if Set(versions.map { $0[member] }).count > 1 { return "spec.versions[\(index)].\(member)" }
            return index == 0 ? "spec.\(member)" : nil
        }
        for (index, version) in versions.enumerated() {
            deprecation(version, field: "spec.versions[\(index)].deprecationWarning", into: &findings)
            if let here = place(index, "subresources"), let scale = version.at("subresources", "scale") {
                self.scale(scale, field: "\(here).scale", into: &findings)
            }
            guard let here = place(index, "additionalPrinterColumns") else { continue }
            for (number, column) in (version["additionalPrinterColumns"]?.arrayValue ?? []).enumerated() {
                self.column(column, field: "\(here)[\(number)]", into: &findings)
            }
        }
        if let first = versions.first?["name"]?.stringValue, !first.isEmpty {
            joined("spec.version", first, into: &findings)
        }
    }

    /// A name whose faults the server lists in one finding.
    private static func joined(_ field: String, _ text: String, prefix: String = "", into findings: inout Findings) {
        let problems = NameRules.dns1035Label(prefix.isEmpty ? text : text.lowercased())
        if !problems.isEmpty { findings.invalid(field, .string(text), prefix + problems.joined(separator: ",")) }
    }

    private static func deprecation(_ version: JSONValue, field: String, into findings: inout Findings) {
        guard let text = version["deprecationWarning"]?.stringValue else { return }
        if version["deprecated"]?.boolValue != true {
            return findings.invalid(field, .string(text), "can only be set for deprecated versions")
        }
        if text.utf8.count > 256 { findings.invalid(field, .string(text), "must be <= 256 characters long") }
        if text.isEmpty { findings.invalid(field, "", "must not be an empty string") }
    }

    private static func scale(_ scale: JSONValue, field: String, into findings: inout Findings) {
        let rules = [
            ("specReplicasPath", [".spec."], ".spec"), ("statusReplicasPath", [".status."], ".status"),
            ("labelSelectorPath", [".spec.", ".status."], "either .spec or .status"),
        ]
        for (name, roots, under) in rules {
            let text = scale[name]?.stringValue ?? ""
            if text.isEmpty {
                if name != "labelSelectorPath" { findings.required("\(field).\(name)") }
            } else if !text.hasPrefix(".") {
                findings.invalid("\(field).\(name)", .string(text), simplePath)
            } else if !roots.contains(where: text.hasPrefix) {
                findings.invalid("\(field).\(name)", .string(text), "should be a json path under \(under)")
            }
        }
    }

    private static let simplePath = "must be a simple json path starting with ."

    private static func column(_ column: JSONValue, field: String, into findings: inout Findings) {
        let types = ["boolean", "date", "integer", "number", "string"]
        let formats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"]
        if (column["name"]?.stringValue ?? "").isEmpty { findings.required("\(field).name") }
        let type = column["type"]?.stringValue ?? ""
        if type.isEmpty {
            findings.required("\(field).type", "must be one of \(types.joined(separator: ","))")
        } else if !types.contains(type) {
            findings.invalid(
                "\(field).type", .string(type), "must be one of \(types.joined(separator: ","))")
        }
        if let format = column["format"]?.stringValue, !formats.contains(format) {
            findings.invalid(
                "\(field).format", .string(format), "must be one of \(formats.joined(separator: ","))")
        }
        let path = column["jsonPath"]?.stringValue ?? ""
        if path.isEmpty {
            findings.required("\(field).JSONPath")
        } else if !path.hasPrefix(".") {
            findings.invalid("\(field).JSONPath", .string(path), simplePath)
        }
    }

    private static func conversion(_ conversion: JSONValue?, into findings: inout Findings) {
        guard let conversion else { return }
        let here = "spec.conversion"
        findings.oneOf(["None", "Webhook"], "\(here).strategy", conversion["strategy"], isRequired: true)
        let webhook = conversion["webhook"]
        let versions = webhook?["conversionReviewVersions"]
        guard conversion["strategy"] == "Webhook" else {
            let why = "should not be set when strategy is not set to Webhook"
            if webhook?["clientConfig"] != nil { findings.forbidden("\(here).webhookClientConfig", why) }
            if versions != nil { findings.forbidden("\(here).conversionReviewVersions", why) }
            return
        }
        if let client = webhook?["clientConfig"] {
            self.client(client, field: "\(here).webhookClientConfig", into: &findings)
        } else {
            findings.required("\(here).webhookClientConfig", "required when strategy is set to Webhook")
        }
        let names = (versions?.arrayValue ?? []).compactMap(\.stringValue)
        if names.isEmpty {
            findings.required("\(here).conversionReviewVersions")
        } else if !names.contains("v1"), !names.contains("v1beta1") {
            findings.invalid(
                "\(here).conversionReviewVersions", versions, "must include at least one of v1, v1beta1")
        }
    }
}
