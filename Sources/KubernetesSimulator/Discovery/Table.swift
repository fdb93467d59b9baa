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

    /// A text that is written `<none>` where there is none.
    private static func optional(_ name: String, wide: Bool = false, _ path: String...) -> Column {
        Column(name: name, isWide: wide) { object in
            var current: JSONValue? = object
            for step in path { current = current?[step] }
            return .string(current?.stringValue ?? "<none>")
        }
    }

    /// A number or percentage of a spec that is written `N/A` where there is none.
    private static func notAvailable(_ name: String, _ field: String) -> Column {
        Column(name: name) { object in
            let value = object.at("spec", field)
            return .string(value?.stringValue ?? value?.serialized() ?? "N/A")
        }
    }

    /// Labels in the form of a selector, shown in wide output.
    private static func labels(_ name: String, _ path: String...) -> Column {
        Column(name: name, isWide: true) { object in
            var current: JSONValue? = object
            for step in path { current = current?[step] }
            let pairs = (current?.objectValue ?? [:]).sorted { $0.key < $1.key }
            let text = pairs.map { "\($0.key)=\($0.value.stringValue ?? "")" }.joined(separator: ",")
            return .string(text.isEmpty ? "<none>" : text)
        }
    }

    private static let selector = labels("Selector", "spec", "selector", "matchLabels")

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
                number("Available", "status", "availableReplicas"), age, containers, images, selector,
            ]
        case "ReplicaSet":
            return [
                name, number("Desired", "spec", "replicas"), number("Current", "status", "replicas"),
                number("Ready", "status", "readyReplicas"), age, containers, images, selector,
            ]
        case "StatefulSet": return [name, ready(wanted: "spec"), age, containers, images]
        case "DaemonSet":
            return [
                name, number("Desired", "status", "desiredNumberScheduled"),
                number("Current", "status", "currentNumberScheduled"), number("Ready", "status", "numberReady"),
                number("Up-to-date", "status", "updatedNumberScheduled"),
                number("Available", "status", "numberAvailable"), age, containers, images, selector,
            ]
        case "Job":
            return [
                name, Column(name: "Status") { .string(jobStatus($0)) },
                Column(name: "Completions") {
                    .string("\($0.int("status", "succeeded") ?? 0)/\($0.int("spec", "completions") ?? 1)")
                }, Column(name: "Duration") { .string(duration(of: $0, now: now)) }, age, containers, images, selector,
            ]
        case "CronJob":
            return [
                name, text("Schedule", "spec", "schedule"), optional("Timezone", "spec", "timeZone"),
                Column(name: "Suspend") { .string($0.at("spec", "suspend")?.boolValue == true ? "True" : "False") },
                Column(name: "Active", type: "integer") {
                    .integer(Int64($0.at("status", "active")?.arrayValue?.count ?? 0))
                },
                Column(name: "Last Schedule") { object in
                    let last = object.at("status", "lastScheduleTime")?.stringValue
                    return .string(last == nil ? "<none>" : Self.age(of: last, now: now))
                }, age,
            ]
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
        case "HorizontalPodAutoscaler":
            return [
                name,
                Column(name: "Reference") { object in
                    let target = object.at("spec", "scaleTargetRef")
                    return .string("\(target?["kind"]?.stringValue ?? "")/\(target?["name"]?.stringValue ?? "")")
                }, number("MinPods", "spec", "minReplicas"), number("MaxPods", "spec", "maxReplicas"),
                number("Replicas", "status", "currentReplicas"), age,
            ]
        case "PodDisruptionBudget":
            return [
                name, notAvailable("Min Available", "minAvailable"), notAvailable("Max Unavailable", "maxUnavailable"),
                number("Allowed Disruptions", "status", "disruptionsAllowed"), age,
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
                }, age, labels("Selector", "spec", "selector"),
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
                Column(name: "Last Seen") { .string(Self.age(of: $0["lastTimestamp"]?.stringValue, now: now)) },
                text("Type", "type"), text("Reason", "reason"),
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
            age, optional("IP", wide: true, "status", "podIP"), optional("Node", wide: true, "spec", "nodeName"),
            optional("Nominated Node", wide: true, "status", "nominatedNodeName"),
            Column(name: "Readiness Gates", isWide: true) { _ in "<none>" },
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

    /// From a job's start to its end, or to now.
    private static func duration(of job: JSONValue, now: Double) -> String {
        guard let start = job.at("status", "startTime")?.stringValue.flatMap(Timestamp.instant) else { return "" }
        let end = job.at("status", "completionTime")?.stringValue.flatMap(Timestamp.instant) ?? now
        return Age.text(seconds: Int(end - start))
    }

    private static func jobStatus(_ object: JSONValue) -> String {
        if object.condition("Complete")?["status"] == "True" { return "Complete" }
        if object.condition("Failed")?["status"] == "True" { return "Failed" }
        return object.at("spec", "suspend")?.boolValue == true ? "Suspended" : "Running"
    }
}
