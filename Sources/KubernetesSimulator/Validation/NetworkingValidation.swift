internal import KubernetesObjects

// MARK: - Ingresses and network policies

extension Validation {
    static func ingress(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let spec = object["spec"]
        let rules = spec?["rules"]?.arrayValue ?? []
        if rules.isEmpty, spec?["defaultBackend"] == nil {
            findings.invalid("spec", nil, "either `defaultBackend` or `rules` must be specified")
        }
        if let backend = spec?["defaultBackend"] {
            self.backend(backend, field: "spec.defaultBackend", into: &findings)
        }
        for (index, entry) in (spec?["tls"]?.arrayValue ?? []).enumerated() {
            for (place, host) in (entry["hosts"]?.arrayValue ?? []).enumerated() {
                self.host(host.stringValue ?? "", field: "spec.tls[\(index)].hosts[\(place)]", into: &findings)
            }
            if let name = entry["secretName"]?.stringValue, !name.isEmpty {
                findings.invalid("spec.tls[\(index)].secretName", name, NameRules.dnsSubdomain(name))
            }
        }
        for (index, rule) in rules.enumerated() {
            let here = "spec.rules[\(index)]"
            if let host = rule["host"]?.stringValue, !host.isEmpty {
                if isIP(host) {
                    findings.invalid("\(here).host", .string(host), "must be a DNS name, not an IP address")
                } else {
                    self.host(host, field: "\(here).host", into: &findings)
                }
            }
            guard let http = rule["http"] else { continue }
            if http["paths"]?.arrayValue?.isEmpty != false { findings.required("\(here).http.paths") }
            for (place, path) in (http["paths"]?.arrayValue ?? []).enumerated() {
                self.path(path, field: "\(here).http.paths[\(place)]", into: &findings)
            }
        }
        if let name = spec?["ingressClassName"]?.stringValue {
            findings.invalid("spec.ingressClassName", name, NameRules.dnsSubdomain(name))
            let key = "kubernetes.io/ingress.class"
            if old == nil, let other = object.at("metadata", "annotations", key), other.stringValue != name {
                findings.invalid(
                    "annotations.\(key)", other, "must match `ingressClassName` when both are specified")
            }
        }
    }

    private static func host(_ host: String, field: String, into findings: inout Findings) {
        findings.invalid(
            field, host, host.contains("*") ? NameRules.wildcardSubdomain(host) : NameRules.dnsSubdomain(host))
    }

    private static func path(_ entry: JSONValue, field: String, into findings: inout Findings) {
        guard let type = entry["pathType"]?.stringValue else {
            return findings.required("\(field).pathType", "pathType must be specified")
        }
        let path = entry["path"]?.stringValue ?? ""
        switch type {
        case "Exact", "Prefix":
            if !path.hasPrefix("/") {
                findings.invalid("\(field).path", .string(path), "must be an absolute path")
            }
            for bad in ["//", "/./", "/../", "%2f", "%2F"] where path.contains(bad) {
                findings.invalid("\(field).path", .string(path), "must not contain '\(bad)'")
            }
            for bad in ["/..", "/."] where path.hasSuffix(bad) {
                findings.invalid("\(field).path", .string(path), "cannot end with '\(bad)'")
            }
        case "ImplementationSpecific":
            if !path.isEmpty, !path.hasPrefix("/") {
                findings.invalid("\(field).path", .string(path), "must be an absolute path")
            }
        default:
            findings.unsupported(
                "\(field).pathType", .string(type), ["Exact", "ImplementationSpecific", "Prefix"])
        }
        backend(entry["backend"], field: "\(field).backend", into: &findings)
    }

    private static func backend(_ backend: JSONValue?, field: String, into findings: inout Findings) {
        let service = backend?["service"]
        let resource = backend?["resource"]
        if service != nil, resource != nil {
            return findings.invalid(field, "", "cannot set both resource and service backends")
        }
        if let resource { return typedReference(resource, field: "\(field).resource", into: &findings) }
        guard let service else { return findings.invalid(field, "", "resource or service backend is required") }
        let name = service["name"]?.stringValue ?? ""
        if name.isEmpty {
            findings.required("\(field).service.name")
        } else {
            findings.invalid("\(field).service.name", name, NameRules.dnsLabel(name))
        }
        let number = service.at("port", "number")?.intValue ?? 0
        let named = service.at("port", "name")?.stringValue ?? ""
        if number != 0, !named.isEmpty {
            findings.invalid(field, "", "cannot set both port name & port number")
        } else if number == 0, named.isEmpty {
            findings.required(field, "port name or number is required")
        } else if !named.isEmpty {
            findings.invalid("\(field).service.port.name", named, NameRules.portName(named))
        } else {
            findings.port("\(field).service.port.number", service.at("port", "number"))
        }
    }

    /// A reference to an object of any kind in the same namespace.
    private static func typedReference(_ reference: JSONValue, field: String, into findings: inout Findings) {
        if let group = reference["apiGroup"]?.stringValue {
            findings.invalid("\(field).apiGroup", group, NameRules.dnsSubdomain(group))
        }
        for part in ["kind", "name"] {
            let text = reference[part]?.stringValue ?? ""
            if text.isEmpty {
                findings.required("\(field).\(part)", "\(part) is required")
            } else {
                findings.invalid("\(field).\(part)", text, NameRules.pathSegment(text))
            }
        }
    }

