internal import KubernetesObjects

/// A pod template as the server prints its internal form in messages about immutable fields: every field of the Go
/// types by its Go name, unset ones included.
enum InternalPodTemplate {
    static func text(_ template: JSONValue) -> String {
        var parts: [String] = []
        for field in ["labels", "annotations"] {
            if let value = template.at("metadata", field) { parts.append("\"\(field)\":\(value.serialized())") }
        }
        parts.append("\"Spec\":\(podSpec(template["spec"] ?? .null))")
        return "{\(parts.joined(separator: ","))}"
    }

    private static func podSpec(_ spec: JSONValue) -> String {
        let order =
            "Volumes InitContainers Containers EphemeralContainers RestartPolicy TerminationGracePeriodSeconds ActiveDeadlineSeconds DNSPolicy NodeSelector ServiceAccountName AutomountServiceAccountToken NodeName SecurityContext ImagePullSecrets Hostname Subdomain SetHostnameAsFQDN Affinity SchedulerName Tolerations HostAliases PriorityClassName Priority PreemptionPolicy DNSConfig ReadinessGates RuntimeClassName Overhead EnableServiceLinks TopologySpreadConstraints OS SchedulingGates ResourceClaims Resources HostnameOverride SchedulingGroup"
        let texts: Set = ["ServiceAccountName", "NodeName", "Hostname", "Subdomain", "PriorityClassName"]
        return object(order, of: spec) { name in
            switch name {
            case "Containers", "InitContainers":
                let items = spec[lowered(name)]?.arrayValue
                return items.map { "[\($0.map(container).joined(separator: ","))]" } ?? "null"
            case "SecurityContext":
                let order =
                    "HostNetwork HostPID HostIPC ShareProcessNamespace HostUsers SELinuxOptions WindowsOptions RunAsUser RunAsGroup RunAsNonRoot SupplementalGroups SupplementalGroupsPolicy FSGroup FSGroupChangePolicy Sysctls SeccompProfile AppArmorProfile SELinuxChangePolicy"
                return object(order, of: spec["securityContext"] ?? .null) { inner in
                    ["HostNetwork", "HostPID", "HostIPC"].contains(inner)
                        ? (spec[lowered(inner)] ?? false).serialized() : nil
                }
            default: return texts.contains(name) ? (spec[lowered(name)] ?? "").serialized() : nil
            }
        }
    }

    private static func container(_ value: JSONValue) -> String {
        let order =
            "Name Image Command Args WorkingDir Ports EnvFrom Env Resources ResizePolicy RestartPolicy RestartPolicyRules VolumeMounts VolumeDevices LivenessProbe ReadinessProbe StartupProbe Lifecycle TerminationMessagePath TerminationMessagePolicy ImagePullPolicy SecurityContext Stdin StdinOnce TTY"
        return object(order, of: value) { name in
            switch name {
            case "Resources":
                return object("Limits Requests Claims", of: value["resources"] ?? .null) { _ in nil }
            case "WorkingDir": return (value["workingDir"] ?? "").serialized()
            case "Stdin", "StdinOnce": return (value[lowered(name)] ?? false).serialized()
            case "TTY": return (value["tty"] ?? false).serialized()
            default: return nil
            }
        }
    }

    private static func object(_ order: String, of value: JSONValue, _ special: (String) -> String?) -> String {
        let members = order.split(separator: " ").map(String.init).map { name in
            "\"\(name)\":\(special(name) ?? value[lowered(name)]?.serialized() ?? "null")"
        }
        return "{\(members.joined(separator: ","))}"
    }

    private static func lowered(_ name: String) -> String {
        switch name {
        case "DNSPolicy": "dnsPolicy"
        case "DNSConfig": "dnsConfig"
        case "OS": "os"
        case "SELinuxOptions": "seLinuxOptions"
        case "FSGroup": "fsGroup"
        case "FSGroupChangePolicy": "fsGroupChangePolicy"
        default: name.prefix(1).lowercased() + name.dropFirst()
        }
    }
}
