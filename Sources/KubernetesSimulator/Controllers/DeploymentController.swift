internal import KubernetesObjects

// MARK: - Deployments

extension ClusterState {
    private static let storage = "deployments.apps"
    private static let replicaSets = "replicasets.apps"
    private static let revisionKey = "deployment.kubernetes.io/revision"

    mutating func reconcileDeployments(_ agenda: inout Agenda) {
        for stored in store.all(Self.storage) where !stored.value.isBeingDeleted {
            reconcile(deployment: stored.value, &agenda)
        }
    }

    private mutating func reconcile(deployment: JSONValue, _ agenda: inout Agenda) {
        let key = deployment.key
        let now = agenda.now
        var owned = ownedSets(of: deployment)
        let wanted = deployment.int("spec", "replicas") ?? 1
        let isPaused = deployment.at("spec", "paused")?.boolValue == true
        var current = owned.first { Self.hasSameTemplate($0, deployment) }
        let isRecreate = deployment.at("spec", "strategy", "type")?.stringValue == "Recreate"
        let surge = isRecreate ? 0 : Self.surge(of: deployment)

        if !isPaused {
            if current == nil {
                if isRecreate, scaleDownForRecreate(owned, deployment, now: now) {
                    writeDeploymentStatus(deployment, owned: ownedSets(of: deployment), current: nil, &agenda)
                    return
                }
                current = createReplicaSet(for: deployment, owned: owned, surge: surge, wanted: wanted, now: now)
                owned = ownedSets(of: deployment)
            } else if let set = current {
                adopt(set, of: deployment, owned: owned, surge: surge, wanted: wanted, now: now)
                owned = ownedSets(of: deployment)
            }
            if let set = owned.first(where: { $0.uid == current?.uid }) {
                roll(
                    deployment, new: set, old: owned.filter { $0.uid != set.uid }, surge: surge, isRecreate: isRecreate,
                    &agenda)
                owned = ownedSets(of: deployment)
                current = owned.first { $0.uid == set.uid }
            }
        } else if let set = current, set.int("spec", "replicas") != wanted,
            owned.filter({ ($0.int("spec", "replicas") ?? 0) > 0 }).count <= 1
        {
            scale(set, to: wanted, deployment: deployment, now: now)
            owned = ownedSets(of: deployment)
        }
        writeDeploymentStatus(
            store.get(Self.storage, key)?.value ?? deployment, owned: ownedSets(of: deployment), current: current,
            &agenda)
    }

    private func ownedSets(of deployment: JSONValue) -> [JSONValue] {
        store.all(Self.replicaSets, namespace: deployment.namespace).map(\.value)
            .filter { $0.controllerUID == deployment.uid && !$0.isBeingDeleted }
    }

    private static func hasSameTemplate(_ set: JSONValue, _ deployment: JSONValue) -> Bool {
        var template = set.at("spec", "template") ?? .null
        template.put(nil, "metadata", "labels", "pod-template-hash")
        return template == deployment.at("spec", "template")
    }

    private static func revision(of object: JSONValue) -> Int {
        object.at("metadata", "annotations", revisionKey)?.stringValue.flatMap(Int.init) ?? 0
    }

    private static func surge(of deployment: JSONValue) -> Int {
        let wanted = deployment.int("spec", "replicas") ?? 1
        return IntOrPercent.resolve(
            deployment.at("spec", "strategy", "rollingUpdate", "maxSurge"), of: wanted, roundingUp: true)
    }

    /// At least one of surge and unavailable is positive, or nothing could move.
    private static func unavailable(of deployment: JSONValue, surge: Int) -> Int {
        if deployment.at("spec", "strategy", "type")?.stringValue == "Recreate" { return 0 }
        let wanted = deployment.int("spec", "replicas") ?? 1
        let value = IntOrPercent.resolve(
            deployment.at("spec", "strategy", "rollingUpdate", "maxUnavailable"), of: wanted, roundingUp: false)
        return min(value == 0 && surge == 0 ? 1 : value, wanted)
    }

    private static func annotations(of deployment: JSONValue, revision: Int, surge: Int, wanted: Int) -> JSONValue {
        var result = deployment.at("metadata", "annotations")?.objectValue ?? [:]
        for name in ["kubectl.kubernetes.io/last-applied-configuration", "deprecated.deployment.rollback.to"] {
            result[name] = nil
        }
        result[revisionKey] = .string(String(revision))
        result["deployment.kubernetes.io/desired-replicas"] = .string(String(wanted))
        result["deployment.kubernetes.io/max-replicas"] = .string(String(wanted + surge))
        return .object(result)
    }

