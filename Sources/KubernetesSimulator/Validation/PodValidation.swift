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
        findings.notNegative("\(field).terminationGracePeriodSeconds", spec?["terminationGracePeriodSeconds"])
        for (index, secret) in (spec?["imagePullSecrets"]?.arrayValue ?? []).enumerated()
        where (secret["name"]?.stringValue ?? "").isEmpty {
            findings.required("\(field).imagePullSecrets[\(index)].name")
        }
        tolerations(spec?["tolerations"], field: "\(field).tolerations", into: &findings)
        spreading(spec?["topologySpreadConstraints"], field: "\(field).topologySpreadConstraints", into: &findings)
        affinity(spec?["affinity"], field: "\(field).affinity", into: &findings)
        for name in ["runAsUser", "runAsGroup", "fsGroup"] {
            let value = spec?.at("securityContext", name)
            if let number = value?.intValue, !(0...2_147_483_647).contains(number) {
                findings.invalid(
                    "\(field).securityContext.\(name)", value, "must be between 0 and 2147483647, inclusive")
            }
        }
    }

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

    private static func tolerations(_ list: JSONValue?, field: String, into findings: inout Findings) {
        for (index, toleration) in (list?.arrayValue ?? []).enumerated() {
            let here = "\(field)[\(index)]"
            let key = toleration["key"]?.stringValue ?? ""
            if !key.isEmpty { findings.invalid("\(here).key", key, NameRules.qualifiedName(key)) }
            let comparison = toleration["operator"]?.stringValue ?? ""
            if key.isEmpty, comparison != "Exists" {
                findings.invalid(
                    "\(here).operator", .string(comparison),
                    "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
            }
            if toleration["tolerationSeconds"] != nil, toleration["effect"] != "NoExecute" {
                findings.invalid(
                    "\(here).effect", toleration["effect"] ?? "",
                    "effect must be 'NoExecute' when `tolerationSeconds` is set")
            }
            switch comparison {
            case "", "Equal": break
            case "Exists":
                if (toleration["value"]?.stringValue ?? "").isEmpty == false {
                    findings.invalid(
                        "\(here).operator", toleration, "value must be empty when `operator` is 'Exists'")
                }
            default: findings.unsupported("\(here).operator", .string(comparison), ["Equal", "Exists"])
            }
            findings.oneOf(["NoExecute", "NoSchedule", "PreferNoSchedule"], "\(here).effect", toleration["effect"])
        }
    }

    private static func spreading(_ list: JSONValue?, field: String, into findings: inout Findings) {
        for (index, constraint) in (list?.arrayValue ?? []).enumerated() {
            let here = "\(field)[\(index)]"
            if constraint["maxSkew"]?.intValue ?? 0 <= 0 {
                findings.invalid("\(here).maxSkew", constraint["maxSkew"] ?? 0, "must be greater than zero")
            }
            let key = constraint["topologyKey"]?.stringValue ?? ""
            if key.isEmpty {
                findings.required("\(here).topologyKey", "can not be empty")
            } else {
                findings.invalid("\(here).topologyKey", key, NameRules.qualifiedName(key))
            }
            if !["DoNotSchedule", "ScheduleAnyway"].contains(constraint["whenUnsatisfiable"]?.stringValue ?? "") {
                findings.unsupported(
                    "\(here).whenUnsatisfiable", constraint["whenUnsatisfiable"], ["DoNotSchedule", "ScheduleAnyway"])
            }
            selector(constraint["labelSelector"], field: "\(here).labelSelector", into: &findings)
        }
    }

    private static func affinity(_ affinity: JSONValue?, field: String, into findings: inout Findings) {
        let hard = "requiredDuringSchedulingIgnoredDuringExecution"
        let soft = "preferredDuringSchedulingIgnoredDuringExecution"
        if let terms = affinity?.at("nodeAffinity", hard)?["nodeSelectorTerms"], terms.arrayValue?.isEmpty != false {
            findings.required(
                "\(field).nodeAffinity.\(hard).nodeSelectorTerms", "must have at least one node selector term")
        }
        for kind in ["podAffinity", "podAntiAffinity"] {
            let here = "\(field).\(kind)"
            for (index, term) in (affinity?.at(kind, hard)?.arrayValue ?? []).enumerated() {
                podTerm(term, field: "\(here).\(hard)[\(index)]", into: &findings)
            }
            for (index, weighted) in (affinity?.at(kind, soft)?.arrayValue ?? []).enumerated() {
                let place = "\(here).\(soft)[\(index)]"
                if !(1...100).contains(weighted["weight"]?.intValue ?? 0) {
                    findings.invalid("\(place).weight", weighted["weight"] ?? 0, "must be in the range 1-100")
                }
                podTerm(weighted["podAffinityTerm"], field: "\(place).podAffinityTerm", into: &findings)
            }
        }
    }

    private static func podTerm(_ term: JSONValue?, field: String, into findings: inout Findings) {
        selector(term?["labelSelector"], field: "\(field).labelSelector", into: &findings)
        let key = term?["topologyKey"]?.stringValue ?? ""
        if key.isEmpty {
            findings.required("\(field).topologyKey", "can not be empty")
        } else {
            findings.invalid("\(field).topologyKey", key, NameRules.qualifiedName(key))
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
