internal import KubernetesObjects

// MARK: - Jobs

extension ClusterState {
    mutating func reconcileJobs(_ agenda: inout Agenda) {
        for stored in store.all("jobs.batch") where !stored.value.isBeingDeleted {
            reconcile(job: stored, &agenda)
        }
    }

    private mutating func reconcile(job stored: StoredObject, _ agenda: inout Agenda) {
        let job = stored.value
        let now = agenda.now
        if job.condition("Complete")?["status"] == "True" || job.condition("Failed")?["status"] == "True" {
            expire(job, &agenda)
            return
        }
        let all = pods(controlledBy: job.uid, in: job.namespace)
        let succeeded = all.filter { $0.value.at("status", "phase")?.stringValue == "Succeeded" }.count
        let failed = all.filter { $0.value.at("status", "phase")?.stringValue == "Failed" }.count
        let active = all.filter { PodFacts.isActive($0.value) }
        let ending = all.filter { $0.value.isBeingDeleted && !PodFacts.isFinished($0.value) }.count
        let isSuspended = job.at("spec", "suspend")?.boolValue == true
        let completions = job.int("spec", "completions")
        let limit = job.int("spec", "backoffLimit") ?? 6
        let restarts = active.reduce(0) { sum, pod in
            sum
                + (pod.value.at("status", "containerStatuses")?.arrayValue ?? []).reduce(0) {
                    $0 + ($1.int("restartCount") ?? 0)
                }
        }
        let started = job.at("status", "startTime")?.stringValue.flatMap(Timestamp.instant) ?? now
        var failure: (reason: String, message: String)?
        if failed > limit || restarts > limit {
            failure = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
        } else if let deadline = job.int("spec", "activeDeadlineSeconds"), !isSuspended {
            if now >= started + Double(deadline) {
                failure = ("DeadlineExceeded", "Job was active longer than specified deadline")
            } else {
                agenda.look(at: started + Double(deadline))
            }
        }
        // Without a number, the first success says that the work is done, and the others come to their own end.
        let isComplete = completions.map { succeeded >= $0 } ?? (succeeded > 0 && active.isEmpty)
        if failure != nil || isComplete || isSuspended {
            for pod in active { end("pods", pod.value.key, now: now) }
        } else {
            let most = job.int("spec", "parallelism") ?? 1
            let parallel = completions.map { min(most, $0 - succeeded) } ?? (succeeded > 0 ? 0 : most)
            if active.count < parallel {
                for _ in active.count..<parallel { startPod(of: job, index: all.count, now: now) }
            }
        }
        let present = pods(controlledBy: job.uid, in: job.namespace).filter { PodFacts.isActive($0.value) }
        let ready = present.filter { PodFacts.isReady($0.value) }.count
        writeStatus("jobs.batch", job.key, now: now) { object in
            var status = object["status"] ?? .object([:])
            if status["startTime"] == nil, !isSuspended { status["startTime"] = .string(Timestamp.text(now)) }
            for (name, count) in [("active", present.count), ("succeeded", succeeded), ("failed", failed)] {
                status[name] = count > 0 ? .integer(Int64(count)) : nil
            }
            status["ready"] = .integer(Int64(ready))
            status["terminating"] = .integer(Int64(ending))
            status["uncountedTerminatedPods"] = .object([:])
            object["status"] = status
            if isComplete {
                let message = "Reached expected number of succeeded pods"
                Self.addCondition(&object, "SuccessCriteriaMet", "CompletionsReached", message, now)
                Self.addCondition(&object, "Complete", "CompletionsReached", message, now)
                object.put(.string(Timestamp.text(now)), "status", "completionTime")
            } else if let failure {
                Self.addCondition(&object, "FailureTarget", failure.reason, failure.message, now)
                Self.addCondition(&object, "Failed", failure.reason, failure.message, now)
            } else if isSuspended, object.condition("Suspended") == nil {
                Self.addCondition(&object, "Suspended", "JobSuspended", "Job suspended", now)
            }
        }
        if isComplete { record("Completed", "Job completed", about: job, source: "job-controller", now: now) }
        if let failure {
            record(
                failure.reason, failure.message, about: job, type: "Warning", source: "job-controller", now: now)
        }
    }

    private mutating func startPod(of job: JSONValue, index: Int, now: Double) {
        var pod = Self.pod(from: job.at("spec", "template"), owner: job, apiVersion: "batch/v1", kind: "Job")
        pod.put(.string("\(job.name)-"), "metadata", "generateName")
        if job.at("spec", "completionMode")?.stringValue == "Indexed" {
            pod.put(.string(String(index)), "metadata", "annotations", "batch.kubernetes.io/job-completion-index")
        }
        spawn("pods", pod, now: now)
    }

    private static func addCondition(
        _ object: inout JSONValue, _ type: String, _ reason: String, _ message: String, _ now: Double
    ) {
        let time = JSONValue.string(Timestamp.text(now))
        var conditions = object.at("status", "conditions")?.arrayValue ?? []
        conditions.removeAll { $0["type"]?.stringValue == type }
        conditions.append([
            "type": .string(type), "status": "True", "lastProbeTime": time, "lastTransitionTime": time,
            "reason": .string(reason), "message": .string(message),
        ])
        object.put(.array(conditions), "status", "conditions")
    }

    /// Deletes a finished job once its time to live is over.
    private mutating func expire(_ job: JSONValue, _ agenda: inout Agenda) {
        guard let seconds = job.int("spec", "ttlSecondsAfterFinished") else { return }
        let conditions = ["Complete", "Failed"].compactMap { job.condition($0) }
        let finished = conditions.first?["lastTransitionTime"]?.stringValue.flatMap(Timestamp.instant) ?? agenda.now
        let end = finished + Double(seconds)
        if agenda.now >= end {
            self.end("jobs.batch", job.key, now: agenda.now)
        } else {
            agenda.look(at: end)
        }
    }
}