    private mutating func createReplicaSet(
        for deployment: JSONValue, owned: [JSONValue], surge: Int, wanted: Int, now: Double
    ) -> JSONValue? {
        let revision = (owned.map(Self.revision).max() ?? 0) + 1
        var template = deployment.at("spec", "template") ?? .null
        let hash = SeededRandom.nameHash(template.serialized())
        template.put(.string(hash), "metadata", "labels", "pod-template-hash")
        var selector = deployment.at("spec", "selector") ?? .object([:])
        selector.put(.string(hash), "matchLabels", "pod-template-hash")
        let present = owned.reduce(0) { $0 + ($1.int("spec", "replicas") ?? 0) }
        let replicas = max(0, min(wanted, wanted + surge - present))
        var spec: JSONValue = [
            "replicas": .integer(Int64(replicas)), "selector": selector, "template": template,
        ]
        if let ready = deployment.at("spec", "minReadySeconds") { spec["minReadySeconds"] = ready }
        let name = "\(deployment.name)-\(hash)"
        let set = spawn(
            Self.replicaSets,
            [
                "metadata": [
                    "name": .string(name), "namespace": .string(deployment.namespace),
                    "labels": template.at("metadata", "labels") ?? .object([:]),
                    "annotations": Self.annotations(of: deployment, revision: revision, surge: surge, wanted: wanted),
                    "ownerReferences": [deployment.ownerReference(apiVersion: "apps/v1", kind: "Deployment")],
                ],
                "spec": spec,
            ], now: now)
        if replicas > 0 {
            record(
                "ScalingReplicaSet", "Scaled up replica set \(name) from 0 to \(replicas)", about: deployment,
                source: "deployment-controller", now: now)
        }
        writeStatus(Self.storage, deployment.key, now: now) { object in
            object.put(.string(String(revision)), "metadata", "annotations", Self.revisionKey)
            DeploymentConditions.set(
                &object, type: "Progressing", status: "True", reason: "NewReplicaSetCreated",
                message: "Created new replica set \"\(name)\"", now: now)
        }
        return set
    }

    /// Makes an existing replica set the newest revision again.
    private mutating func adopt(
        _ set: JSONValue, of deployment: JSONValue, owned: [JSONValue], surge: Int, wanted: Int, now: Double
    ) {
        let highest = owned.filter { $0.uid != set.uid }.map(Self.revision).max() ?? 0
        let revision = max(Self.revision(of: set), highest + 1)
        write(Self.replicaSets, set.key, now: now) { object in
            object.put(
                Self.annotations(of: deployment, revision: revision, surge: surge, wanted: wanted), "metadata",
                "annotations")
            object.put(deployment.at("spec", "minReadySeconds"), "spec", "minReadySeconds")
        }
        if Self.revision(of: deployment) != revision {
            writeStatus(Self.storage, deployment.key, now: now) { object in
                object.put(.string(String(revision)), "metadata", "annotations", Self.revisionKey)
            }
        }
    }

    private mutating func scale(_ set: JSONValue, to replicas: Int, deployment: JSONValue, now: Double) {
        let old = set.int("spec", "replicas") ?? 0
        guard old != replicas else { return }
        let wanted = deployment.int("spec", "replicas") ?? 1
        let most = wanted + Self.surge(of: deployment)
        write(Self.replicaSets, set.key, now: now) { object in
            object.put(.integer(Int64(replicas)), "spec", "replicas")
            object.put(
                .string(String(wanted)), "metadata", "annotations", "deployment.kubernetes.io/desired-replicas")
            object.put(.string(String(most)), "metadata", "annotations", "deployment.kubernetes.io/max-replicas")
        }
        let direction = replicas > old ? "up" : "down"
        record(
            "ScalingReplicaSet", "Scaled \(direction) replica set \(set.name) from \(old) to \(replicas)",
            about: deployment, source: "deployment-controller", now: now)
    }

    /// Empties old sets before a new one is made; true while their pods are still there.
    private mutating func scaleDownForRecreate(_ owned: [JSONValue], _ deployment: JSONValue, now: Double) -> Bool {
        var isBusy = false
        for set in owned {
            if (set.int("spec", "replicas") ?? 0) > 0 {
                scale(set, to: 0, deployment: deployment, now: now)
                isBusy = true
            }
            if !pods(controlledBy: set.uid, in: set.namespace).isEmpty { isBusy = true }
        }
        return isBusy
    }

