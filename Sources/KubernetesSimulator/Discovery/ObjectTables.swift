internal import KubernetesObjects

// MARK: - The columns of all other kinds

extension Table {
    /// The columns of a kind; nil when it has but a name and an age.
    static func otherColumns(of kind: String, age: Column, now: Double) -> [Column]? {
        switch kind {
        case "Ingress":
            return [
                name, optional("Class", "spec", "ingressClassName"),
                Column(name: "Hosts") { object in
                    let hosts = (object.at("spec", "rules")?.arrayValue ?? []).compactMap { $0["host"]?.stringValue }
                    return .string(hosts.isEmpty ? "*" : hosts.joined(separator: ","))
                },
                Column(name: "Address") { object in
                    let addresses = object.at("status", "loadBalancer", "ingress")?.arrayValue ?? []
                    return .string(
                        addresses.compactMap { ($0["ip"] ?? $0["hostname"])?.stringValue }.joined(separator: ","))
                }, Column(name: "Ports") { .string($0.at("spec", "tls") == nil ? "80" : "80, 443") }, age,
            ]
        case "PodDisruptionBudget":
            return [
                name, notAvailable("Min Available", "minAvailable"), notAvailable("Max Unavailable", "maxUnavailable"),
                number("Allowed Disruptions", "status", "disruptionsAllowed"), age,
            ]
        case "Service":
            return [
                name, text("Type", "spec", "type"), optional("Cluster-IP", "spec", "clusterIP"),
                Column(name: "External-IP") { object in
                    let address = object.at("status", "loadBalancer", "ingress")?[0]?["ip"]?.stringValue
                    let isWaiting = object.at("spec", "type")?.stringValue == "LoadBalancer"
                    return .string(address ?? (isWaiting ? "<pending>" : "<none>"))
                },
                Column(name: "Port(s)") { object in
                    let ports = object.at("spec", "ports")?.arrayValue ?? []
                    return .string(
                        ports.map { port in
                            let node = port["nodePort"].map { ":\($0.serialized())" } ?? ""
                            return
                                "\(port["port"]?.serialized() ?? "")\(node)/\(port["protocol"]?.stringValue ?? "TCP")"
                        }.joined(separator: ","))
                }, age, labels("Selector", "spec", "selector"),
            ]
        case "Namespace": return [name, text("Status", "status", "phase"), age]
        case "ConfigMap":
            return [
                name, Column(name: "Data", type: "integer") { .integer(Int64($0["data"]?.objectValue?.count ?? 0)) },
                age,
            ]
        case "Secret":
            return [
                name, text("Type", "type"),
                Column(name: "Data", type: "integer") { .integer(Int64($0["data"]?.objectValue?.count ?? 0)) }, age,
            ]
        case "Node":
            return [
                name,
                Column(name: "Status") { .string($0.condition("Ready")?["status"] == "True" ? "Ready" : "NotReady") },
                age, text("Version", "status", "nodeInfo", "kubeletVersion"),
            ]
        case "Event":
            return [
                Column(name: "Last Seen") { .string(Self.age(of: $0["lastTimestamp"]?.stringValue, now: now)) },
                text("Type", "type"), text("Reason", "reason"),
                Column(name: "Object") { object in
                    let kind = object.at("involvedObject", "kind")?.stringValue?.lowercased() ?? ""
                    return .string("\(kind)/\(object.at("involvedObject", "name")?.stringValue ?? "")")
                }, text("Message", "message"),
            ]
        case "CustomResourceDefinition":
            return [name, Column(name: "Created At", type: "date") { $0.at("metadata", "creationTimestamp") ?? "" }]
        default: return policyColumns(of: kind, age: age)
        }
    }
}
