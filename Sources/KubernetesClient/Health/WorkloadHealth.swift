internal import KubernetesObjects

/// The rules of the kinds that run pods.
enum WorkloadHealth {
    private static func count(_ object: KubernetesObject, _ field: String) -> Int64 {
        bounded(object.status?[field]) ?? 0
    }

    private static func wanted(_ object: KubernetesObject) -> Int64 { bounded(object.spec?["replicas"]) ?? 1 }

    /// A count as Kubernetes has them, in 32 bits: differences of two cannot overflow, whatever a server says.
    private static func bounded(_ value: JSONValue?) -> Int64? {
        value?.intValue.map { Int64(Int32(clamping: $0)) }
    }

    private static func progressing(_ message: String) -> HealthAssessment { HealthAssessment(.progressing, message) }

    static func deployment(_ object: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        if object.spec?["paused"]?.boolValue == true { return HealthAssessment(.suspended, "paused") }
        let condition = Condition.find("Progressing", in: object)
        // After going back to a replica set that is there already the condition of the former one stands until there is progress,
        // though the generation is current.
        if let condition, condition.reason == "ProgressDeadlineExceeded",
            let failure = context.failure(condition, of: object)
        {
            return failure
        }
        let wanted = wanted(object)
        let replicas = count(object, "replicas")
        let updated = count(object, "updatedReplicas")
        let available = count(object, "availableReplicas")
        let ready = count(object, "readyReplicas")
        // Pods that are refused, by a quota or a policy, leave no pod behind that could tell.
        let failure = Condition.find("ReplicaFailure", in: object).flatMap { condition in
            condition.isTrue && !context.stoodBefore(condition, of: object) ? condition : nil
        }
        let why = failure.map { "; \($0.text)" } ?? ""
        if replicas < wanted { return progressing("\(replicas) of \(wanted) replicas are there\(why)") }
        if updated < wanted { return progressing("\(updated) of \(wanted) replicas are updated\(why)") }
        if replicas > wanted { return progressing("\(replicas - wanted) old replicas are pending termination") }
        if available < updated { return progressing("\(available) of \(updated) updated replicas are available") }
        if ready < wanted { return progressing("\(ready) of \(wanted) replicas are ready") }
        if let failure { return HealthAssessment(.degraded, failure.text) }
        guard let isAvailable = Condition.find("Available", in: object), isAvailable.isTrue else {
            return progressing(Condition.find("Available", in: object)?.text ?? "not available yet")
        }
        // The largest number means none; then the controller says nothing of progress.
        let hasDeadline = object.spec?["progressDeadlineSeconds"]?.intValue.map { $0 < Int64(Int32.max) } ?? false
        if hasDeadline, condition?.reason != "NewReplicaSetAvailable" {
            let former = condition.flatMap {
                context.stoodBefore($0, of: object) ? " (as it was when it was sent)" : nil
            }
            return progressing((condition?.text ?? "the new replica set is not yet available") + (former ?? ""))
        }
        return HealthAssessment(.healthy)
    }

    static func statefulSet(_ object: KubernetesObject) -> HealthAssessment {
        let wanted = wanted(object)
        let ready = count(object, "readyReplicas")
        let updated = count(object, "updatedReplicas")
        let strategy = object.spec?["updateStrategy"]
        if ready < wanted { return progressing("\(ready) of \(wanted) replicas are ready") }
        if strategy?["type"]?.stringValue == "OnDelete" {
            return ready == wanted
                ? HealthAssessment(.healthy) : progressing("\(ready) replicas are ready, \(wanted) are wanted")
        }
        if let partition = bounded(strategy?["rollingUpdate"]?["partition"]), partition > 0 {
            let target = max(0, wanted - partition)
            return updated >= target
                ? HealthAssessment(.healthy, "\(updated) of \(wanted) replicas are updated, as the partition asks")
                : progressing("\(updated) of \(target) replicas of the partition are updated")
        }
        let current = object.status?["currentRevision"]?.stringValue
        let update = object.status?["updateRevision"]?.stringValue
        if current != update { return progressing("\(updated) of \(wanted) replicas are updated") }
        if ready != wanted { return progressing("\(ready) replicas are ready, \(wanted) are wanted") }
        // Going back to the current revision in mid-rollout shows in nothing else: both revisions are the same at once.
        if updated < wanted { return progressing("\(updated) of \(wanted) replicas are updated") }
        return HealthAssessment(.healthy)
    }

    static func daemonSet(_ object: KubernetesObject) -> HealthAssessment {
        if object.spec?["updateStrategy"]?["type"]?.stringValue == "OnDelete" { return HealthAssessment(.healthy) }
        let wanted = count(object, "desiredNumberScheduled")
        for (field, word) in [
            ("updatedNumberScheduled", "updated"), ("numberReady", "ready"), ("numberAvailable", "available"),
        ] {
            let have = count(object, field)
            if have < wanted { return progressing("\(have) of \(wanted) pods are \(word)") }
        }
        return HealthAssessment(.healthy)
    }

    static func replicaSet(_ object: KubernetesObject) -> HealthAssessment {
        if let failure = Condition.find("ReplicaFailure", in: object), failure.isTrue {
            return HealthAssessment(.degraded, failure.text)
        }
        let wanted = wanted(object)
        for (field, word) in [
            ("fullyLabeledReplicas", "labelled"), ("availableReplicas", "available"), ("readyReplicas", "ready"),
        ] {
            let have = count(object, field)
            if have != wanted { return progressing("\(have) of \(wanted) replicas are \(word)") }
        }
        return HealthAssessment(.healthy)
    }

    /// How a Job, a bare Pod or a run of a workflow has ended; nil while it has not, and for what has no end.
    static func end(of object: KubernetesObject) -> HealthAssessment? {
        switch object.type.groupKind {
        case GroupKind(kind: "Pod"): PodHealth.end(of: object)
        case ObjectAnnotations.job: end(ofJob: object)
        default: RunHealth.end(of: object)
        }
    }

    /// What a Job has come to; nil while it has not finished.
    static func end(ofJob object: KubernetesObject) -> HealthAssessment? {
        if let failed = Condition.find("Failed", in: object), failed.isTrue {
            return HealthAssessment(.failed, failed.text)
        }
        return Condition.find("Complete", in: object)?.isTrue == true ? HealthAssessment(.healthy) : nil
    }

    static func job(_ object: KubernetesObject) -> HealthAssessment {
        if let end = end(ofJob: object) { return end }
        if object.spec?["suspend"]?.boolValue == true { return HealthAssessment(.suspended, "suspended") }
        let active = count(object, "active")
        let failed = count(object, "failed")
        let failures = failed > 0 ? ", \(failed) failed" : ""
        return progressing(active > 0 ? "\(active) pods are running\(failures)" : "not finished\(failures)")
    }
}
