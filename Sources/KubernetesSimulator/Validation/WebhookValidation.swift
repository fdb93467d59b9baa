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
            findings.oneOfGiven(["Fail", "Ignore"], "\(here).failurePolicy", webhook["failurePolicy"])
            findings.oneOfGiven(["Equivalent", "Exact"], "\(here).matchPolicy", webhook["matchPolicy"])
            findings.oneOfGiven(["IfNeeded", "Never"], "\(here).reinvocationPolicy", webhook["reinvocationPolicy"])
            if webhook["sideEffects"] == nil {
                findings.required("\(here).sideEffects", "must specify one of None, NoneOnDryRun")
            } else {
                findings.oneOfGiven(["None", "NoneOnDryRun"], "\(here).sideEffects", webhook["sideEffects"])
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

    private static func rule(_ rule: JSONValue, field: String, into findings: inout Findings) {
        for name in ["operations", "apiGroups", "apiVersions", "resources"] {
            let here = "\(field).\(name)"
            let items = (rule[name]?.arrayValue ?? []).compactMap(\.stringValue)
            if items.isEmpty { findings.required(here) }
            for (index, item) in items.enumerated() {
                switch name {
                case "operations":
                    findings.oneOfGiven(
                        ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"], "\(here)[\(index)]", .string(item))
                case "apiVersions", "resources":
                    if item.isEmpty { findings.required("\(here)[\(index)]") }
                default: break
                }
            }
            guard items.count > 1 else { continue }
            let others = [
                "operations": "operations", "apiGroups": "API groups", "apiVersions": "API versions",
                "resources": "resources without subresources",
            ]
            let hasOther = name != "resources" || items.contains { $0 != "*" && !$0.contains("/") }
            if items.contains("*"), hasOther {
                findings.invalid(
                    here, rule[name], "if '*' is present, must not specify other \(others[name] ?? "")")
            }
            if name == "resources", items.contains("*/*") {
                findings.invalid(here, rule[name], "if '*/*' is present, must not specify other resources")
            }
        }
        findings.oneOfGiven(["*", "Cluster", "Namespaced"], "\(field).scope", rule["scope"])
    }

    static func reviewVersions(_ webhook: JSONValue, field: String, into findings: inout Findings) {
        let versions = (webhook["admissionReviewVersions"]?.arrayValue ?? []).compactMap(\.stringValue)
        if versions.isEmpty {
            return findings.required("\(field).admissionReviewVersions", "must specify one of v1, v1beta1")
        }
        var seen: Set<String> = []
        for (index, version) in versions.enumerated() {
            let here = "\(field).admissionReviewVersions[\(index)]"
            if seen.insert(version).inserted {
                findings.invalid(here, version, NameRules.dns1035Label(version))
            } else {
                findings.invalid(here, .string(version), "duplicate version")
            }
        }
        if !versions.contains("v1"), !versions.contains("v1beta1") {
            findings.invalid(
                "\(field).admissionReviewVersions", webhook["admissionReviewVersions"],
                "must include at least one of v1, v1beta1")
        }
    }

    static func client(_ client: JSONValue?, field: String, into findings: inout Findings) {
        switch (client?["url"]?.stringValue, client?["service"]) {
        case (nil, nil), (_?, _?): findings.required(field, "exactly one of url or service is required")
        case (let url?, nil):
            // The server shows the part of the address that it complains of.
            let form = "; desired format: https://host[/path]"
            let parts = url.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
            let scheme = parts.count > 1 ? String(parts[0]) : ""
            if scheme != "https" {
                findings.invalid("\(field).url", .string(scheme), "'https' is the only allowed URL scheme\(form)")
            }
            if parts.count < 2 || parts[1].isEmpty || parts[1].hasPrefix("/") {
                findings.invalid("\(field).url", "", "host must be provided\(form)")
            }
        case (nil, let service?):
            // The server takes the one for the other: what is missing is reported by the other's name.
            for (missing, named) in [("namespace", "name"), ("name", "namespace")]
            where (service[missing]?.stringValue ?? "").isEmpty {
                findings.required("\(field).service.\(named)", "service \(named) is required")
            }
            if let port = service["port"], !(1...65_535).contains(port.intValue ?? 0) {
                findings.invalid(
                    "\(field).service.port", port,
                    "port is not valid: must be between 1 and 65535, inclusive")
            }
            if let path = service["path"]?.stringValue {
                servicePath(path, field: "\(field).service.path", into: &findings)
            }
        }
    }

    private static func servicePath(_ path: String, field: String, into findings: inout Findings) {
        if path.isEmpty || path == "/" { return }
        if path == "//" { return findings.invalid(field, .string(path), "segment[0] may not be empty") }
        if !path.hasPrefix("/") { findings.invalid(field, .string(path), "must start with a '/'") }
        // The first byte is taken for the slash that it should be.
        let bare = String(path.dropFirst())
        let steps = (bare.hasSuffix("/") ? String(bare.dropLast()) : bare).split(
            separator: "/", omittingEmptySubsequences: false)
        for (index, step) in steps.enumerated() {
            if step.isEmpty {
                findings.invalid(field, .string(path), "segment[\(index)] may not be empty")
                continue
            }
            for problem in NameRules.dnsSubdomain(String(step)) {
                findings.invalid(field, .string(path), "segment[\(index)]: \(problem)")
            }
        }
    }

    static func apiService(_ object: JSONValue, into findings: inout Findings) {
        let spec = object["spec"]
        let version = spec?["version"]?.stringValue ?? ""
        let group = spec?["group"]?.stringValue ?? ""
        let wanted = "\(version).\(group)"
        if !object.name.isEmpty, object.name != wanted {
            findings.invalid(
                "metadata.name", .string(object.name),
                "must be `spec.version+\".\"+spec.group`: \"\(wanted)\"")
        }
        if !group.isEmpty {
            findings.invalid("spec.group", group, NameRules.dnsSubdomain(group))
        } else if version != "v1" {
            findings.required("spec.group", "only v1 may have an empty group and it better be legacy kube")
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
        let bundle = spec?["caBundle"]?.stringValue ?? ""
        let skips = spec?["insecureSkipTLSVerify"]?.boolValue == true
        guard let service = spec?["service"] else {
            if !bundle.isEmpty {
                findings.invalid(
                    "spec.caBundle", .string("\(Base64.decode(bundle)?.count ?? 0) bytes"),
                    "local APIServices may not have a caBundle")
            }
            if skips {
                findings.invalid(
                    "spec.insecureSkipTLSVerify", true, "local APIServices may not have insecureSkipTLSVerify")
            }
            return
        }
        for name in ["namespace", "name"] where (service[name]?.stringValue ?? "").isEmpty {
            findings.required("spec.service.\(name)")
        }
        if let port = service["port"], !(1...65_535).contains(port.intValue ?? 0) {
            findings.invalid(
                "spec.service.port", port, "port is not valid: must be between 1 and 65535, inclusive")
        }
        if skips, !bundle.isEmpty {
            findings.invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present")
        }
    }
}
