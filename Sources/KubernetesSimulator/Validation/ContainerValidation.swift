internal import KubernetesObjects

// MARK: - Containers

extension Validation {
    static func container(
        _ container: JSONValue, field: String, volumes: Set<String>, isInit: Bool, isOnHostNetwork: Bool,
        into findings: inout Findings
    ) {
        let name = container["name"]?.stringValue ?? ""
        if name.isEmpty {
            findings.required("\(field).name")
        } else {
            findings.invalid("\(field).name", name, NameRules.dnsLabel(name))
        }
        let image = container["image"]?.stringValue ?? ""
        if image.isEmpty {
            findings.required("\(field).image")
        } else if image.first?.isWhitespace == true || image.last?.isWhitespace == true {
            findings.invalid("\(field).image", .string(image), "must not have leading or trailing whitespace")
        }
        findings.oneOf(["Always", "IfNotPresent", "Never"], "\(field).imagePullPolicy", container["imagePullPolicy"])
        findings.oneOf(
            ["FallbackToLogsOnError", "File"], "\(field).terminationMessagePolicy",
            container["terminationMessagePolicy"])
        ports(container["ports"], field: "\(field).ports", isOnHostNetwork: isOnHostNetwork, into: &findings)
        environment(container, field: field, into: &findings)
        mounts(
            container["volumeMounts"], field: "\(field).volumeMounts", volumes: volumes,
            isPrivileged: container.at("securityContext", "privileged")?.boolValue == true, into: &findings)
        resources(container["resources"], field: "\(field).resources", into: &findings)
        let isSidecar = isInit && container["restartPolicy"] == "Always"
        for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
            guard let probe = container[name] else { continue }
            if isInit, !isSidecar {
                findings.forbidden(
                    "\(field).\(name)", "may not be set for init containers without restartPolicy=Always")
            } else {
                self.probe(probe, name: name, field: "\(field).\(name)", into: &findings)
            }
        }
        for hook in ["postStart", "preStop"] {
            guard let handler = container.at("lifecycle", hook) else { continue }
            if isInit, !isSidecar {
                findings.forbidden(
                    "\(field).lifecycle", "may not be set for init containers without restartPolicy=Always")
            } else {
                self.handler(
                    handler, kinds: ["exec", "httpGet", "tcpSocket", "sleep"], field: "\(field).lifecycle.\(hook)",
                    into: &findings)
            }
        }
        let context = container["securityContext"]
        identities(context, ["runAsUser", "runAsGroup"], field: "\(field).securityContext", into: &findings)
        if context?["privileged"]?.boolValue == true, context?["allowPrivilegeEscalation"]?.boolValue == false {
            findings.invalid(
                "\(field).securityContext", context,
                "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
        }
    }

    private static func ports(
        _ list: JSONValue?, field: String, isOnHostNetwork: Bool, into findings: inout Findings
    ) {
        var names: Set<String> = []
        for (index, port) in (list?.arrayValue ?? []).enumerated() {
            let here = "\(field)[\(index)]"
            if let name = port["name"]?.stringValue, !name.isEmpty {
                let problems = NameRules.portName(name)
                findings.invalid("\(here).name", name, problems)
                if problems.isEmpty, !names.insert(name).inserted { findings.duplicate("\(here).name", port["name"]) }
            }
            if port["containerPort"]?.intValue ?? 0 == 0 {
                findings.required("\(here).containerPort")
            } else {
                findings.port("\(here).containerPort", port["containerPort"])
            }
            if let host = port["hostPort"]?.intValue, host != 0 {
                findings.port("\(here).hostPort", port["hostPort"])
                if isOnHostNetwork, host != port["containerPort"]?.intValue {
                    findings.invalid(
                        "\(here).hostPort", port["hostPort"], "must match `containerPort` when `hostNetwork` is true")
                }
            }
            findings.oneOf(["SCTP", "TCP", "UDP"], "\(here).protocol", port["protocol"], isRequired: true)
        }
    }

