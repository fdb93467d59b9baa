internal import KubernetesObjects

// MARK: - Replica sets

extension ClusterState {
    mutating func reconcileReplicaSets(_ agenda: inout Agenda) {
        for stored in store.all("replicasets.apps") {
            let set = stored.value
            let pods = pods(controlledBy: set.uid, in: set.namespace)
            if !set.isBeingDeleted { keepCount(set, pods: pods, now: agenda.now) }
            writeStatus(set, &agenda)
        }
    }

    private mutating func keepCount(_ set: JSONValue, pods: [StoredObject], now: Double) {
        let active = pods.filter { PodFacts.isActive($0.value) }
        let wanted = set.int("spec", "replicas") ?? 1
        if active.count < wanted {
            for _ in active.count..<wanted {
                guard
                    let pod = spawn(
                        "pods",
                        Self.pod(
                            from: set.at("spec", "template"), owner: set, apiVersion: "apps/v1", kind: "ReplicaSet"),
                        now: now)
                else { break }
                record(
                    "SuccessfulCreate", "Created pod: \(pod.name)", about: set, source: "replicaset-controller",
                    now: now)
            }
        } else if active.count > wanted {
            // Those that are of least use go first: not ready before ready, younger before older.
            let order = active.sorted { left, right in
                let leftReady = PodFacts.isReady(left.value)
                let rightReady = PodFacts.isReady(right.value)
                if leftReady != rightReady { return !leftReady }
                return left.bornAt > right.bornAt
            }
            for pod in order.prefix(active.count - wanted) {
                end("pods", pod.value.key, now: now)
                record(
                    "SuccessfulDelete", "Deleted pod: \(pod.value.name)", about: set,
                    source: "replicaset-controller", now: now)
            }
        }
    }

    /// A pod made from a template under its controller.
    static func pod(
        from template: JSONValue?, owner: JSONValue, apiVersion: String, kind: String, name: String? = nil
    ) -> JSONValue {
        var metadata = template?["metadata"] ?? .object([:])
        metadata["namespace"] = .string(owner.namespace)
        if let name {
            metadata["name"] = .string(name)
        } else {
            metadata["generateName"] = .string("\(owner.name)-")
        }
        metadata["ownerReferences"] = [owner.ownerReference(apiVersion: apiVersion, kind: kind)]
        metadata["creationTimestamp"] = nil
        return ["metadata": metadata, "spec": template?["spec"] ?? .object([:])]
    }

    private mutating func writeStatus(_ set: JSONValue, _ agenda: inout Agenda) {
        let all = pods(controlledBy: set.uid, in: set.namespace)
        let active = all.filter { PodFacts.isActive($0.value) }
        let ready = active.filter { PodFacts.isReady($0.value) }.count
        let minimum = Double(set.int("spec", "minReadySeconds") ?? 0)
        var available = 0
        for pod in active where PodFacts.isAvailable(pod, minimumReady: minimum, agenda: &agenda) { available += 1 }
        let ending = all.filter { $0.value.isBeingDeleted && !PodFacts.isFinished($0.value) }.count
        var status: [String: JSONValue] = [
            "replicas": .integer(Int64(active.count)), "observedGeneration": .integer(set.generation),
            "terminatingReplicas": .integer(Int64(ending)),
        ]
        let counts = [
            ("fullyLabeledReplicas", active.count), ("readyReplicas", ready), ("availableReplicas", available),
        ]
        for (name, count) in counts where count > 0 { status[name] = .integer(Int64(count)) }
        writeStatus("replicasets.apps", set.key, now: agenda.now) { $0["status"] = .object(status) }
    }
}
