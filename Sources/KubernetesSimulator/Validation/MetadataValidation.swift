internal import KubernetesObjects

// MARK: - Names, labels, annotations, owners

extension Validation {
    /// The most bytes that all annotations of an object have together.
    private static let annotationLimit = 256 << 10

    static func metadata(_ object: JSONValue, resource: ResourceType, isNew: Bool, into findings: inout Findings) {
        if isNew { name(object.name, kind: resource.isCustom ? "" : resource.kind, into: &findings) }
        labels(object.at("metadata", "labels"), field: "metadata.labels", into: &findings)
        annotations(object.at("metadata", "annotations"), field: "metadata.annotations", into: &findings)
        for (index, owner) in (object.at("metadata", "ownerReferences")?.arrayValue ?? []).enumerated() {
            self.owner(owner, field: "metadata.ownerReferences[\(index)]", into: &findings)
        }
        let controllers = (object.at("metadata", "ownerReferences")?.arrayValue ?? []).filter {
            $0["controller"]?.boolValue == true
        }
        if controllers.count > 1 {
            findings.invalid(
                "metadata.ownerReferences", object.at("metadata", "ownerReferences"),
                "Only one reference can have Controller set to true. Found \"true\" in references for \(reference(controllers[0])) and \(reference(controllers[1]))"
            )
        }
        for name in object.finalizers {
            findings.invalid("metadata.finalizers", name, NameRules.qualifiedName(name))
        }
        let standard = ["foregroundDeletion", "kubernetes", "orphan"]
        for (index, name) in object.finalizers.enumerated()
        where !resource.isCustom && !name.contains("/") && !standard.contains(name) {
            findings.invalid(
                "metadata.finalizers[\(index)]", .string(name),
                "name is neither a standard finalizer name nor is it fully qualified")
        }
    }

    private static func reference(_ owner: JSONValue) -> String {
        "\(owner["kind"]?.stringValue ?? "")/\(owner["name"]?.stringValue ?? "")"
    }

    private static func name(_ name: String, kind: String, into findings: inout Findings) {
        if name.isEmpty { return findings.required("metadata.name", "name or generateName is required") }
        let problems: [String]
        switch kind {
        case "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ControllerRevision", "FlowSchema",
            "PriorityLevelConfiguration":
            problems = NameRules.pathSegment(name)
        case "Namespace": problems = NameRules.dnsLabel(name)
        // Until v1.35 a Service's name had to begin with a letter (feature RelaxedServiceNameValidation).
        case "Service": problems = NameRules.dnsLabel(name)
        case "APIService", "CertificateSigningRequest", "IPAddress", "PodDisruptionBudget":
            problems = NameRules.pathSegment(name)
        default: problems = NameRules.dnsSubdomain(name)
        }
        findings.invalid("metadata.name", name, problems)
    }

    static func labels(_ labels: JSONValue?, field: String, into findings: inout Findings) {
        for (key, value) in (labels?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            findings.invalid(field, key, NameRules.qualifiedName(key))
            let text = value.stringValue ?? ""
            findings.invalid(field, text, NameRules.labelValue(text))
        }
    }

    static func annotations(_ annotations: JSONValue?, field: String, into findings: inout Findings) {
        var size = 0
        for (key, value) in (annotations?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            findings.invalid(field, key, NameRules.qualifiedName(key.lowercased()))
            size += key.utf8.count + (value.stringValue?.utf8.count ?? 0)
        }
        if size > annotationLimit { findings.tooLong(field, annotationLimit) }
    }

    private static func owner(_ owner: JSONValue, field: String, into findings: inout Findings) {
        let apiVersion = owner["apiVersion"]?.stringValue ?? ""
        if apiVersion.split(separator: "/", omittingEmptySubsequences: false).last?.isEmpty != false {
            findings.invalid("\(field).apiVersion", .string(apiVersion), "version must not be empty")
        }
        for name in ["kind", "name", "uid"] where (owner[name]?.stringValue ?? "").isEmpty {
            findings.invalid("\(field).\(name)", .string(""), "must not be empty")
        }
    }

    // MARK: Label selectors

    static func selector(_ selector: JSONValue?, field: String, into findings: inout Findings) {
        labels(selector?["matchLabels"], field: "\(field).matchLabels", into: &findings)
        for (index, requirement) in (selector?["matchExpressions"]?.arrayValue ?? []).enumerated() {
            let here = "\(field).matchExpressions[\(index)]"
            let values = requirement["values"]?.arrayValue ?? []
            switch requirement["operator"]?.stringValue {
            case "In", "NotIn":
                if values.isEmpty {
                    findings.required("\(here).values", "must be specified when `operator` is 'In' or 'NotIn'")
                }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    findings.forbidden(
                        "\(here).values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
                }
            default:
                findings.invalid("\(here).operator", requirement["operator"] ?? "", "not a valid selector operator")
            }
            let key = requirement["key"]?.stringValue ?? ""
            findings.invalid("\(here).key", key, NameRules.qualifiedName(key))
            for (place, value) in values.enumerated() {
                findings.invalid(
                    "\(here).values[\(place)]", value.stringValue ?? "", NameRules.labelValue(value.stringValue ?? ""))
            }
        }
    }
}