    private mutating func roll(
        _ deployment: JSONValue, new: JSONValue, old: [JSONValue], surge: Int, isRecreate: Bool, _ agenda: inout Agenda
    ) {
        let now = agenda.now
        let wanted = deployment.int("spec", "replicas") ?? 1
        if isRecreate {
            if scaleDownForRecreate(old, deployment, now: now) { return }
            scale(new, to: wanted, deployment: deployment, now: now)
            return cleanUp(deployment, old: old, now: now)
        }
        let present = ([new] + old).reduce(0) { $0 + ($1.int("spec", "replicas") ?? 0) }
        let newReplicas = new.int("spec", "replicas") ?? 0
        if newReplicas > wanted {
            scale(new, to: wanted, deployment: deployment, now: now)
            return
        }
        if newReplicas < wanted, present < wanted + surge {
            let room = min(wanted + surge - present, wanted - newReplicas)
            scale(new, to: newReplicas + room, deployment: deployment, now: now)
            return
        }
        let olds = old.filter { ($0.int("spec", "replicas") ?? 0) > 0 }
        guard !olds.isEmpty else { return cleanUp(deployment, old: old, now: now) }
        let leastAvailable = wanted - Self.unavailable(of: deployment, surge: surge)
        let newUnavailable = newReplicas - (new.int("status", "availableReplicas") ?? 0)
        var budget = present - leastAvailable - newUnavailable
        for set in olds where budget > 0 {
            let replicas = set.int("spec", "replicas") ?? 0
            let unhealthy = min(budget, replicas - min(replicas, set.int("status", "availableReplicas") ?? 0))
            if unhealthy > 0 {
                scale(set, to: replicas - unhealthy, deployment: deployment, now: now)
                budget -= unhealthy
            }
        }
        let sets = ownedSets(of: deployment)
        let available = sets.reduce(0) {
            $0 + min($1.int("status", "availableReplicas") ?? 0, $1.int("spec", "replicas") ?? 0)
        }
        var surplus = available - leastAvailable
        for set in sets where set.uid != new.uid && surplus > 0 {
            let replicas = set.int("spec", "replicas") ?? 0
            let fewer = min(replicas, surplus)
            if fewer > 0 {
                scale(set, to: replicas - fewer, deployment: deployment, now: now)
                surplus -= fewer
            }
        }
    }

    /// Drops the oldest empty sets beyond the revision history's limit.
    private mutating func cleanUp(_ deployment: JSONValue, old: [JSONValue], now: Double) {
        let limit = deployment.int("spec", "revisionHistoryLimit") ?? 10
        let idle = old.filter { ($0.int("status", "replicas") ?? 0) == 0 && $0.int("spec", "replicas") == 0 }
            .sorted { Self.revision(of: $0) < Self.revision(of: $1) }
        for set in idle.prefix(max(0, idle.count - limit)) { end(Self.replicaSets, set.key, now: now) }
    }

    private mutating func writeDeploymentStatus(
        _ deployment: JSONValue, owned: [JSONValue], current: JSONValue?, _ agenda: inout Agenda
    ) {
        func sum(_ field: String) -> Int { owned.reduce(0) { $0 + ($1.int("status", field) ?? 0) } }
        let newest = current.flatMap { current in owned.first { $0.uid == current.uid } }
        let wanted = deployment.int("spec", "replicas") ?? 1
        let replicas = sum("replicas")
        let available = sum("availableReplicas")
        let updated = newest?.int("status", "replicas") ?? 0
        let unavailable = max(0, owned.reduce(0) { $0 + ($1.int("spec", "replicas") ?? 0) } - available)
        let least = wanted - Self.unavailable(of: deployment, surge: Self.surge(of: deployment))
        var counts: [(String, Int)] = [
            ("replicas", replicas), ("updatedReplicas", updated), ("readyReplicas", sum("readyReplicas")),
            ("availableReplicas", available), ("unavailableReplicas", unavailable),
        ]
        counts = counts.filter { $0.1 != 0 }
        let ending = sum("terminatingReplicas")
        let facts = DeploymentConditions.Facts(
            deployment: deployment, setName: newest?.name, wanted: wanted, replicas: replicas, updated: updated,
            available: available, least: least)
        var next: Double?
        let now = agenda.now
        writeStatus(Self.storage, deployment.key, now: now) { object in
            let old = object["status"] ?? .object([:])
            var status: [String: JSONValue] = [
                "observedGeneration": .integer(deployment.generation),
                "terminatingReplicas": .integer(Int64(ending)),
            ]
            for (name, count) in counts { status[name] = .integer(Int64(count)) }
            status["conditions"] = old["conditions"]
            object["status"] = .object(status)
            next = DeploymentConditions.refresh(&object, facts, old: old, now: now)
        }
        if let next { agenda.look(at: next) }
    }
}
