internal import KubernetesObjects

// MARK: - Stateful sets and daemon sets

extension ClusterState {
    private static let hashLabel = "controller-revision-hash"

    mutating func reconcileStatefulSets(_ agenda: inout Agenda) {
        for stored in store.all("statefulsets.apps") where !stored.value.isBeingDeleted {
            reconcile(statefulSet: stored.value, &agenda)
        }
    }

    /// The name of a template's revision; the revision is kept as an object of its own.
    private mutating func revision(of owner: JSONValue, kind: String, now: Double) -> String {
        let template = owner.at("spec", "template") ?? .null
        let hash = SeededRandom.nameHash(template.serialized())
        let name = "\(owner.name)-\(hash)"
        let key = ObjectKey(namespace: owner.namespace, name: name)
        if store.get("controllerrevisions.apps", key) == nil {
            let count = store.all("controllerrevisions.apps", namespace: owner.namespace)
                .filter { $0.value.controllerUID == owner.uid }.count
            spawn(
                "controllerrevisions.apps",
                [
                    "metadata": [
                        "name": .string(name), "namespace": .string(owner.namespace),
                        "labels": template.at("metadata", "labels") ?? .object([:]),
                        "ownerReferences": [owner.ownerReference(apiVersion: "apps/v1", kind: kind)],
                    ],
                    "data": ["spec": ["template": template]], "revision": .integer(Int64(count + 1)),
                ], now: now)
        }
        return name
    }

    private mutating func reconcile(statefulSet set: JSONValue, _ agenda: inout Agenda) {
        let now = agenda.now
        let wanted = set.int("spec", "replicas") ?? 1
        let update = revision(of: set, kind: "StatefulSet", now: now)
        let current = set.at("status", "currentRevision")?.stringValue ?? update
        let isParallel = set.at("spec", "podManagementPolicy")?.stringValue == "Parallel"
        let isManual = set.at("spec", "updateStrategy", "type")?.stringValue == "OnDelete"
        let partition = set.int("spec", "updateStrategy", "rollingUpdate", "partition") ?? 0
        let minimum = Double(set.int("spec", "minReadySeconds") ?? 0)
        func pod(_ ordinal: Int) -> StoredObject? {
            store.get("pods", ObjectKey(namespace: set.namespace, name: "\(set.name)-\(ordinal)"))
        }
        var isHeld = false
        for ordinal in 0..<wanted where !isHeld {
            if let existing = pod(ordinal) {
                if PodFacts.isFinished(existing.value), !existing.value.isBeingDeleted {
                    end("pods", existing.value.key, now: now)
                }
                if !isParallel, !PodFacts.isReady(existing.value) || existing.value.isBeingDeleted { isHeld = true }
            } else {
                startOrdinal(ordinal, of: set, revision: ordinal < partition ? current : update, now: now)
                if !isParallel { isHeld = true }
            }
        }
        let all = pods(controlledBy: set.uid, in: set.namespace)
        let surplus = all.filter { (Self.ordinal(of: $0.value) ?? 0) >= wanted && !$0.value.isBeingDeleted }
            .sorted { (Self.ordinal(of: $0.value) ?? 0) > (Self.ordinal(of: $1.value) ?? 0) }
        if !isHeld {
            for extra in isParallel ? surplus[...] : surplus.prefix(1) { end("pods", extra.value.key, now: now) }
        }
        if !isManual, surplus.isEmpty {
            replaceOutdated(set, wanted: wanted, partition: partition, update: update, now: now)
        }
        writeStatus(
            statefulSet: set, current: current, update: update, minimum: minimum, wanted: wanted, partition: partition,
            &agenda)
    }

    /// Replaces pods of an older revision one at a time, the highest ordinal first.
    private mutating func replaceOutdated(
        _ set: JSONValue, wanted: Int, partition: Int, update: String, now: Double
    ) {
        for ordinal in stride(from: wanted - 1, through: max(0, partition), by: -1) {
            guard let pod = store.get("pods", ObjectKey(namespace: set.namespace, name: "\(set.name)-\(ordinal)"))
            else { return }
            if pod.value.isBeingDeleted { return }
            if pod.value.at("metadata", "labels", Self.hashLabel)?.stringValue != update {
                end("pods", pod.value.key, now: now)
                return
            }
            if !PodFacts.isReady(pod.value) { return }
        }
    }

    private static func ordinal(of pod: JSONValue) -> Int? {
        pod.name.split(separator: "-").last.flatMap { Int($0) }
    }

    private mutating func startOrdinal(_ ordinal: Int, of set: JSONValue, revision: String, now: Double) {
        var template = set.at("spec", "template")
        let key = ObjectKey(namespace: set.namespace, name: revision)
        if let kept = store.get("controllerrevisions.apps", key)?.value.at("data", "spec", "template") {
            template = kept
        }
        let name = "\(set.name)-\(ordinal)"
        var pod = Self.pod(from: template, owner: set, apiVersion: "apps/v1", kind: "StatefulSet", name: name)
        pod.put(.string(revision), "metadata", "labels", Self.hashLabel)
        pod.put(.string(name), "metadata", "labels", "statefulset.kubernetes.io/pod-name")
        pod.put(.string(String(ordinal)), "metadata", "labels", "apps.kubernetes.io/pod-index")
        pod.put(.string(name), "spec", "hostname")
        pod.put(set.at("spec", "serviceName"), "spec", "subdomain")
        var volumes = pod.at("spec", "volumes")?.arrayValue ?? []
        for claim in set.at("spec", "volumeClaimTemplates")?.arrayValue ?? [] {
            let claimName = "\(claim.name)-\(name)"
            // A claim takes the place of a volume of its name, as manifests that name both rely on.
            volumes.removeAll { $0["name"]?.stringValue == claim.name }
            volumes.append(["name": .string(claim.name), "persistentVolumeClaim": ["claimName": .string(claimName)]])
            if store.get("persistentvolumeclaims", ObjectKey(namespace: set.namespace, name: claimName)) == nil {
                var metadata = claim["metadata"] ?? .object([:])
                metadata["name"] = .string(claimName)
                metadata["namespace"] = .string(set.namespace)
                spawn(
                    "persistentvolumeclaims", ["metadata": metadata, "spec": claim["spec"] ?? .object([:])], now: now)
            }
        }
        if !volumes.isEmpty { pod.put(.array(volumes), "spec", "volumes") }
        if spawn("pods", pod, now: now) != nil {
            record(
                "SuccessfulCreate", "create Pod \(name) in StatefulSet \(set.name) successful", about: set,
                source: "statefulset-controller", now: now)
        }
    }