    private static func environment(_ container: JSONValue, field: String, into findings: inout Findings) {
        for (index, variable) in (container["env"]?.arrayValue ?? []).enumerated() {
            let here = "\(field).env[\(index)]"
            let name = variable["name"]?.stringValue ?? ""
            if name.isEmpty {
                findings.required("\(here).name")
            } else {
                findings.invalid("\(here).name", name, NameRules.environmentName(name))
            }
            guard let source = variable["valueFrom"] else { continue }
            let kinds = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]
            let given = kinds.filter { source[$0] != nil }
            if given.isEmpty {
                findings.invalid(
                    "\(here).valueFrom", "",
                    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
                )
            } else if (variable["value"]?.stringValue ?? "").isEmpty == false {
                findings.invalid("\(here).valueFrom", "", "may not be specified when `value` is not empty")
            } else if given.count > 1 {
                findings.invalid("\(here).valueFrom", "", "may not have more than one field specified at a time")
            }
            for kind in ["configMapKeyRef", "secretKeyRef"] {
                guard let reference = source[kind] else { continue }
                let name = reference["name"]?.stringValue ?? ""
                findings.invalid("\(here).valueFrom.\(kind).name", name, NameRules.dnsSubdomain(name))
                let key = reference["key"]?.stringValue ?? ""
                if key.isEmpty {
                    findings.required("\(here).valueFrom.\(kind).key")
                } else {
                    findings.invalid("\(here).valueFrom.\(kind).key", key, NameRules.configKey(key))
                }
            }
            if let reference = source["fieldRef"] {
                fieldReference(
                    reference, known: fieldsForVariables, field: "\(here).valueFrom.fieldRef", into: &findings)
            }
            if let reference = source["resourceFieldRef"] {
                resourceReference(
                    reference, isFile: false, field: "\(here).valueFrom.resourceFieldRef", into: &findings)
            }
        }
        for (index, source) in (container["envFrom"]?.arrayValue ?? []).enumerated() {
            let here = "\(field).envFrom[\(index)]"
            if let prefix = source["prefix"]?.stringValue, !prefix.isEmpty {
                findings.invalid("\(here).prefix", prefix, NameRules.environmentName(prefix))
            }
            let given = ["configMapRef", "secretRef"].filter { source[$0] != nil }
            for kind in given {
                let name = source.at(kind, "name")?.stringValue ?? ""
                if name.isEmpty {
                    findings.required("\(here).\(kind).name")
                } else {
                    findings.invalid("\(here).\(kind).name", name, NameRules.dnsSubdomain(name))
                }
            }
            // The server names the list, not the entry.
            if given.isEmpty {
                findings.invalid("\(field).envFrom", "", "must specify one of: `configMapRef` or `secretRef`")
            } else if given.count > 1 {
                findings.invalid("\(field).envFrom", "", "may not have more than one field specified at a time")
            }
        }
    }

    private static func mounts(
        _ list: JSONValue?, field: String, volumes: Set<String>, isPrivileged: Bool, into findings: inout Findings
    ) {
        var paths: Set<String> = []
        for (index, mount) in (list?.arrayValue ?? []).enumerated() {
            let here = "\(field)[\(index)]"
            let name = mount["name"]?.stringValue ?? ""
            if name.isEmpty { findings.required("\(here).name") }
            if !volumes.contains(name) { findings.notFound("\(here).name", .string(name)) }
            let path = mount["mountPath"]?.stringValue ?? ""
            if path.isEmpty { findings.required("\(here).mountPath") }
            if !paths.insert(path).inserted {
                findings.invalid("\(here).mountPath", .string(path), "must be unique")
            }
            // Here, too, the server names the list.
            for name in ["subPath", "subPathExpr"] {
                if let inner = mount[name]?.stringValue, !inner.isEmpty {
                    descendingPath(inner, field: "\(field).\(name)", into: &findings)
                }
            }
            guard let propagation = mount["mountPropagation"] else { continue }
            let known = ["Bidirectional", "HostToContainer", "None"]
            if !known.contains(propagation.stringValue ?? "") {
                findings.unsupported("\(field).mountPropagation", propagation, known)
            } else if propagation == "Bidirectional", !isPrivileged {
                findings.forbidden(
                    "\(field).mountPropagation",
                    "Bidirectional mount propagation is available only to privileged containers")
            }
        }
    }

    static func resources(_ resources: JSONValue?, field: String, into findings: inout Findings) {
        let limits = resources?["limits"]?.objectValue ?? [:]
        for part in ["limits", "requests"] {
            for (name, value) in (resources?[part]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
                let here = "\(field).\(part)[\(name)]"
                if !["cpu", "memory", "ephemeral-storage", "storage"].contains(name), !name.hasPrefix("hugepages-"),
                    !name.contains("/")
                {
                    findings.invalid(
                        "\(field).\(part)[\(name)]", .string(name),
                        "must be a standard resource type or fully qualified")
                    findings.invalid(
                        "\(field).\(part)[\(name)]", .string(name), "must be a standard resource for containers")
                }
                guard let amount = Quantity.amount(value) else { continue }
                if amount < 0 { findings.invalid(here, value, "must be greater than or equal to 0") }
                guard part == "requests", let limit = limits[name], let most = Quantity.amount(limit) else { continue }
                if amount > most {
                    findings.invalid(
                        "\(field).requests", value,
                        "must be less than or equal to \(name) limit of \(limit.stringValue ?? "")")
                }
            }
        }
    }

    // MARK: Probes and hooks

    private static func probe(_ probe: JSONValue, name: String, field: String, into findings: inout Findings) {
        handler(probe, kinds: ["exec", "httpGet", "tcpSocket", "grpc"], field: field, into: &findings)
        for part in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
            findings.notNegative("\(field).\(part)", probe[part])
        }
        if name != "readinessProbe", let threshold = probe["successThreshold"], threshold != 1 {
            findings.invalid("\(field).successThreshold", threshold, "must be 1")
        }
        if probe["terminationGracePeriodSeconds"] != nil {
            if name == "readinessProbe" {
                findings.invalid(
                    "\(field).terminationGracePeriodSeconds", probe["terminationGracePeriodSeconds"],
                    "must not be set for readinessProbes")
            } else if probe["terminationGracePeriodSeconds"]?.intValue ?? 0 <= 0 {
                findings.invalid(
                    "\(field).terminationGracePeriodSeconds", probe["terminationGracePeriodSeconds"],
                    "must be greater than 0")
            }
        }
    }

    private static func handler(_ handler: JSONValue, kinds: [String], field: String, into findings: inout Findings) {
        let given = kinds.filter { handler[$0] != nil }
        if given.isEmpty { findings.required(field, "must specify a handler type") }
        for kind in given.dropFirst() {
            findings.forbidden("\(field).\(kind)", "may not specify more than 1 handler type")
        }
        guard let kind = given.first, let action = handler[kind] else { return }
        let here = "\(field).\(kind)"
        switch kind {
        case "exec":
            if action["command"]?.arrayValue?.isEmpty != false { findings.required("\(here).command") }
        case "httpGet":
            if (action["path"]?.stringValue ?? "").isEmpty { findings.required("\(here).path") }
            findings.portNumberOrName("\(here).port", action["port"] ?? 0)
            findings.oneOf(["HTTP", "HTTPS"], "\(here).scheme", action["scheme"])
            for header in action["httpHeaders"]?.arrayValue ?? [] {
                let name = header["name"]?.stringValue ?? ""
                findings.invalid("\(here).httpHeaders", name, NameRules.headerName(name))
            }
        case "tcpSocket": findings.portNumberOrName("\(here).port", action["port"] ?? 0)
        case "grpc": findings.port("\(here).port", action["port"] ?? 0)
        default: break
        }
    }
}
