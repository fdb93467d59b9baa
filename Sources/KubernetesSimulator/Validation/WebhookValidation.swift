internal import KubernetesObjects

// MARK: - Webhook configurations and API services

extension Validation {
    static func webhooks(_ object: JSONValue, into findings: inout Findings) {
        var names: Set<String> = []
        for (index, webhook) in (object["webhooks"]?.arrayValue ?? []).enumerated() {
            let here = "webhooks[\(index)]"
            let name = webhook["name"]?.stringValue ?? ""
            if !name.isEmpty, !names.insert(name).inserted { findings.duplicate("\(here).name", .string(name)) }
            if name.isEmpty {
                findings.required("\(here).name")
            } else {
                let problems = NameRules.dnsSubdomain(name)
                findings.invalid("\(here).name", name, problems)
                if problems.isEmpty, name.split(separator: ".").count < 3 {
                    findings.invalid(
                        "\(here).name", .string(name),
                        "should be a domain with at least three segments separated by dots")
                }
            }
            reviewVersions(webhook, field: here, into: &findings)
            for (place, rule) in (webhook["rules"]?.arrayValue ?? []).enumerated() {
                self.rule(rule, field: "\(here).rules[\(place)]", into: &findings)
            }
            chosen(["Fail", "Ignore"], webhook["failurePolicy"], field: "\(here).failurePolicy", into: &findings)
            chosen(["Equivalent", "Exact"], webhook["matchPolicy"], field: "\(here).matchPolicy", into: &findings)
            chosen(
                ["IfNeeded", "Never"], webhook["reinvocationPolicy"], field: "\(here).reinvocationPolicy",
                into: &findings)
            if webhook["sideEffects"] == nil {
                findings.required("\(here).sideEffects", "must specify one of None, NoneOnDryRun")
            } else {
                chosen(
                    ["None", "NoneOnDryRun"], webhook["sideEffects"], field: "\(here).sideEffects", into: &findings)
            }
            if let limit = webhook["timeoutSeconds"], !(1...30).contains(limit.intValue ?? 0) {
                findings.invalid(
                    "\(here).timeoutSeconds", limit, "the timeout value must be between 1 and 30 seconds")
            }
            selector(webhook["namespaceSelector"], field: "\(here).namespaceSelector", into: &findings)
            selector(webhook["objectSelector"], field: "\(here).objectSelector", into: &findings)
            client(webhook["clientConfig"], field: "\(here).clientConfig", into: &findings)
        }
    }

    /// A choice that was made has to be one of those known, even where it is an empty text.
    private static func chosen(_ known: [String], _ value: JSONValue?, field: String, into findings: inout Findings) {
        if let value, !known.contains(value.stringValue ?? "") { findings.unsupported(field, value, known) }
    }

    private static func rule(_ rule: JSONValue, field: String, into findings: inout Findings) {
        let alone = [("operations", "operations"), ("apiGroups", "API groups"), ("apiVersions", "API versions")]
        for name in ["operations", "apiGroups", "apiVersions", "resources"] {
            let values = (rule[name]?.arrayValue ?? []).map { $0.stringValue ?? "" }
            if values.isEmpty { findings.required("\(field).\(name)") }
            if let what = alone.first(where: { $0.0 == name })?.1, values.count > 1, values.contains("*") {
                findings.invalid(
                    "\(field).\(name)", rule[name], "if '*' is present, must not specify other \(what)")
            }
            for (place, value) in values.enumerated() {
                switch name {
                case "operations":
                    chosen(
                        ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"], .string(value),
                        field: "\(field).operations[\(place)]", into: &findings)
                case "apiVersions", "resources":
                    if value.isEmpty { findings.required("\(field).\(name)[\(place)]") }
                default: break
                }
            }
        }
        chosen(["*", "Cluster", "Namespaced"], rule["scope"], field: "\(field).scope", into: &findings)
    }

