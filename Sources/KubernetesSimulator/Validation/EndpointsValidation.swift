internal import KubernetesObjects

// MARK: - Endpoints and endpoint slices

extension Validation {
    private static let transports = ["SCTP", "TCP", "UDP"]

    static func endpoints(_ object: JSONValue, into findings: inout Findings) {
        for (index, subset) in (object["subsets"]?.arrayValue ?? []).enumerated() {
            let here = "subsets[\(index)]"
            if subset["addresses"] == nil, subset["notReadyAddresses"] == nil {
                findings.required(here, "must specify `addresses` or `notReadyAddresses`")
            }
            for list in ["addresses", "notReadyAddresses"] {
                for (place, address) in (subset[list]?.arrayValue ?? []).enumerated() {
                    self.address(address, field: "\(here).\(list)[\(place)]", into: &findings)
                }
            }
            let ports = subset["ports"]?.arrayValue ?? []
            for (place, port) in ports.enumerated() {
                let field = "\(here).ports[\(place)]"
                if ports.count > 1 || port["name"] != nil {
                    findings.name("\(field).name", port["name"], NameRules.dnsLabel)
                }
                findings.port("\(field).port", port["port"] ?? 0)
                findings.oneOf(transports, "\(field).protocol", port["protocol"], isRequired: true)
                application(port, field: field, into: &findings)
            }
        }
    }

    private static func address(_ address: JSONValue, field: String, into findings: inout Findings) {
        let ip = address["ip"]?.stringValue ?? ""
        findings.invalid("\(field).ip", ip, isIP(ip) ? [] : [ipForm])
        if let name = address["hostname"]?.stringValue {
            findings.invalid("\(field).hostname", name, NameRules.dnsLabel(name))
        }
        if let node = address["nodeName"]?.stringValue {
            findings.invalid("\(field).nodeName", node, NameRules.dnsSubdomain(node))
        }
        // An address that cannot be read is refused a second time here.
        findings.invalid("\(field).ip", ip, isIP(ip) ? specialAddress(ip) : ["must be a valid IP address"])
    }

    private static func application(_ port: JSONValue, field: String, into findings: inout Findings) {
        guard let text = port["appProtocol"]?.stringValue else { return }
        findings.invalid("\(field).appProtocol", text, NameRules.qualifiedName(text))
    }

    static func endpointSlice(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let type = object["addressType"]?.stringValue ?? ""
        findings.oneOf(["FQDN", "IPv4", "IPv6"], "addressType", object["addressType"], isRequired: true)
        for (index, endpoint) in (object["endpoints"]?.arrayValue ?? []).enumerated() {
            let here = "endpoints[\(index)]"
            let addresses = endpoint["addresses"]?.arrayValue ?? []
            if addresses.isEmpty { findings.required("\(here).addresses", "must contain at least 1 address") }
            if addresses.count > 100 { findings.tooMany("\(here).addresses", addresses.count, 100) }
            for (place, address) in addresses.enumerated() {
                let text = address.stringValue ?? ""
                findings.invalid("\(here).addresses[\(place)]", text, sliceAddress(text, type: type))
            }
            if let name = endpoint["hostname"]?.stringValue {
                findings.invalid("\(here).hostname", name, NameRules.dnsLabel(name))
            }
        }
        var names: Set<String> = []
        for (index, port) in (object["ports"]?.arrayValue ?? []).enumerated() {
            let here = "ports[\(index)]"
            let name = port["name"]?.stringValue ?? ""
            if !name.isEmpty { findings.invalid("\(here).name", name, NameRules.dnsLabel(name)) }
            if !names.insert(name).inserted { findings.duplicate("\(here).name", .string(name)) }
            findings.oneOfGiven(transports, "\(here).protocol", port["protocol"])
            application(port, field: here, into: &findings)
        }
        if let old { immutable("addressType", object["addressType"], old["addressType"], into: &findings) }
    }

    private static func sliceAddress(_ text: String, type: String) -> [String] {
        switch type {
        case "IPv4", "IPv6":
            guard isIP(text) else { return ["must be a valid \(type) address", "must be a valid IP address"] }
            let isOther = text.contains(":") != (type == "IPv6")
            return (isOther ? ["must be a valid \(type) address"] : []) + specialAddress(text)
        case "FQDN":
            let bare = text.hasSuffix(".") ? String(text.dropLast()) : text
            let problems = NameRules.dnsSubdomain(bare)
            if problems.isEmpty, bare.split(separator: ".").count < 2 {
                return ["should be a domain with at least two segments separated by dots"]
            }
            return problems
        default: return []
        }
    }
}
