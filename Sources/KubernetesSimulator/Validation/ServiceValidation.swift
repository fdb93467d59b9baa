internal import KubernetesObjects

// MARK: - Services

extension Validation {
    static func service(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let spec = object["spec"]
        let ports = spec?["ports"]?.arrayValue ?? []
        let type = spec?["type"]?.stringValue ?? ""
        let address = spec?["clusterIP"]?.stringValue ?? ""
        if let old { serviceUpdate(object, old: old, type: type, into: &findings) }
        if ports.isEmpty, address != "None", type != "ExternalName" { findings.required("spec.ports") }
        switch type {
        case "LoadBalancer", "NodePort":
            if address == "None" {
                findings.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for \(type) services")
            }
        case "ExternalName":
            if !address.isEmpty { findings.forbidden("spec.clusterIPs", "may not be set for ExternalName services") }
            let name = spec?["externalName"]?.stringValue ?? ""
            if name.isEmpty {
                findings.required("spec.externalName")
            } else {
                let bare = name.hasSuffix(".") ? String(name.dropLast()) : name
                findings.invalid("spec.externalName", bare, NameRules.dnsSubdomain(bare))
            }
        default: break
        }
        servicePorts(ports, type: type, into: &findings)
        labels(spec?["selector"], field: "spec.selector", into: &findings)
        findings.oneOf(["ClientIP", "None"], "spec.sessionAffinity", spec?["sessionAffinity"], isRequired: true)
        if let seconds = spec?.at("sessionAffinityConfig", "clientIP", "timeoutSeconds"),
            !(1...86_400).contains(seconds.intValue ?? 0)
        {
            findings.invalid(
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds,
                "must be greater than 0 and less than 86400")
        }
        findings.oneOf(
            ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], "spec.type", spec?["type"], isRequired: true)
        if !address.isEmpty, address != "None", !isIP(address) {
            findings.invalid(
                "spec.clusterIPs[0]", .string(address), ipForm)
        }
        for (index, ip) in (spec?["externalIPs"]?.arrayValue ?? []).enumerated() {
            let text = ip.stringValue ?? ""
            findings.invalid("spec.externalIPs[\(index)]", text, isIP(text) ? specialAddress(text) : [ipForm])
        }
        externalTraffic(spec, type: type, into: &findings)
        findings.oneOfGiven(["Cluster", "Local"], "spec.internalTrafficPolicy", spec?["internalTrafficPolicy"])
        if spec?["loadBalancerClass"] != nil, type != "LoadBalancer" {
            findings.forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'")
        }
        if spec?["loadBalancerSourceRanges"]?.arrayValue?.isEmpty == false, type != "LoadBalancer" {
            findings.forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'")
        }
        for (index, range) in (spec?["loadBalancerSourceRanges"]?.arrayValue ?? []).enumerated() {
            // Ranges came in an annotation once, with blanks between them.
            let text = (range.stringValue ?? "").trimmingPrefix(while: \.isWhitespace)
            let bare = String(text.reversed().trimmingPrefix(while: \.isWhitespace).reversed())
            if !isCIDR(bare) {
                findings.invalid("spec.LoadBalancerSourceRanges[\(index)]", .string(bare), cidrForm)
            }
        }
    }

    /// What only concerns services that are reached from outside the cluster.
    private static func externalTraffic(_ spec: JSONValue?, type: String, into findings: inout Findings) {
        let isBalanced = type == "LoadBalancer"
        let hasExternalIPs = type == "ClusterIP" && spec?["externalIPs"]?.arrayValue?.isEmpty == false
        let policy = spec?["externalTrafficPolicy"]
        if isBalanced || type == "NodePort" || hasExternalIPs {
            findings.oneOf(["Cluster", "Local"], "spec.externalTrafficPolicy", policy, isRequired: true)
        } else if let policy {
            findings.invalid(
                "spec.externalTrafficPolicy", policy, "may only be set for externally-accessible services")
        }
        guard let port = spec?["healthCheckNodePort"] else { return }
        if isBalanced, policy == "Local" {
            findings.port("spec.healthCheckNodePort", port)
        } else {
            findings.invalid(
                "spec.healthCheckNodePort", port,
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")
        }
    }

    static let ipForm = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    static let cidrForm = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"

    /// What is wrong with an address that stands for no machine of its own.
    static func specialAddress(_ text: String) -> [String] {
        let lower = text.lowercased()
        if lower == "0.0.0.0" || lower == "::" { return ["may not be unspecified (\(text))"] }
        if lower.hasPrefix("127.") || lower == "::1" {
            return ["may not be in the loopback range (127.0.0.0/8, ::1/128)"]
        }
        if lower.hasPrefix("169.254.") || lower.hasPrefix("fe80:") {
            return ["may not be in the link-local range (169.254.0.0/16, fe80::/10)"]
        }
        if lower.hasPrefix("224.0.0.") || lower.hasPrefix("ff02:") {
            return ["may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"]
        }
        return []
    }

    private static func servicePorts(_ ports: [JSONValue], type: String, into findings: inout Findings) {
        var names: Set<String> = []
        var nodePorts: Set<String> = []
        var numbers: Set<String> = []
        for (index, port) in ports.enumerated() {
            let here = "spec.ports[\(index)]"
            let name = port["name"]?.stringValue ?? ""
            if ports.count > 1, name.isEmpty {
                findings.required("\(here).name")
            } else if !name.isEmpty {
                findings.invalid("\(here).name", name, NameRules.dnsLabel(name))
                if !names.insert(name).inserted { findings.duplicate("\(here).name", .string(name)) }
            }
            findings.port("\(here).port", port["port"] ?? 0)
            findings.oneOf(["SCTP", "TCP", "UDP"], "\(here).protocol", port["protocol"], isRequired: true)
            findings.portNumberOrName("\(here).targetPort", port["targetPort"])
            if let application = port["appProtocol"]?.stringValue {
                findings.invalid("\(here).appProtocol", application, NameRules.qualifiedName(application))
            }
            let transport = port["protocol"]?.stringValue ?? ""
            if let node = port["nodePort"]?.intValue, node != 0 {
                if type == "ClusterIP" {
                    findings.forbidden("\(here).nodePort", "may not be used when `type` is 'ClusterIP'")
                } else if !(30_000...32_767).contains(node) {
                    findings.invalid(
                        "\(here).nodePort", port["nodePort"],
                        "provided port is not in the valid range. The range of valid ports is 30000-32767")
                }
                if !nodePorts.insert("\(transport)/\(node)").inserted {
                    findings.duplicate("\(here).nodePort", port["nodePort"])
                }
            }
            if let number = port["port"]?.intValue, !numbers.insert("\(transport)/\(number)").inserted {
                findings.duplicate(
                    here,
                    text:
                        "{\"Name\":\"\",\"Protocol\":\"\(transport)\",\"AppProtocol\":null,\"Port\":\(number),\"TargetPort\":0,\"NodePort\":0}"
                )
            }
        }
    }

    private static func serviceUpdate(
        _ object: JSONValue, old: JSONValue, type: String, into findings: inout Findings
    ) {
        let before = old.at("spec", "clusterIP")?.stringValue ?? ""
        let after = object.at("spec", "clusterIP")?.stringValue ?? ""
        guard type != "ExternalName", old.at("spec", "type") != "ExternalName", !before.isEmpty, before != after else {
            return
        }
        findings.invalid("spec.clusterIPs[0]", [.string(after)], "may not change once set")
    }

    /// An IPv4 address of four numbers, or what looks like one of IPv6.
    static func isIP(_ text: String) -> Bool {
        if text.contains(":") {
            let groups = text.split(separator: ":", omittingEmptySubsequences: false)
            let isShort = text.contains("::")
            return groups.count <= 8 && (isShort || groups.count == 8)
                && groups.allSatisfy { $0.count <= 4 && $0.allSatisfy(\.isHexDigit) }
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                Int(part).map { (0...255).contains($0) && String($0) == part } ?? false
            }
    }

    /// An address and the length of its prefix.
    static func isCIDR(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, isIP(parts[0]), let length = Int(parts[1]) else { return false }
        return (0...(parts[0].contains(":") ? 128 : 32)).contains(length)
    }
}
