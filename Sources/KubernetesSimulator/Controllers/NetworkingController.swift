internal import KubernetesObjects

// MARK: - Services, ingresses, volumes, budgets and autoscalers: as much of them as others wait for

extension ClusterState {
    mutating func reconcileNetworking(_ agenda: inout Agenda) {
        for stored in store.all("services") {
            let service = stored.value
            if service.isBeingDeleted { continue }
            if service.at("spec", "type")?.stringValue == "LoadBalancer",
                service.at("status", "loadBalancer", "ingress") == nil
            {
                balance("services", stored, &agenda)
            }
            writeEndpoints(of: service, now: agenda.now)
        }
        for stored in store.all("ingresses.networking.k8s.io")
        where stored.value.at("status", "loadBalancer", "ingress") == nil {
            balance("ingresses.networking.k8s.io", stored, &agenda)
        }
    }

    private mutating func balance(_ storage: String, _ stored: StoredObject, _ agenda: inout Agenda) {
        let due = stored.bornAt + timing.provisioning
        guard agenda.now >= due else { return agenda.look(at: due) }
        let hash = SeededRandom.hash(stored.value.uid)
        let address = "203.0.113.\(hash % 254 + 1)"
        writeStatus(storage, stored.value.key, now: agenda.now) { object in
            object.put([["ip": .string(address)]], "status", "loadBalancer", "ingress")
        }
    }

    mutating func reconcileVolumes(_ agenda: inout Agenda) {
        for stored in store.all("persistentvolumeclaims") {
            let claim = stored.value
            if claim.isBeingDeleted {
                let isUsed = store.all("pods", namespace: claim.namespace).contains { pod in
                    (pod.value.at("spec", "volumes")?.arrayValue ?? []).contains {
                        $0.at("persistentVolumeClaim", "claimName")?.stringValue == claim.name
                    }
                }
                if !isUsed { unprotect("persistentvolumeclaims", claim.key, "kubernetes.io/pvc-protection", &agenda) }
                continue
            }
            guard claim.at("status", "phase")?.stringValue == "Pending" else { continue }
            let due = stored.bornAt + timing.provisioning
            guard agenda.now >= due else {
                agenda.look(at: due)
                continue
            }
            write("persistentvolumeclaims", claim.key, now: agenda.now) { object in
                object.put(.string("pvc-\(claim.uid)"), "spec", "volumeName")
            }
            writeStatus("persistentvolumeclaims", claim.key, now: agenda.now) { object in
                object["status"] = [
                    "phase": "Bound", "accessModes": object.at("spec", "accessModes") ?? .array([]),
                    "capacity": object.at("spec", "resources", "requests") ?? .object([:]),
                ]
            }
        }
    }

    /// Volumes made by hand wait for a claim; nothing here binds them.
    mutating func reconcilePersistentVolumes(_ agenda: inout Agenda) {
        for stored in store.all("persistentvolumes") {
            let volume = stored.value
            if volume.isBeingDeleted {
                unprotect("persistentvolumes", volume.key, "kubernetes.io/pv-protection", &agenda)
            } else if volume.at("status", "phase") == "Pending", volume.at("spec", "claimRef") == nil {
                let due = stored.bornAt + timing.provisioning
                guard agenda.now >= due else {
                    agenda.look(at: due)
                    continue
                }
                let phase: JSONValue = [
                    "phase": "Available", "lastPhaseTransitionTime": .string(Timestamp.text(agenda.now)),
                ]
                writeStatus("persistentvolumes", volume.key, now: agenda.now) { $0["status"] = phase }
            }
        }
    }

    private mutating func unprotect(
        _ storage: String, _ key: ObjectKey, _ finalizer: String, _ agenda: inout Agenda
    ) {
        write(storage, key, now: agenda.now) { object in
            let left = object.finalizers.filter { $0 != finalizer }
            object.put(left.isEmpty ? nil : .array(left.map { .string($0) }), "metadata", "finalizers")
        }
    }

    mutating func reconcileBudgets(_ agenda: inout Agenda) {
        for stored in store.all("poddisruptionbudgets.policy") where !stored.value.isBeingDeleted {
            let budget = stored.value
            let selector = LabelSelector(object: budget.at("spec", "selector"))
            let pods = store.all("pods", namespace: budget.namespace).map(\.value).filter {
                PodFacts.isActive($0) && selector.matches($0.at("metadata", "labels"))
            }
            let healthy = pods.filter(PodFacts.isReady).count
            var desired = pods.count
            if let least = budget.at("spec", "minAvailable") {
                desired = IntOrPercent.resolve(least, of: pods.count, roundingUp: true)
            } else if let most = budget.at("spec", "maxUnavailable") {
                desired = max(0, pods.count - IntOrPercent.resolve(most, of: pods.count, roundingUp: true))
            }
            let allowed = max(0, healthy - desired)
            writeStatus("poddisruptionbudgets.policy", budget.key, now: agenda.now) { object in
                let old = object.condition("DisruptionAllowed")
                let status: JSONValue = allowed > 0 ? "True" : "False"
                let time = JSONValue.string(Timestamp.text(agenda.now))
                object["status"] = [
                    "currentHealthy": .integer(Int64(healthy)), "desiredHealthy": .integer(Int64(desired)),
                    "disruptionsAllowed": .integer(Int64(allowed)), "expectedPods": .integer(Int64(pods.count)),
                    "observedGeneration": .integer(budget.generation),
                    "conditions": [
                        [
                            "type": "DisruptionAllowed", "status": status,
                            "reason": allowed > 0 ? "SufficientPods" : "InsufficientPods", "message": "",
                            "observedGeneration": .integer(budget.generation),
                            "lastTransitionTime": old?["status"] == status ? old?["lastTransitionTime"] ?? time : time,
                        ]
                    ],
                ]
            }
        }
    }
}
