internal import KubernetesObjects

// MARK: - Endpoints, leases and namespaces

extension Validation {
    static func endpoints(_ object: JSONValue, into findings: inout Findings) {
        for (index, subset) in (object["subsets"]?.arrayValue ?? []).enumerated() {
            let here = "subsets[\(index)]"
            let ready = subset["addresses"]?.arrayValue ?? []
            let others = subset["notReadyAddresses"]?.arrayValue ?? []
            if ready.isEmpty, others.isEmpty {
                findings.required(here, "must specify `addresses` or `notReadyAddresses`")
            }
            for (list, addresses) in [("addresses", ready), ("notReadyAddresses", others)] {
                for (place, address) in addresses.enumerated() {
                    endpoint(address, field: "\(here).\(list)[\(place)]", into: &findings)
                }
            }
            let ports = subset["ports"]?.arrayValue ?? []
            for (place, port) in ports.enumerated() {
                let name = port["name"]?.stringValue ?? ""
                if name.isEmpty, ports.count > 1 { findings.required("\(here).ports[\(place)].name") }
                if !name.isEmpty {
                    findings.invalid("\(here).ports[\(place)].name", name, NameRules.dnsLabel(name))
                }
                findings.port("\(here).ports[\(place)].port", port["port"] ?? 0)
                findings.oneOf(
                    ["SCTP", "TCP", "UDP"], "\(here).ports[\(place)].protocol", port["protocol"], isRequired: true)
            }
        }
    }

    /// Addresses that mean another thing on each machine are nobody's endpoint.
    private static func endpoint(_ address: JSONValue, field: String, into findings: inout Findings) {
        let text = address["ip"]?.stringValue ?? ""
        if !isIP(text) {
            findings.invalid(
                "\(field).ip", .string(text), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        }
        if let name = address["hostname"]?.stringValue, !name.isEmpty {
            findings.invalid("\(field).hostname", name, NameRules.dnsLabel(name))
        }
        if let name = address["nodeName"]?.stringValue {
            findings.invalid("\(field).nodeName", name, NameRules.dnsSubdomain(name))
        }
        let ranges = [
            ("127.", "loopback range (127.0.0.0/8, ::1/128)"),
            ("169.254.", "link-local range (169.254.0.0/16, fe80::/10)"),
            ("224.0.0.", "link-local multicast range (224.0.0.0/24, ff02::/10)"),
        ]
        for (prefix, name) in ranges where text.hasPrefix(prefix) {
            findings.invalid("\(field).ip", .string(text), "may not be in the \(name)")
        }
        if text == "0.0.0.0" || text == "::" {
            findings.invalid("\(field).ip", .string(text), "may not be unspecified (\(text))")
        }
    }

    static func endpointSlice(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let type = object["addressType"]?.stringValue ?? ""
        if type.isEmpty {
            findings.required("addressType")
        } else {
            findings.oneOf(["FQDN", "IPv4", "IPv6"], "addressType", .string(type))
        }
        for (index, endpoint) in (object["endpoints"]?.arrayValue ?? []).enumerated() {
            let addresses = (endpoint["addresses"]?.arrayValue ?? []).map { $0.stringValue ?? "" }
            if addresses.isEmpty {
                findings.required("endpoints[\(index)].addresses", "must contain at least 1 address")
            }
            for (place, address) in addresses.enumerated() {
                let here = "endpoints[\(index)].addresses[\(place)]"
                if type == "FQDN" {
                    findings.invalid(here, address, NameRules.dnsSubdomain(address))
                } else if !isIP(address) {
                    findings.invalid(
                        here, .string(address), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
                }
            }
            if let name = endpoint["hostname"]?.stringValue {
                findings.invalid("endpoints[\(index)].hostname", name, NameRules.dnsLabel(name))
            }
        }
        var names: Set<String> = []
        for (index, port) in (object["ports"]?.arrayValue ?? []).enumerated() {
            let name = port["name"]?.stringValue ?? ""
            if !name.isEmpty { findings.invalid("ports[\(index)].name", name, NameRules.dnsLabel(name)) }
            if !names.insert(name).inserted { findings.duplicate("ports[\(index)].name", .string(name)) }
            if let transport = port["protocol"], !["SCTP", "TCP", "UDP"].contains(transport.stringValue) {
                findings.unsupported("ports[\(index)].protocol", transport, ["SCTP", "TCP", "UDP"])
            }
        }
        if let old { immutable("addressType", object["addressType"], old["addressType"], into: &findings) }
    }

    static func runtimeClass(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let handler = object["handler"]?.stringValue ?? ""
        findings.invalid("handler", handler, NameRules.dnsLabel(handler))
        labels(object.at("scheduling", "nodeSelector"), field: "scheduling.nodeSelector", into: &findings)
        tolerations(object.at("scheduling", "tolerations"), field: "scheduling.tolerations", into: &findings)
        if let old { immutable("handler", object["handler"], old["handler"], into: &findings) }
    }

    static func lease(_ object: JSONValue, into findings: inout Findings) {
        let spec = object["spec"]
        if let lasting = spec?["leaseDurationSeconds"], lasting.intValue ?? 0 <= 0 {
            findings.invalid("spec.leaseDurationSeconds", lasting, "must be greater than 0")
        }
        if let count = spec?["leaseTransitions"], count.intValue ?? 0 < 0 {
            findings.invalid("spec.leaseTransitions", count, "must be greater than or equal to 0")
        }
    }

    static func namespace(_ object: JSONValue, into findings: inout Findings) {
        for name in (object.at("spec", "finalizers")?.arrayValue ?? []).map({ $0.stringValue ?? "" }) {
            findings.invalid("spec.finalizers", name, NameRules.qualifiedName(name))
            if !name.contains("/"), name != "kubernetes" {
                findings.invalid(
                    "spec.finalizers", .string(name),
                    "name is neither a standard finalizer name nor is it fully qualified")
            }
        }
    }
}
