internal import KubernetesObjects

/// What an object may not say, as the API server words it.
enum Validation {
    /// Everything wrong with an object; with an old one, also what may not change.
    static func causes(in object: JSONValue, resource: ResourceType, old: JSONValue?) -> [APIStatus.Cause] {
        var causes: [APIStatus.Cause] = []
        if old == nil { checkName(object.name, kind: resource.kind, into: &causes) }
        if resource.isCustom {
            if let schema = resource.schema { causes += CustomResourceSchema.problems(in: object, schema: schema) }
            return causes
        }
        switch resource.kind {
        case "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet":
            workload(object, old: old, kind: resource.kind, into: &causes)
        case "Job": job(object, old: old, into: &causes)
        case "Pod": podSpec(object["spec"], path: "spec", into: &causes)
        case "Service": service(object, old: old, into: &causes)
        case "ConfigMap", "Secret": data(object, old: old, into: &causes)
        case "PersistentVolumeClaim": claim(object, old: old, into: &causes)
        case "RoleBinding", "ClusterRoleBinding":
            if let old, old["roleRef"] != object["roleRef"] {
                causes.append(invalid("roleRef", object["roleRef"], "cannot change roleRef"))
            }
        case "CustomResourceDefinition": definition(object, into: &causes)
        case "CronJob":
            if (object.at("spec", "schedule")?.stringValue ?? "").isEmpty { causes.append(required("spec.schedule")) }
        default: break
        }
        return causes
    }

    static func invalid(_ field: String, _ value: JSONValue?, _ why: String) -> APIStatus.Cause {
        APIStatus.Cause(
            reason: "FieldValueInvalid", message: "Invalid value: \((value ?? .null).serialized()): \(why)",
            field: field)
    }

    static func required(_ field: String, _ why: String = "") -> APIStatus.Cause {
        APIStatus.Cause(
            reason: "FieldValueRequired", message: why.isEmpty ? "Required value" : "Required value: \(why)",
            field: field)
    }

    static func forbidden(_ field: String, _ why: String) -> APIStatus.Cause {
        APIStatus.Cause(reason: "FieldValueForbidden", message: "Forbidden: \(why)", field: field)
    }

    private static let label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"