    private mutating func writeStatus(
        statefulSet set: JSONValue, current: String, update: String, minimum: Double, wanted: Int, partition: Int,
        _ agenda: inout Agenda
    ) {
        let pods = pods(controlledBy: set.uid, in: set.namespace).filter { !PodFacts.isFinished($0.value) }
        func count(_ revision: String) -> Int {
            pods.filter {
                $0.value.at("metadata", "labels", Self.hashLabel)?.stringValue == revision && !$0.value.isBeingDeleted
            }.count
        }
        let ready = pods.filter { PodFacts.isReady($0.value) && !$0.value.isBeingDeleted }.count
        var available = 0
        for pod in pods where !pod.value.isBeingDeleted {
            if PodFacts.isAvailable(pod, minimumReady: minimum, agenda: &agenda) { available += 1 }
        }
        let updated = count(update)
        let isComplete = updated == wanted && ready == wanted && pods.count == wanted && partition == 0
        let shown = isComplete ? update : current
        let ofCurrent = count(shown)
        var status: [String: JSONValue] = [
            "observedGeneration": .integer(set.generation), "replicas": .integer(Int64(pods.count)),
            "availableReplicas": .integer(Int64(available)), "currentRevision": .string(shown),
            "updateRevision": .string(update), "collisionCount": 0,
        ]
        let counts = [("readyReplicas", ready), ("currentReplicas", ofCurrent), ("updatedReplicas", updated)]
        for (name, count) in counts where count > 0 { status[name] = .integer(Int64(count)) }
        writeStatus("statefulsets.apps", set.key, now: agenda.now) { $0["status"] = .object(status) }
    }

    // MARK: Daemon sets

    mutating func reconcileDaemonSets(_ agenda: inout Agenda) {
        for stored in store.all("daemonsets.apps") where !stored.value.isBeingDeleted {
            reconcile(daemonSet: stored.value, &agenda)
        }
    }

    private mutating func reconcile(daemonSet set: JSONValue, _ agenda: inout Agenda) {
        let now = agenda.now
        let update = revision(of: set, kind: "DaemonSet", now: now)
        let hash = String(update.dropFirst(set.name.count + 1))
        let nodes = store.all("nodes").map(\.value.name)
        let isManual = set.at("spec", "updateStrategy", "type")?.stringValue == "OnDelete"
        let minimum = Double(set.int("spec", "minReadySeconds") ?? 0)
        let all = pods(controlledBy: set.uid, in: set.namespace)
        for node in nodes where !all.contains(where: { $0.value.at("spec", "nodeName")?.stringValue == node }) {
            var pod = Self.pod(
                from: set.at("spec", "template"), owner: set, apiVersion: "apps/v1", kind: "DaemonSet")
            pod.put(.string(hash), "metadata", "labels", Self.hashLabel)
            pod.put(.string(node), "spec", "nodeName")
            spawn("pods", pod, now: now)
        }
        let live = pods(controlledBy: set.uid, in: set.namespace)
        let most = max(
            1,
            IntOrPercent.resolve(
                set.at("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"), of: nodes.count, roundingUp: true))
        func isUpdated(_ pod: StoredObject) -> Bool {
            pod.value.at("metadata", "labels", Self.hashLabel)?.stringValue == hash
        }
        if !isManual {
            var away = live.filter { !PodFacts.isReady($0.value) || $0.value.isBeingDeleted }.count
            for pod in live where !isUpdated(pod) && !pod.value.isBeingDeleted {
                if PodFacts.isReady(pod.value) {
                    guard away < most else { continue }
                    away += 1
                }
                end("pods", pod.value.key, now: now)
            }
        }
        let present = pods(controlledBy: set.uid, in: set.namespace).filter { PodFacts.isActive($0.value) }
        let ready = present.filter { PodFacts.isReady($0.value) }.count
        var available = 0
        for pod in present where PodFacts.isAvailable(pod, minimumReady: minimum, agenda: &agenda) { available += 1 }
        let updated = present.filter(isUpdated).count
        var status: [String: JSONValue] = [
            "currentNumberScheduled": .integer(Int64(present.count)), "numberMisscheduled": 0,
            "desiredNumberScheduled": .integer(Int64(nodes.count)), "numberReady": .integer(Int64(ready)),
            "observedGeneration": .integer(set.generation),
        ]
        let counts = [
            ("updatedNumberScheduled", updated), ("numberAvailable", available),
            ("numberUnavailable", nodes.count - available),
        ]
        for (name, count) in counts where count > 0 { status[name] = .integer(Int64(count)) }
        writeStatus("daemonsets.apps", set.key, now: now) { $0["status"] = .object(status) }
    }
}