    static func ingressClass(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let controller = object.at("spec", "controller")?.stringValue ?? ""
        if controller.isEmpty {
            findings.required("spec.controller")
        } else {
            if controller.utf8.count > 250 { findings.tooLong("spec.controller", 250) }
            if !controller.contains("/") || controller.hasPrefix("/") {
                findings.invalid(
                    "spec.controller", .string(controller), "must be a domain-prefixed path (such as \"acme.io/foo\")")
            }
        }
        if let parameters = object.at("spec", "parameters") {
            let here = "spec.parameters"
            typedReference(parameters, field: here, into: &findings)
            let scope = parameters["scope"]
            findings.oneOfGiven(["Cluster", "Namespace"], "\(here).scope", scope)
            let namespace = parameters["namespace"]?.stringValue
            if scope == "Cluster", namespace != nil {
                findings.forbidden("\(here).namespace", "`parameters.scope` is set to 'Cluster'")
            } else if scope == "Namespace" {
                if let namespace {
                    findings.invalid("\(here).namespace", namespace, NameRules.dnsLabel(namespace))
                } else {
                    findings.required("\(here).namespace", "`parameters.scope` is set to 'Namespace'")
                }
            }
        }
        if let old {
            immutable("spec.controller", object.at("spec", "controller"), old.at("spec", "controller"), into: &findings)
        }
    }

    // MARK: Network policies

    static func networkPolicy(_ object: JSONValue, into findings: inout Findings) {
        selector(object.at("spec", "podSelector"), field: "spec.podSelector", into: &findings)
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for (index, rule) in (object.at("spec", direction)?.arrayValue ?? []).enumerated() {
                let here = "spec.\(direction)[\(index)]"
                for (place, port) in (rule["ports"]?.arrayValue ?? []).enumerated() {
                    self.policyPort(port, field: "\(here).ports[\(place)]", into: &findings)
                }
                for (place, peer) in (rule[peers]?.arrayValue ?? []).enumerated() {
                    self.peer(peer, field: "\(here).\(peers)[\(place)]", into: &findings)
                }
            }
        }
        let types = object.at("spec", "policyTypes")?.arrayValue ?? []
        if types.count > 2 {
            return findings.invalid(
                "spec.policyTypes", .array(types), "may not specify more than two policyTypes")
        }
        for (index, type) in types.enumerated() {
            let known = ["Ingress", "Egress"]
            if !known.contains(type.stringValue ?? "") {
                findings.unsupported("spec.policyTypes[\(index)]", type, known, isSorted: false)
            }
        }
    }

    private static func policyPort(_ port: JSONValue, field: String, into findings: inout Findings) {
        findings.oneOfGiven(["SCTP", "TCP", "UDP"], "\(field).protocol", port["protocol"])
        findings.portNumberOrName("\(field).port", port["port"])
        guard let end = port["endPort"] else { return }
        if let start = port["port"]?.intValue {
            if end.intValue ?? 0 < start {
                findings.invalid("\(field).endPort", end, "must be greater than or equal to `port`")
            }
            findings.port("\(field).endPort", end)
        } else {
            let state = port["port"] == nil ? "not specified" : "non-numeric"
            findings.invalid("\(field).endPort", end, "may not be specified when `port` is \(state)")
        }
    }

    private static func peer(_ peer: JSONValue, field: String, into findings: inout Findings) {
        selector(peer["podSelector"], field: "\(field).podSelector", into: &findings)
        selector(peer["namespaceSelector"], field: "\(field).namespaceSelector", into: &findings)
        let count = [peer["podSelector"], peer["namespaceSelector"], peer["ipBlock"]].filter { $0 != nil }.count
        if count == 0 {
            findings.required(field, "must specify a peer")
        } else if peer["ipBlock"] != nil, count > 1 {
            findings.forbidden(field, "may not specify both ipBlock and another peer")
        }
        guard let block = peer["ipBlock"] else { return }
        let range = block["cidr"]?.stringValue ?? ""
        if range.isEmpty {
            findings.required("\(field).ipBlock.cidr")
        } else if !isCIDR(range) {
            findings.invalid("\(field).ipBlock.cidr", .string(range), cidrForm)
        } else {
            for (index, exception) in (block["except"]?.arrayValue ?? []).enumerated() {
                let part = exception.stringValue ?? ""
                let here = "\(field).ipBlock.except[\(index)]"
                if !isCIDR(part) {
                    findings.invalid(here, exception, cidrForm)
                } else if !isStrictly(part, within: range) {
                    findings.invalid(here, exception, "must be a strict subset of `cidr`")
                }
            }
        }
    }

    /// Whether one range of addresses is a part of another and not all of it. Ranges of IPv6 are taken to be.
    private static func isStrictly(_ part: String, within whole: String) -> Bool {
        func read(_ text: String) -> (bits: UInt32, length: UInt32)? {
            let pieces = text.split(separator: "/")
            let numbers = (pieces.first ?? "").split(separator: ".").compactMap { UInt32($0) }
            guard pieces.count == 2, numbers.count == 4, let length = UInt32(pieces[1]) else { return nil }
            return (numbers.reduce(0) { $0 << 8 | $1 }, length)
        }
        guard let part = read(part), let whole = read(whole) else { return true }
        let mask: UInt32 = whole.length == 0 ? 0 : ~0 << (32 - whole.length)
        return part.length > whole.length && part.bits & mask == whole.bits & mask
    }
}
