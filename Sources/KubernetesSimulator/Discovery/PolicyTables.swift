internal import KubernetesObjects

// MARK: - The columns of storage, access and policy

extension Table {
    static func policyColumns(of kind: String, age: Column) -> [Column]? {
        switch kind {
        case "HorizontalPodAutoscaler":
            return [
                name, Column(name: "Reference") { .string(reference($0.at("spec", "scaleTargetRef"))) },
                Column(name: "Targets") { .string(targets(of: $0)) }, number("MinPods", "spec", "minReplicas"),
                number("MaxPods", "spec", "maxReplicas"), number("Replicas", "status", "currentReplicas"), age,
            ]
        case "PersistentVolumeClaim":
            return [
                name, text("Status", "status", "phase"), text("Volume", "spec", "volumeName"),
                text("Capacity", "status", "capacity", "storage"), modes,
                optional("StorageClass", "spec", "storageClassName"), unset("VolumeAttributesClass"), age,
                text("VolumeMode", wide: true, "spec", "volumeMode"),
            ]
        case "PersistentVolume":
            return [
                name, text("Capacity", "spec", "capacity", "storage"), modes,
                text("Reclaim Policy", "spec", "persistentVolumeReclaimPolicy"), text("Status", "status", "phase"),
                Column(name: "Claim") { object in
                    guard let claim = object.at("spec", "claimRef") else { return "" }
                    return .string("\(claim["namespace"]?.stringValue ?? "")/\(claim["name"]?.stringValue ?? "")")
                }, text("StorageClass", "spec", "storageClassName"), unset("VolumeAttributesClass"),
                text("Reason", "status", "reason"), age, text("VolumeMode", wide: true, "spec", "volumeMode"),
            ]
        case "StorageClass":
            return [
                Column(name: "Name") { object in
                    let key = "storageclass.kubernetes.io/is-default-class"
                    let isDefault = object.at("metadata", "annotations", key) == "true"
                    return .string(object.name + (isDefault ? " (default)" : ""))
                }, text("Provisioner", "provisioner"), text("ReclaimPolicy", "reclaimPolicy"),
                text("VolumeBindingMode", "volumeBindingMode"), flag("AllowVolumeExpansion", "allowVolumeExpansion"),
                age,
            ]
        case "Endpoints":
            return [name, Column(name: "Endpoints") { .string(endpoints(of: $0)) }, age]
        case "EndpointSlice":
            return [
                name, text("AddressType", "addressType"),
                Column(name: "Ports") { object in
                    short((object["ports"]?.arrayValue ?? []).map { $0["port"]?.serialized() ?? "" })
                },
                Column(name: "Endpoints") { object in
                    short((object["endpoints"]?.arrayValue ?? []).compactMap { $0["addresses"]?[0]?.stringValue })
                }, age,
            ]
        case "APIService":
            return [
                name,
                Column(name: "Service") { object in
                    guard let service = object.at("spec", "service") else { return "Local" }
                    return .string("\(service["namespace"]?.stringValue ?? "")/\(service["name"]?.stringValue ?? "")")
                },
                Column(name: "Available") { object in
                    let condition = object.condition("Available")
                    guard condition?["status"] == "False" else { return condition?["status"] ?? "Unknown" }
                    return .string("False (\(condition?["reason"]?.stringValue ?? ""))")
                }, age,
            ]
        case "NetworkPolicy":
            return [
                name,
                Column(name: "Pod-Selector") { object in
                    let labels = object.at("spec", "podSelector", "matchLabels")?.objectValue ?? [:]
                    let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.stringValue ?? "")" }
                    return .string(pairs.isEmpty ? "<none>" : pairs.joined(separator: ","))
                }, age,
            ]
        case "IngressClass":
            return [
                name, text("Controller", "spec", "controller"),
                Column(name: "Parameters") { object in
                    guard let target = object.at("spec", "parameters") else { return "<none>" }
                    return .string(reference(target))
                }, age,
            ]
        case "Role", "ClusterRole", "LimitRange": return [name, created]
        case "RoleBinding", "ClusterRoleBinding":
            return [name, Column(name: "Role") { .string(reference($0["roleRef"])) }, age]
        case "PriorityClass":
            return [
                name, number("Value", "value"), flag("Global-Default", "globalDefault"), age,
                text("PreemptionPolicy", "preemptionPolicy"),
            ]
        case "Lease": return [name, text("Holder", "spec", "holderIdentity"), age]
        case "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration":
            return [
                name,
                Column(name: "Webhooks", type: "integer") {
                    .integer(Int64($0["webhooks"]?.arrayValue?.count ?? 0))
                }, age,
            ]
        case "ControllerRevision":
            return [
                name,
                Column(name: "Controller") { object in
                    guard let owner = object.at("metadata", "ownerReferences")?[0] else { return "<none>" }
                    let group = owner["apiVersion"]?.stringValue?.split(separator: "/").first ?? ""
                    let kind = owner["kind"]?.stringValue?.lowercased() ?? ""
                    return .string("\(kind).\(group)/\(owner["name"]?.stringValue ?? "")")
                }, number("Revision", "revision"), age,
            ]
        default: return nil
        }
    }

    private static let created = Column(name: "Created At", type: "date") {
        $0.at("metadata", "creationTimestamp") ?? ""
    }

    private static func unset(_ name: String) -> Column { Column(name: name) { _ in "<unset>" } }

    private static func flag(_ name: String, _ field: String) -> Column {
        Column(name: name, type: "boolean") { .bool($0[field]?.boolValue ?? false) }
    }

    private static let modes = Column(name: "Access Modes") { object in
        let names = ["ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"]
        let modes = (object.at("spec", "accessModes")?.arrayValue ?? []).compactMap { names[$0.stringValue ?? ""] }
        return .string(modes.joined(separator: ","))
    }

    private static func reference(_ target: JSONValue?) -> String {
        "\(target?["kind"]?.stringValue ?? "")/\(target?["name"]?.stringValue ?? "")"
    }

    /// The first three of a list and how many more there are.
    private static func short(_ items: [String]) -> JSONValue {
        if items.isEmpty { return "<unset>" }
        let first = items.prefix(3).joined(separator: ",")
        return .string(items.count > 3 ? "\(first) + \(items.count - 3) more..." : first)
    }

    private static func endpoints(of object: JSONValue) -> String {
        let all = (object["subsets"]?.arrayValue ?? []).flatMap { subset -> [String] in
            let ports = (subset["ports"]?.arrayValue ?? []).map { ":" + ($0["port"]?.serialized() ?? "") }
            return (subset["addresses"]?.arrayValue ?? []).flatMap { address in
                (ports.isEmpty ? [""] : ports).map { (address["ip"]?.stringValue ?? "") + $0 }
            }
        }
        if all.isEmpty { return "<none>" }
        let first = all.prefix(3).joined(separator: ",")
        return all.count > 3 ? "\(first) + \(all.count - 3) more..." : first
    }

    private static func targets(of object: JSONValue) -> String {
        let metrics = object.at("spec", "metrics")?.arrayValue ?? []
        if metrics.isEmpty { return "<none>" }
        return metrics.map { metric in
            guard let name = metric.at("resource", "name")?.stringValue else { return "<unknown>" }
            let target = metric.at("resource", "target")
            if let share = target?["averageUtilization"] { return "\(name): <unknown>/\(share.serialized())%" }
            return "\(name): <unknown>/\(target?["averageValue"]?.stringValue ?? "")"
        }.joined(separator: ", ")
    }
}
