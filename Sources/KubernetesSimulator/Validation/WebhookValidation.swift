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
                for field in ["operations", "apiGroups", "apiVersions", "resources"]
                where rule[field]?.arrayValue?.isEmpty != false {
                    findings.required("\(here).rules[\(place)].\(field)")
                }
                findings.oneOf(["*", "Cluster", "Namespaced"], "\(here).rules[\(place)].scope", rule["scope"])
            }
            findings.oneOf(["Fail", "Ignore"], "\(here).failurePolicy", webhook["failurePolicy"])
            findings.oneOf(["Equivalent", "Exact"], "\(here).matchPolicy", webhook["matchPolicy"])
            findings.oneOf(["IfNeeded", "Never"], "\(here).reinvocationPolicy", webhook["reinvocationPolicy"])
            if webhook["sideEffects"] == nil {
                findings.required("\(here).sideEffects", "must specify one of None, NoneOnDryRun")
            } else {
                findings.oneOf(["None", "NoneOnDryRun"], "\(here).sideEffects", webhook["sideEffects"])
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

    private static func reviewVersions(_ webhook: JSONValue, field: String, into findings: inout Findings) {
        let versions = (webhook["admissionReviewVersions"]?.arrayValue ?? []).compactMap(\.stringValue)
        if versions.isEmpty {
            findings.required("\(field).admissionReviewVersions", "must specify one of v1, v1beta1")
        } else if !versions.contains("v1"), !versions.contains("v1beta1") {
            findings.invalid(
                "\(field).admissionReviewVersions", webhook["admissionReviewVersions"],
                "must include at least one of v1, v1beta1")
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
            findings.port("\(field).service.port", service["port"])
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
        if version.isEmpty { findings.required("spec.version") }
        let priority = spec?["groupPriorityMinimum"] ?? 0
        if !(1...20_000).contains(priority.intValue ?? 0) {
            findings.invalid("spec.groupPriorityMinimum", priority, "must be positive and less than 20000")
        }
        let place = spec?["versionPriority"] ?? 0
        if !(1...1000).contains(place.intValue ?? 0) {
            findings.invalid("spec.versionPriority", place, "must be positive and less than 1000")
        }
        if spec?["service"] == nil, spec?["insecureSkipTLSVerify"]?.boolValue == true {
            findings.invalid(
                "spec.insecureSkipTLSVerify", true, "must be false for local APIServices")
        }
    }
}
