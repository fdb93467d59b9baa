internal import KubernetesObjects

/// The table that `kubectl get` prints.
enum Table {
    /// One column: its heading, type, and whether only wide output shows it.
    struct Column: Sendable {
        var name: String
        var type = "string"
        var isWide = false
        var value: @Sendable (JSONValue) -> JSONValue
    }

    static func of(
        _ objects: [JSONValue], type: ResourceType, includes: ObjectForm.TableObjects, metadata: JSONValue,
        now: Double
    ) -> JSONValue {
        let columns = columns(of: type, now: now)
        let definitions = columns.map { column -> JSONValue in
            [
                "name": .string(column.name), "type": .string(column.type),
                "format": column.name == "Name" ? "name" : "", "description": .string(column.name),
                "priority": column.isWide ? 1 : 0,
            ]
        }
        let rows = objects.map { object -> JSONValue in
            var row: JSONValue = ["cells": .array(columns.map { $0.value(object) })]
            switch includes {
            case .none: break
            case .object: row["object"] = object
            case .metadata:
                row["object"] = [
                    "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                    "metadata": object["metadata"] ?? .object([:]),
                ]
            }
            return row
        }
        return [
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "columnDefinitions": .array(definitions), "rows": .array(rows),
        ]
    }

    private static func text(_ name: String, wide: Bool = false, _ path: String...) -> Column {
        Column(name: name, isWide: wide) { object in
            var current: JSONValue? = object
            for step in path { current = current?[step] }
            return .string(current?.stringValue ?? current?.serialized() ?? "")
        }
    }

    private static func number(_ name: String, _ path: String...) -> Column {
        Column(name: name, type: "integer") { object in
            var current: JSONValue? = object
            for step in path { current = current?[step] }
            return current ?? 0
        }
    }

    private static let name = text("Name", "metadata", "name")

    private static func age(_ now: Double) -> Column {
        Column(name: "Age", type: "date") { object in
            .string(age(of: object.at("metadata", "creationTimestamp")?.stringValue, now: now))
        }
    }

    private static func age(of text: String?, now: Double) -> String {
        guard let text, let born = Timestamp.instant(text) else { return "<unknown>" }
        return Age.text(seconds: Int(now - born))
    }

    private static func columns(of type: ResourceType, now: Double) -> [Column] {
        let age = age(now)
        if type.isCustom { return custom(type, now: now) }
        switch type.kind {
        case "Pod": return pod(age)
        case "Deployment":
            return [
                name, ready(wanted: "spec"), number("Up-to-date", "status", "updatedReplicas"),
                number("Available", "status", "availableReplicas"), age, containers, images,
            ]
        case "ReplicaSet":
            return [
                name, number("Desired", "spec", "replicas"), number("Current", "status", "replicas"),
                number("Ready", "status", "readyReplicas"), age, containers, images,
            ]
        case "StatefulSet": return [name, ready(wanted: "spec"), age, containers, images]
        case "DaemonSet":
            return [
                name, number("Desired", "status", "desiredNumberScheduled"),
                number("Current", "status", "currentNumberScheduled"), number("Ready", "status", "numberReady"),
                number("Up-to-date", "status", "updatedNumberScheduled"),
                number("Available", "status", "numberAvailable"), age, containers, images,
            ]
        case "Job":
            return [
                name, Column(name: "Status") { .string(jobStatus($0)) },
                Column(name: "Completions") {
                    .string("\($0.int("status", "succeeded") ?? 0)/\($0.int("spec", "completions") ?? 1)")
                }, age,
            ]
        case "Service":
            return [
                name, text("Type", "spec", "type"), text("Cluster-IP", "spec", "clusterIP"),
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
                }, age,
            ]
        case "Namespace", "PersistentVolume": return [name, text("Status", "status", "phase"), age]
        case "PersistentVolumeClaim":
            return [
                name, text("Status", "status", "phase"), text("Volume", "spec", "volumeName"),
                text("Capacity", "status", "capacity", "storage"), age,
            ]
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
                text("Last Seen", "lastTimestamp"), text("Type", "type"), text("Reason", "reason"),
                Column(name: "Object") { object in
                    let kind = object.at("involvedObject", "kind")?.stringValue?.lowercased() ?? ""
                    return .string("\(kind)/\(object.at("involvedObject", "name")?.stringValue ?? "")")
                }, text("Message", "message"),
            ]
        case "CustomResourceDefinition":
            return [name, Column(name: "Created At", type: "date") { $0.at("metadata", "creationTimestamp") ?? "" }]
        default: return [name, age]
        }
    }

    private static func custom(_ type: ResourceType, now: Double) -> [Column] {
        let age = age(now)
        guard !type.printerColumns.isEmpty else { return [name, age] }
        return [name]
            + type.printerColumns.map { column in
                let steps = (column["jsonPath"]?.stringValue ?? "").split(separator: ".").map(String.init)
                let isDate = column["type"]?.stringValue == "date"
                return Column(
                    name: column["name"]?.stringValue ?? "", type: column["type"]?.stringValue ?? "string",
                    isWide: (column["priority"]?.intValue ?? 0) > 0
                ) { object in
                    var current: JSONValue? = object
                    for step in steps { current = current?[step] }
                    guard let current else { return isDate ? "<unknown>" : .null }
                    return isDate ? .string(Self.age(of: current.stringValue, now: now)) : current
                }
            }
    }

    private static func ready(wanted: String) -> Column {
        Column(name: "Ready") {
            .string("\($0.int("status", "readyReplicas") ?? 0)/\($0.int(wanted, "replicas") ?? 0)")
        }
    }

    private static func joined(_ field: String) -> @Sendable (JSONValue) -> JSONValue {
        { object in
            let items = object.at("spec", "template", "spec", "containers")?.arrayValue ?? []
            return .string(items.compactMap { $0[field]?.stringValue }.joined(separator: ","))
        }
    }

    private static let containers = Column(name: "Containers", isWide: true, value: joined("name"))
    private static let images = Column(name: "Images", isWide: true, value: joined("image"))

    private static func pod(_ age: Column) -> [Column] {
        [
            name,
            Column(name: "Ready") { object in
                let statuses = object.at("status", "containerStatuses")?.arrayValue ?? []
                let total = object.at("spec", "containers")?.arrayValue?.count ?? 0
                return .string("\(statuses.filter { $0["ready"]?.boolValue == true }.count)/\(total)")
            },
            Column(name: "Status") { .string(podStatus($0)) },
            Column(name: "Restarts") { object in
                let statuses = object.at("status", "containerStatuses")?.arrayValue ?? []
                return .string(String(statuses.reduce(0) { $0 + ($1.int("restartCount") ?? 0) }))
            },
            age, text("IP", wide: true, "status", "podIP"), text("Node", wide: true, "spec", "nodeName"),
        ]
    }

    private static func podStatus(_ object: JSONValue) -> String {
        if object.isBeingDeleted { return "Terminating" }
        for status in object.at("status", "containerStatuses")?.arrayValue ?? [] {
            if let reason = status.at("state", "waiting", "reason")?.stringValue { return reason }
            if let reason = status.at("state", "terminated", "reason")?.stringValue { return reason }
        }
        return object.at("status", "phase")?.stringValue ?? "Unknown"
    }

    private static func jobStatus(_ object: JSONValue) -> String {
        if object.condition("Complete")?["status"] == "True" { return "Complete" }
        if object.condition("Failed")?["status"] == "True" { return "Failed" }
        return object.at("spec", "suspend")?.boolValue == true ? "Suspended" : "Running"
    }
}