    private static func reviewVersions(_ webhook: JSONValue, field: String, into findings: inout Findings) {
        let versions = (webhook["admissionReviewVersions"]?.arrayValue ?? []).compactMap(\.stringValue)
        if versions.isEmpty {
            findings.required("\(field).admissionReviewVersions", "must specify one of v1, v1beta1")
        } else if !versions.contains("v1"), !versions.contains("v1beta1") {
            findings.invalid(
                "\(field).admissionReviewVersions", webhook["admissionReviewVersions"],
                "must include at least one of v1, v1beta1")
        }
        var seen: Set<String> = []
        for (index, version) in versions.enumerated() {
            let here = "\(field).admissionReviewVersions[\(index)]"
            if !seen.insert(version).inserted {
                findings.invalid(here, .string(version), "duplicate version")
            } else {
                findings.invalid(here, version, NameRules.dns1035Label(version))
            }
        }
    }

    private static func client(_ client: JSONValue?, field: String, into findings: inout Findings) {
        switch (client?["url"]?.stringValue, client?["service"]) {
        case (nil, nil), (_?, _?): findings.required(field, "exactly one of url or service is required")
        case (let url?, nil):
            if !url.hasPrefix("https://") {
                findings.invalid(
                    "\(field).url", .string(url),
                    "'https' is the only allowed URL scheme; desired format: https://host[/path]")
            }
        case (nil, let service?):
            for name in ["name", "namespace"] where (service[name]?.stringValue ?? "").isEmpty {
                findings.required("\(field).service.\(name)", "service \(name) is required")
            }
            servicePort(service["port"], field: "\(field).service.port", into: &findings)
            if let path = service["path"]?.stringValue, !path.hasPrefix("/") {
                findings.invalid("\(field).service.path", .string(path), "must start with a '/'")
            }
        }
    }

    private static func servicePort(_ port: JSONValue?, field: String, into findings: inout Findings) {
        if let port, !(1...65_535).contains(port.intValue ?? 0) {
            findings.invalid(field, port, "port is not valid: must be between 1 and 65535, inclusive")
        }
    }

    static func apiService(_ object: JSONValue, into findings: inout Findings) {
        let spec = object["spec"]
        let version = spec?["version"]?.stringValue ?? ""
        let group = spec?["group"]?.stringValue ?? ""
        let wanted = "\(version).\(group)"
        if object.name != wanted {
            findings.invalid(
                "metadata.name", .string(object.name),
                "must be `spec.version+\".\"+spec.group`: \"\(wanted)\"")
        }
        if group.isEmpty, version != "v1" {
            findings.required("spec.group", "only v1 may have an empty group and it better be legacy kube")
        } else if !group.isEmpty {
            findings.invalid("spec.group", group, NameRules.dnsSubdomain(group))
        }
        findings.invalid("spec.version", version, NameRules.dns1035Label(version))
        let priority = spec?["groupPriorityMinimum"] ?? 0
        if !(1...20_000).contains(priority.intValue ?? 0) {
            findings.invalid("spec.groupPriorityMinimum", priority, "must be positive and less than 20000")
        }
        let place = spec?["versionPriority"] ?? 0
        if !(1...1000).contains(place.intValue ?? 0) {
            findings.invalid("spec.versionPriority", place, "must be positive and less than 1000")
        }
        guard let service = spec?["service"] else {
            if spec?["insecureSkipTLSVerify"]?.boolValue == true {
                findings.invalid(
                    "spec.insecureSkipTLSVerify", true, "local APIServices may not have insecureSkipTLSVerify")
            }
            return
        }
        for name in ["namespace", "name"] where (service[name]?.stringValue ?? "").isEmpty {
            findings.required("spec.service.\(name)")
        }
        servicePort(service["port"], field: "spec.service.port", into: &findings)
        if spec?["insecureSkipTLSVerify"]?.boolValue == true, (spec?["caBundle"]?.stringValue ?? "").isEmpty == false {
            findings.invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present")
        }
    }
}
