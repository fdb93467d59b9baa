internal import KubernetesObjects

// MARK: - Pods and their templates

extension Validation {
    static func pod(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        if let old { podUpdate(object, old: old, into: &findings) }
        podSpec(object["spec"], field: "spec", into: &findings)
    }

    static func podTemplate(
        _ template: JSONValue?, field: String, claims: Set<String> = [], into findings: inout Findings
    ) {
        labels(template?.at("metadata", "labels"), field: "\(field).labels", into: &findings)
        annotations(template?.at("metadata", "annotations"), field: "\(field).annotations", into: &findings)
        podSpec(template?["spec"], field: "\(field).spec", claims: claims, into: &findings)
    }

    /// - Parameter claims: volumes that a StatefulSet's claim templates bring.
    static func podSpec(_ spec: JSONValue?, field: String, claims: Set<String> = [], into findings: inout Findings) {
        var volumes = claims
        podVolumes(spec?["volumes"], field: "\(field).volumes", names: &volumes, into: &findings)
        let containers = spec?["containers"]?.arrayValue ?? []
        if containers.isEmpty { findings.required("\(field).containers") }
        let policy = spec?["restartPolicy"]?.stringValue ?? "Always"
        var names: Set<String> = []
        for list in ["containers", "initContainers"] {
            for (index, container) in (spec?[list]?.arrayValue ?? []).enumerated() {
                let here = "\(field).\(list)[\(index)]"
                self.container(
                    container, field: here, volumes: volumes, isInit: list == "initContainers",
                    isOnHostNetwork: spec?["hostNetwork"]?.boolValue == true, into: &findings)
                let name = container["name"] ?? ""
                if !names.insert(name.stringValue ?? "").inserted { findings.duplicate("\(here).name", name) }
            }
        }
        hostPorts(containers, field: field, into: &findings)
        findings.oneOf(["Always", "Never", "OnFailure"], "\(field).restartPolicy", .string(policy))
        findings.oneOf(
            ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"], "\(field).dnsPolicy", spec?["dnsPolicy"])
        if spec?["dnsPolicy"] == "None", spec?.at("dnsConfig", "nameservers")?.arrayValue?.isEmpty != false {
            findings.required(
                "\(field).dnsConfig.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")
        }
        dnsConfiguration(spec?["dnsConfig"], field: "\(field).dnsConfig", into: &findings)
        hostAliases(spec?["hostAliases"], field: "\(field).hostAliases", into: &findings)
        labels(spec?["nodeSelector"], field: "\(field).nodeSelector", into: &findings)
        for name in ["serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"] {
            if let text = spec?[name]?.stringValue, !text.isEmpty {
                findings.invalid("\(field).\(name)", text, NameRules.dnsSubdomain(text))
            }
        }
        for name in ["hostname", "subdomain"] {
            if let text = spec?[name]?.stringValue, !text.isEmpty {
                findings.invalid("\(field).\(name)", text, NameRules.dnsLabel(text))
            }
        }
        if let deadline = spec?["activeDeadlineSeconds"]?.intValue, !(1...2_147_483_647).contains(deadline) {
            findings.invalid(
                "\(field).activeDeadlineSeconds", spec?["activeDeadlineSeconds"],
                "must be between 1 and 2147483647, inclusive")
        }
        tolerations(spec?["tolerations"], field: "\(field).tolerations", into: &findings)
        spreading(spec?["topologySpreadConstraints"], field: "\(field).topologySpreadConstraints", into: &findings)
        affinity(spec?["affinity"], field: "\(field).affinity", into: &findings)
        securityContext(spec?["securityContext"], field: "\(field).securityContext", into: &findings)
        for (index, gate) in (spec?["readinessGates"]?.arrayValue ?? []).enumerated() {
            let type = gate["conditionType"]?.stringValue ?? ""
            findings.invalid("\(field).readinessGates[\(index)].conditionType", type, NameRules.qualifiedName(type))
        }
    }

    private static func securityContext(_ context: JSONValue?, field: String, into findings: inout Findings) {
        identities(context, ["runAsUser", "runAsGroup", "fsGroup"], field: field, into: &findings)
        for (index, group) in (context?["supplementalGroups"]?.arrayValue ?? []).enumerated() {
            identity(group, field: "\(field).supplementalGroups[\(index)]", into: &findings)
        }
        var names: Set<String> = []
        for (index, setting) in (context?["sysctls"]?.arrayValue ?? []).enumerated() {
            let here = "\(field).sysctls[\(index)].name"
            let name = setting["name"]?.stringValue ?? ""
            if name.isEmpty {
                findings.required(here)
            } else if !NameRules.isKernelSetting(name) {
                findings.invalid(
                    here, .string(name),
                    "must have at most 253 characters and match regex \(NameRules.kernelSettingForm)")
            } else if names.contains(name) {
                findings.duplicate(here, .string(name))
            }
            names.insert(name)
        }
    }

    /// Numbers of users and groups.
    static func identities(_ context: JSONValue?, _ names: [String], field: String, into findings: inout Findings) {
        for name in names { identity(context?[name], field: "\(field).\(name)", into: &findings) }
    }

    private static func identity(_ value: JSONValue?, field: String, into findings: inout Findings) {
        if let number = value?.intValue, !(0...2_147_483_647).contains(number) {
            findings.invalid(field, value, "must be between 0 and 2147483647, inclusive")
        }
    }

    // MARK: Names of hosts

    private static func dnsConfiguration(_ config: JSONValue?, field: String, into findings: inout Findings) {
        let servers = config?["nameservers"]?.arrayValue ?? []
        if servers.count > 3 {
            findings.invalid(
                "\(field).nameservers", config?["nameservers"], "must not have more than 3 nameservers")
        }
        for (index, server) in servers.enumerated() {
            address(server, field: "\(field).nameservers[\(index)]", into: &findings)
        }
        let searches = (config?["searches"]?.arrayValue ?? []).map { $0.stringValue ?? "" }
        if searches.count > 32 {
            findings.invalid("\(field).searches", config?["searches"], "must not have more than 32 search paths")
        }
        if searches.joined(separator: " ").utf8.count > 2_048 {
            findings.invalid(
                "\(field).searches", config?["searches"],
                "must not have more than 2048 characters (including spaces) in the search list")
        }
        // A path may end in a dot, be nothing else, and have underscores (KEP-4427).
        for (index, search) in searches.enumerated() where search != "." {
            let name = search.hasSuffix(".") ? String(search.dropLast()) : search
            findings.invalid(
                "\(field).searches[\(index)]", name, NameRules.dnsSubdomain(name.replacing("_", with: "")))
        }
        for (index, option) in (config?["options"]?.arrayValue ?? []).enumerated()
        where (option["name"]?.stringValue ?? "").isEmpty {
            findings.required("\(field).options[\(index)]", "must not be empty")
        }
    }

    private static func hostAliases(_ list: JSONValue?, field: String, into findings: inout Findings) {
        for (index, alias) in (list?.arrayValue ?? []).enumerated() {
            address(alias["ip"] ?? "", field: "\(field)[\(index)].ip", into: &findings)
            for (place, host) in (alias["hostnames"]?.arrayValue ?? []).enumerated() {
                let name = host.stringValue ?? ""
                findings.invalid(
                    "\(field)[\(index)].hostnames[\(place)]", name, NameRules.dnsSubdomain(name))
            }
        }
    }

    private static func address(_ value: JSONValue, field: String, into findings: inout Findings) {
        if !isIP(value.stringValue ?? "") {
            findings.invalid(field, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        }
    }

    // MARK: Ports of the node

    /// Two containers of a pod cannot have one port of its node.
    private static func hostPorts(_ containers: [JSONValue], field: String, into findings: inout Findings) {
        var seen: Set<String> = []
        for (index, container) in containers.enumerated() {
            for (place, port) in (container["ports"]?.arrayValue ?? []).enumerated() {
                guard let number = port["hostPort"]?.intValue, number != 0 else { continue }
                let id = "\(port["protocol"]?.stringValue ?? "")/\(port["hostIP"]?.stringValue ?? "")/\(number)"
                if !seen.insert(id).inserted {
                    findings.duplicate("\(field).containers[\(index)].ports[\(place)].hostPort", .string(id))
                }
            }
        }
    }

    /// What may still change once a pod is there.
    private static func podUpdate(_ object: JSONValue, old: JSONValue, into findings: inout Findings) {
        func comparable(_ pod: JSONValue) -> JSONValue {
            var spec = pod["spec"] ?? .null
            for list in ["containers", "initContainers"] {
                Defaults.eachItem(&spec, [list]) { $0["image"] = nil }
            }
            // The node and the priority are the scheduler's and the server's to fill in.
            for field in [
                "activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations", "nodeName", "priority",
                "preemptionPolicy", "ephemeralContainers", "schedulingGates",
            ] {
                spec[field] = nil
            }
            return spec
        }
        let names = { (pod: JSONValue) in (pod.at("spec", "containers")?.arrayValue ?? []).map { $0["name"] } }
        if names(object).count != names(old).count {
            findings.forbidden("spec.containers", "pod updates may not add or remove containers")
        } else if comparable(object) != comparable(old) {
            findings.forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
            )
        }
        let kept = old.at("spec", "tolerations")?.arrayValue ?? []
        let now = object.at("spec", "tolerations")?.arrayValue ?? []
        if !kept.allSatisfy(now.contains) {
            findings.forbidden(
                "spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")
        }
    }
}