    private static func checkName(_ name: String, kind: String, into causes: inout [APIStatus.Cause]) {
        if name.isEmpty {
            causes.append(required("metadata.name", "name or generateName is required"))
            return
        }
        if ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"].contains(kind) {
            if name.contains("/") || name.contains("%") || name == "." || name == ".." {
                causes.append(invalid("metadata.name", .string(name), "may not contain '/' or '%'"))
            }
            return
        }
        let isLabel = ["Namespace", "Service"].contains(kind)
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let areLabels = parts.allSatisfy(isDNSLabel)
        if isLabel {
            if parts.count != 1 || !areLabels || name.utf8.count > 63 {
                causes.append(
                    invalid(
                        "metadata.name", .string(name),
                        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '\(label)')"
                    ))
            }
        } else if !areLabels || name.utf8.count > 253 {
            causes.append(
                invalid(
                    "metadata.name", .string(name),
                    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '\(label)(\\.\(label))*')"
                ))
        }
    }

    private static func isDNSLabel(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    private static func workload(
        _ object: JSONValue, old: JSONValue?, kind: String, into causes: inout [APIStatus.Cause]
    ) {
        if let replicas = object.at("spec", "replicas")?.intValue, replicas < 0 {
            causes.append(
                invalid("spec.replicas", object.at("spec", "replicas"), "must be greater than or equal to 0"))
        }
        let selector = object.at("spec", "selector")
        let labels = object.at("spec", "template", "metadata", "labels")
        if selector == nil {
            causes.append(required("spec.selector"))
            causes.append(
                invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"))
        } else if LabelSelector(object: selector).isEmpty {
            causes.append(invalid("spec.selector", selector, "empty selector is invalid for \(kind.lowercased())"))
        } else if !LabelSelector(object: selector).matches(labels) {
            causes.append(
                invalid(
                    "spec.template.metadata.labels", labels ?? .object([:]),
                    "`selector` does not match template `labels`"))
        }
        podSpec(object.at("spec", "template", "spec"), path: "spec.template.spec", into: &causes)
        guard let old else { return }
        if kind == "StatefulSet" {
            let mayChange = [
                "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
            ]
            var before = old["spec"] ?? .null
            var after = object["spec"] ?? .null
            for field in mayChange {
                before[field] = nil
                after[field] = nil
            }
            if before != after {
                causes.append(
                    forbidden(
                        "spec",
                        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
                    ))
            }
        } else if selector != old.at("spec", "selector") {
            causes.append(invalid("spec.selector", selector, "field is immutable"))
        }
    }

    private static func podSpec(_ spec: JSONValue?, path: String, into causes: inout [APIStatus.Cause]) {
        let containers = spec?["containers"]?.arrayValue ?? []
        if containers.isEmpty { causes.append(required("\(path).containers")) }
        for (index, container) in containers.enumerated() {
            let here = "\(path).containers[\(index)]"
            if (container["name"]?.stringValue ?? "").isEmpty { causes.append(required("\(here).name")) }
            if (container["image"]?.stringValue ?? "").isEmpty { causes.append(required("\(here).image")) }
        }
    }

    private static func job(_ object: JSONValue, old: JSONValue?, into causes: inout [APIStatus.Cause]) {
        podSpec(object.at("spec", "template", "spec"), path: "spec.template.spec", into: &causes)
        let policy = object.at("spec", "template", "spec", "restartPolicy")
        if policy?.stringValue != "Never", policy?.stringValue != "OnFailure" {
            causes.append(
                APIStatus.Cause(
                    reason: "FieldValueNotSupported",
                    message:
                        "Unsupported value: \((policy ?? "").serialized()): supported values: \"OnFailure\", \"Never\"",
                    field: "spec.template.spec.restartPolicy"))
        }
        guard let old else { return }
        if object.at("spec", "template") != old.at("spec", "template") {
            causes.append(
                APIStatus.Cause(
                    reason: "FieldValueInvalid",
                    message:
                        "Invalid value: \(InternalPodTemplate.text(object.at("spec", "template") ?? .null)): field is immutable",
                    field: "spec.template"))
        }
        for field in ["selector", "completions"] where object.at("spec", field) != old.at("spec", field) {
            causes.append(invalid("spec.\(field)", object.at("spec", field), "field is immutable"))
        }
    }

    private static func service(_ object: JSONValue, old: JSONValue?, into causes: inout [APIStatus.Cause]) {
        let ports = object.at("spec", "ports")?.arrayValue ?? []
        let isHeadless = object.at("spec", "clusterIP")?.stringValue == "None"
        if ports.isEmpty, !isHeadless, object.at("spec", "type")?.stringValue != "ExternalName" {
            causes.append(required("spec.ports"))
        }
        for (index, port) in ports.enumerated() {
            if let number = port["port"]?.intValue, !(1...65_535).contains(number) {
                causes.append(
                    invalid("spec.ports[\(index)].port", port["port"], "must be between 1 and 65535, inclusive"))
            }
            if ports.count > 1, (port["name"]?.stringValue ?? "").isEmpty {
                causes.append(required("spec.ports[\(index)].name"))
            }
        }
        if let old, let before = old.at("spec", "clusterIP"), let after = object.at("spec", "clusterIP"),
            before != after, before != ""
        {
            causes.append(invalid("spec.clusterIPs[0]", .array([after]), "may not change once set"))
        }
    }

    private static func data(_ object: JSONValue, old: JSONValue?, into causes: inout [APIStatus.Cause]) {
        for key in (object["data"]?.objectValue ?? [:]).keys.sorted() {
            let isValid =
                !key.isEmpty && key.utf8.count <= 253
                && key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
            if !isValid {
                causes.append(
                    invalid(
                        "data[\(key)]", .string(key),
                        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                    ))
            }
        }
        if let type = old?["type"], type != object["type"] {
            causes.append(invalid("type", object["type"], "field is immutable"))
        }
        guard let old, old["immutable"]?.boolValue == true else { return }
        if object["immutable"]?.boolValue != true {
            causes.append(forbidden("immutable", "field is immutable when `immutable` is set"))
        }
        for field in ["data", "binaryData"] where old[field] != object[field] {
            causes.append(forbidden(field, "field is immutable when `immutable` is set"))
        }
    }

    private static func claim(_ object: JSONValue, old: JSONValue?, into causes: inout [APIStatus.Cause]) {
        if (object.at("spec", "accessModes")?.arrayValue ?? []).isEmpty {
            causes.append(required("spec.accessModes", "at least 1 access mode is required"))
        }
        if object.at("spec", "resources", "requests", "storage") == nil {
            causes.append(required("spec.resources[storage]"))
        }
        guard let old else { return }
        var before = old["spec"] ?? .null
        var after = object["spec"] ?? .null
        for field in ["resources", "volumeName", "volumeAttributesClassName"] {
            before[field] = nil
            after[field] = nil
        }
        if before != after {
            causes.append(
                forbidden(
                    "spec",
                    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
                ))
        }
    }

    private static func definition(_ object: JSONValue, into causes: inout [APIStatus.Cause]) {
        let group = object.at("spec", "group")?.stringValue ?? ""
        let plural = object.at("spec", "names", "plural")?.stringValue ?? ""
        if object.name != "\(plural).\(group)" {
            causes.append(
                invalid("metadata.name", .string(object.name), "must be spec.names.plural+\".\"+spec.group"))
        }
        let versions = object.at("spec", "versions")?.arrayValue ?? []
        if versions.filter({ $0["storage"]?.boolValue == true }).count != 1 {
            causes.append(
                invalid(
                    "spec.versions", object.at("spec", "versions"),
                    "must have exactly one version marked as storage version"))
        }
        for (index, version) in versions.enumerated() where version.at("schema", "openAPIV3Schema") == nil {
            causes.append(required("spec.versions[\(index)].schema.openAPIV3Schema", "schemas are required"))
        }
    }
}
