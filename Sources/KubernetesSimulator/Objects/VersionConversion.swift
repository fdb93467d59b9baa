internal import KubernetesObjects

/// How the objects of a version that is served but not stored are read and written.
struct VersionConversion: Sendable {
    /// The version that is stored: `group/version/kind`.
    let stored: String
    /// The key under which the objects are kept (``ResourceType/storage``).
    let storage: String
    /// From the served version to the stored one.
    let toStored: @Sendable (JSONValue) -> JSONValue
    /// From the stored version to the served one.
    let toServed: @Sendable (JSONValue) -> JSONValue

    /// Served versions by `apiVersion/kind`.
    static let known: [String: VersionConversion] = [
        "autoscaling/v1/HorizontalPodAutoscaler": VersionConversion(
            stored: "autoscaling/v2/HorizontalPodAutoscaler", storage: "horizontalpodautoscalers.autoscaling",
            toStored: autoscalerToV2, toServed: autoscalerToV1),
        "events.k8s.io/v1/Event": VersionConversion(
            stored: "v1/Event", storage: "events",
            toStored: { renamed($0, Dictionary(uniqueKeysWithValues: eventFields)) },
            toServed: { renamed($0, Dictionary(uniqueKeysWithValues: eventFields.map { ($1, $0) })) }),
    ]

    // MARK: Events

    /// The names of an event's fields in `events.k8s.io/v1`, and those in `v1`.
    private static let eventFields = [
        ("regarding", "involvedObject"), ("note", "message"), ("reportingController", "reportingComponent"),
        ("deprecatedSource", "source"), ("deprecatedCount", "count"), ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"),
    ]

    private static func renamed(_ object: JSONValue, _ names: [String: String]) -> JSONValue {
        guard let members = object.objectValue else { return object }
        return .object(
            Dictionary(members.map { (names[$0.key] ?? $0.key, $0.value) }, uniquingKeysWith: { first, _ in first }))
    }

    // MARK: Autoscalers

    @Sendable private static func autoscalerToV2(_ object: JSONValue) -> JSONValue {
        var result = object
        if let target = object.at("spec", "targetCPUUtilizationPercentage") {
            result.put(nil, "spec", "targetCPUUtilizationPercentage")
            result.put([metric(field: "target", "Utilization", "averageUtilization", target)], "spec", "metrics")
        }
        if let current = object.at("status", "currentCPUUtilizationPercentage") {
            result.put(nil, "status", "currentCPUUtilizationPercentage")
            result.put([metric(field: "current", nil, "averageUtilization", current)], "status", "currentMetrics")
        }
        return result
    }

    private static func metric(field: String, _ type: String?, _ name: String, _ value: JSONValue) -> JSONValue {
        var target: JSONValue = [name: value]
        if let type { target["type"] = .string(type) }
        return ["type": "Resource", "resource": ["name": "cpu", field: target]]
    }

    @Sendable private static func autoscalerToV1(_ object: JSONValue) -> JSONValue {
        var result = object
        func utilization(_ list: String, _ part: String, _ field: String) -> JSONValue? {
            object.at(part, list)?.arrayValue?.lazy.compactMap { metric -> JSONValue? in
                guard metric.at("resource", "name") == "cpu" else { return nil }
                return metric.at("resource", field, "averageUtilization")
            }.first
        }
        let target = utilization("metrics", "spec", "target")
        result.put(nil, "spec", "metrics")
        result.put(nil, "spec", "behavior")
        if let target { result.put(target, "spec", "targetCPUUtilizationPercentage") }
        guard let status = object["status"], status.objectValue?.isEmpty == false else { return result }
        let current = utilization("currentMetrics", "status", "current")
        var served: JSONValue = ["currentReplicas": status["currentReplicas"] ?? 0]
        for field in ["desiredReplicas", "lastScaleTime", "observedGeneration"] { served[field] = status[field] }
        if let current { served["currentCPUUtilizationPercentage"] = current }
        result["status"] = served
        return result
    }
}

extension ResourceType {
    /// An object of this version in the version that is stored.
    func toStored(_ object: JSONValue) -> JSONValue { conversion?.toStored(object) ?? object }

    /// A stored object in this version.
    func toServed(_ object: JSONValue) -> JSONValue { conversion?.toServed(object) ?? object }

    /// The type whose objects are stored.
    var storedType: ResourceType { conversion == nil ? self : ResourceCatalog.stored[storage] ?? self }
}
