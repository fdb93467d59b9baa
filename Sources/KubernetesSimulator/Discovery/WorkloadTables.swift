internal import KubernetesObjects

// MARK: - The columns of pods and what runs them

extension Table {
    /// The columns of a kind; nil when it is no workload.
    static func workloadColumns(of kind: String, age: Column, now: Double) -> [Column]? {
        switch kind {
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
        default: return nil
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
