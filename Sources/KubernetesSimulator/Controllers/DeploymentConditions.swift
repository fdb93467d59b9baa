internal import KubernetesObjects

/// The conditions of a Deployment and the rules by which they change.
enum DeploymentConditions {
    struct Facts {
        var deployment: JSONValue
        var setName: String?
        var wanted: Int
        var replicas: Int
        var updated: Int
        var available: Int
        var least: Int

        var isComplete: Bool { updated == wanted && replicas == wanted && available == wanted }
    }

    /// Sets a condition; one that says the same stays where and as it is.
    static func set(
        _ object: inout JSONValue, type: String, status: String, reason: String, message: String, now: Double,
        keepsTransition: Bool = false
    ) {
        let time = JSONValue.string(Timestamp.text(now))
        var conditions = object.at("status", "conditions")?.arrayValue ?? []
        let old = conditions.first { $0["type"]?.stringValue == type }
        if let old, old["status"]?.stringValue == status, old["reason"]?.stringValue == reason, !keepsTransition {
            return
        }
        let transition = old?["status"]?.stringValue == status ? old?["lastTransitionTime"] ?? time : time
        conditions.removeAll { $0["type"]?.stringValue == type }
        conditions.append([
            "type": .string(type), "status": .string(status), "lastUpdateTime": time,
            "lastTransitionTime": transition, "reason": .string(reason), "message": .string(message),
        ])
        object.put(.array(conditions), "status", "conditions")
    }

    /// Brings both conditions up to date.
    ///
    /// - Returns: when the progress deadline ends, if it is still to come.
    static func refresh(_ object: inout JSONValue, _ facts: Facts, old: JSONValue, now: Double) -> Double? {
        if facts.available >= facts.least {
            set(
                &object, type: "Available", status: "True", reason: "MinimumReplicasAvailable",
                message: "Deployment has minimum availability.", now: now)
        } else {
            set(
                &object, type: "Available", status: "False", reason: "MinimumReplicasUnavailable",
                message: "Deployment does not have minimum availability.", now: now)
        }
        if facts.deployment.at("spec", "paused")?.boolValue == true {
            set(
                &object, type: "Progressing", status: "Unknown", reason: "DeploymentPaused",
                message: "Deployment is paused", now: now)
            return nil
        }
        let condition = object.condition("Progressing")
        if condition?["reason"]?.stringValue == "DeploymentPaused" {
            set(
                &object, type: "Progressing", status: "Unknown", reason: "DeploymentResumed",
                message: "Deployment is resumed", now: now)
        }
        guard let deadline = facts.deployment.int("spec", "progressDeadlineSeconds"), deadline < Int(Int32.max) else {
            return nil
        }
        let set0 = facts.setName.map { "ReplicaSet \"\($0)\"" } ?? "Deployment \"\(facts.deployment.name)\""
        let settled =
            old.int("replicas") ?? 0 == old.int("updatedReplicas") ?? 0
            && condition?["reason"]?.stringValue == "NewReplicaSetAvailable" && facts.replicas == facts.updated
        if settled, facts.isComplete || facts.updated == facts.wanted { return nil }
        if facts.isComplete {
            set(
                &object, type: "Progressing", status: "True", reason: "NewReplicaSetAvailable",
                message: "\(set0) has successfully progressed.", now: now)
            return nil
        }
        let oldReplicas = (old.int("replicas") ?? 0) - (old.int("updatedReplicas") ?? 0)
        let progressed =
            facts.updated > old.int("updatedReplicas") ?? 0 || facts.replicas - facts.updated < oldReplicas
            || object.int("status", "readyReplicas") ?? 0 > old.int("readyReplicas") ?? 0
            || facts.available > old.int("availableReplicas") ?? 0
        if progressed {
            set(
                &object, type: "Progressing", status: "True", reason: "ReplicaSetUpdated",
                message: "\(set0) is progressing.", now: now, keepsTransition: true)
        }
        guard let last = object.condition("Progressing"), last["reason"]?.stringValue != "ProgressDeadlineExceeded",
            let since = last["lastUpdateTime"]?.stringValue.flatMap(Timestamp.instant)
        else { return nil }
        // What had become available cannot time out before something new was seen to progress (deployment_util.go,
        // DeploymentTimedOut): going back to an old ReplicaSet begins with the old condition.
        if last["reason"]?.stringValue == "NewReplicaSetAvailable" { return nil }
        let end = since + Double(deadline) + 1
        if now >= end {
            set(
                &object, type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded",
                message: "\(set0) has timed out progressing.", now: now)
            return nil
        }
        return end
    }
}
