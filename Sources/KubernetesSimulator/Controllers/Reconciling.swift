internal import KubernetesObjects

// MARK: - One pass of all controllers

extension ClusterState {
    /// Lets every controller act until none has anything to do.
    ///
    /// - Returns: the next instant at which one of them wants to look again; nil when only a change can move anything.
    mutating func reconcile(now: Double) -> Double? {
        instant = now
        var next: Double?
        for _ in 0..<40 {
            let before = store.revision
            var agenda = Agenda(now: now)
            reconcileDefinitions(&agenda)
            reconcileDeployments(&agenda)
            reconcileReplicaSets(&agenda)
            reconcileStatefulSets(&agenda)
            reconcileDaemonSets(&agenda)
            reconcileCronJobs(&agenda)
            reconcileJobs(&agenda)
            reconcilePods(&agenda)
            reconcileNetworking(&agenda)
            reconcileVolumes(&agenda)
            reconcilePersistentVolumes(&agenda)
            reconcileBudgets(&agenda)
            reconcileAPIServices(now: agenda.now)
            collectGarbage(&agenda)
            reconcileNamespaces(&agenda)
            next = agenda.next
            if store.revision == before { break }
        }
        return next
    }

    /// Changes the status of an object as a controller does; nothing is written when nothing changes.
    mutating func writeStatus(
        _ storage: String, _ key: ObjectKey, now: Double,
        author: Author = Author(manager: "kube-controller-manager", subresource: "status"),
        _ change: (inout JSONValue) -> Void
    ) {
        guard let type = builtIn(storage), let old = store.get(storage, key)?.value else { return }
        var new = old
        change(&new)
        guard new != old else { return }
        let merger = ServerSideApply(
            shape: type.shape, time: Timestamp.text(now), ignored: author.ignoredFields(type))
        store.put(storage, merger.update(new, from: old, as: author.identity(type)), now: now)
    }

    /// Changes an object itself as a controller does.
    mutating func write(
        _ storage: String, _ key: ObjectKey, now: Double, author: Author = .controllerManager,
        _ change: (inout JSONValue) -> Void
    ) {
        guard let type = builtIn(storage), let old = store.get(storage, key)?.value else { return }
        var new = old
        change(&new)
        guard new != old else { return }
        _ = try? update(new, of: type, key: key, author: author, now: now)
    }

    /// Deletes an object as a controller does.
    mutating func end(_ storage: String, _ key: ObjectKey, now: Double, propagation: String = "Background") {
        guard let type = builtIn(storage) ?? storedTypes.first(where: { $0.storage == storage }) else { return }
        _ = try? delete(type, key, options: DeleteOptions(propagation: propagation), now: now)
    }

    /// Creates an object as a controller does, under its owner.
    @discardableResult
    mutating func spawn(_ storage: String, _ object: JSONValue, now: Double) -> JSONValue? {
        guard let type = builtIn(storage) else { return nil }
        var value = object
        value["apiVersion"] = .string(type.apiVersion)
        value["kind"] = .string(type.kind)
        return try? create(
            value, of: type, namespace: type.isNamespaced ? value.namespace : nil, author: .controllerManager, now: now)
    }

    /// Writes an event about an object, or counts up the one that says the same.
    mutating func record(
        _ reason: String, _ message: String, about object: JSONValue, type: String = "Normal", source: String,
        now: Double
    ) {
        let time = JSONValue.string(Timestamp.text(now))
        let namespace = object.namespace.isEmpty ? "default" : object.namespace
        let hash = SeededRandom.hash("\(object.uid)\(reason)\(message)")
        let key = ObjectKey(namespace: namespace, name: "\(object.name).\(String(hash, radix: 16))")
        if let old = store.get("events", key)?.value {
            var event = old
            event["count"] = .integer((old["count"]?.intValue ?? 1) + 1)
            event["lastTimestamp"] = time
            store.put("events", event, now: now)
            return
        }
        let involved: JSONValue = [
            "kind": object["kind"] ?? "", "apiVersion": object["apiVersion"] ?? "", "name": .string(object.name),
            "namespace": .string(object.namespace), "uid": .string(object.uid),
            "resourceVersion": object.at("metadata", "resourceVersion") ?? "",
        ]
        spawn(
            "events",
            [
                "metadata": ["name": .string(key.name), "namespace": .string(namespace)], "involvedObject": involved,
                "reason": .string(reason), "message": .string(message), "type": .string(type), "count": 1,
                "firstTimestamp": time, "lastTimestamp": time, "source": ["component": .string(source)],
                "reportingComponent": .string(source), "reportingInstance": "", "eventTime": nil,
            ], now: now)
    }

    /// The pods that an object controls, in the order of their names.
    func pods(controlledBy uid: String, in namespace: String) -> [StoredObject] {
        store.all("pods", namespace: namespace).filter { $0.value.controllerUID == uid }
    }
}

/// The time of a pass, and when the next one is wanted.
struct Agenda: Sendable {
    let now: Double
    private(set) var next: Double?

    init(now: Double) { self.now = now }

    /// Asks for another pass at an instant to come.
    mutating func look(at instant: Double) {
        let soon = max(instant, now + 0.01)
        next = min(next ?? soon, soon)
    }
}

/// What a pod tells controllers.
enum PodFacts {
    static func isReady(_ pod: JSONValue) -> Bool { pod.condition("Ready")?["status"] == "True" }

    static func isFinished(_ pod: JSONValue) -> Bool {
        let phase = pod.at("status", "phase")?.stringValue
        return phase == "Succeeded" || phase == "Failed"
    }

    /// Neither ending nor ended.
    static func isActive(_ pod: JSONValue) -> Bool { !pod.isBeingDeleted && !isFinished(pod) }

    /// Ready for at least this long; asks to be looked at again when only time is missing.
    static func isAvailable(_ pod: StoredObject, minimumReady: Double, agenda: inout Agenda) -> Bool {
        guard isReady(pod.value) else { return false }
        guard minimumReady > 0 else { return true }
        let since = pod.readyAt ?? agenda.now
        if agenda.now - since >= minimumReady { return true }
        agenda.look(at: since + minimumReady)
        return false
    }
}

/// A count or a percentage of a count.
enum IntOrPercent {
    static func resolve(_ value: JSONValue?, of total: Int, roundingUp: Bool) -> Int {
        if let number = value?.intValue { return Int(Int32(clamping: number)) }
        guard let text = value?.stringValue, text.hasSuffix("%"), let percent = Int32(text.dropLast()) else { return 0 }
        let product = Int(percent) * Int(Int32(clamping: total))
        return roundingUp ? (product + 99) / 100 : product / 100
    }
}
