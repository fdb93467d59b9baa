internal import KubernetesObjects

/// What the server itself adds to a new object after its owner's fields have been noted.
enum CreationStrategy {
    /// The status and the server's own fields of a new object.
    static func prepare(
        _ object: inout JSONValue, resource: ResourceType, state: inout ClusterState, keepsStatus: Bool
    ) {
        let given = object["status"]
        if resource.isCustom {
            if resource.hasStatus, !keepsStatus {
                object["status"] = nil
                // What the schema says of a status that is not there is filled in when the object is read back.
                object = Defaults.applied(to: object, resource: resource)
            }
            return
        }
        if resource.hasStatus { object["status"] = keepsStatus ? given ?? .object([:]) : .object([:]) }
        switch resource.kind {
        case "Namespace":
            let finalizers = object.at("spec", "finalizers")?.arrayValue ?? []
            object.put(
                .array(finalizers.contains("kubernetes") ? finalizers : finalizers + ["kubernetes"]), "spec",
                "finalizers")
            object["status"] = ["phase": "Active"]
        case "Pod": pod(&object, state: state)
        case "Node": node(&object, given: given)
        case "Job": job(&object)
        case "PersistentVolume":
            object["status"] = [
                "phase": "Pending", "lastPhaseTransitionTime": object.at("metadata", "creationTimestamp") ?? .null,
            ]
            addFinalizer(&object, "kubernetes.io/pv-protection")
        case "Service": service(&object, state: &state)
        case "Ingress": object["status"] = ["loadBalancer": .object([:])]
        case "StatefulSet": object["status"] = ["replicas": 0, "availableReplicas": 0]
        case "ReplicaSet", "ReplicationController": object["status"] = ["replicas": 0]
        case "DaemonSet":
            object["status"] = [
                "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0,
            ]
        case "PersistentVolumeClaim":
            object["status"] = ["phase": "Pending"]
            shareDataSource(&object)
            if object.at("spec", "storageClassName") == nil { object.put("standard", "spec", "storageClassName") }
            addFinalizer(&object, "kubernetes.io/pvc-protection")
        case "CustomResourceDefinition":
            let stored = (object.at("spec", "versions")?.arrayValue ?? []).filter { $0["storage"]?.boolValue == true }
            object["status"] = [
                "conditions": nil, "acceptedNames": ["plural": "", "kind": ""],
                "storedVersions": .array(stored.prefix(1).map { $0["name"] ?? "" }),
            ]
        case "PodDisruptionBudget":
            object["status"] = ["currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0]
        case "HorizontalPodAutoscaler":
            object["status"] = ["desiredReplicas": 0, "currentMetrics": nil]
        case "ServiceAccount" where object["metadata"] != nil: break
        default: break
        }
    }

    /// A DaemonSet still says how many templates it has had, as it did before it kept revisions.
    static func countTemplates(of set: inout JSONValue, after old: JSONValue) {
        let before = old.at("metadata", "annotations", Defaults.templateGeneration)?.stringValue.flatMap(Int.init) ?? 0
        let isNew = set.at("spec", "template") != old.at("spec", "template")
        set.put(.string("\(before + (isNew ? 1 : 0))"), "metadata", "annotations", Defaults.templateGeneration)
    }

    /// A definition lists each version that its objects were ever stored in, the present one too.
    static func countStoredVersions(of object: inout JSONValue, type: ResourceType) {
        guard type.kind == "CustomResourceDefinition" else { return }
        let versions = object.at("spec", "versions")?.arrayValue ?? []
        let stored = object.at("status", "storedVersions")?.arrayValue ?? []
        guard let name = versions.first(where: { $0["storage"]?.boolValue == true })?["name"], !stored.contains(name)
        else { return }
        object.put(.array(stored + [name]), "status", "storedVersions")
    }

    /// A claim's source is kept in two fields, of which the older one only takes claims and snapshots.
    private static func shareDataSource(_ object: inout JSONValue) {
        func isOld(_ source: JSONValue?) -> Bool {
            let group = source?["apiGroup"]?.stringValue ?? ""
            return group.isEmpty && source?["kind"] == "PersistentVolumeClaim"
                || group == "snapshot.storage.k8s.io" && source?["kind"] == "VolumeSnapshot"
        }
        if let source = object.at("spec", "dataSource"), !isOld(source) { object.put(nil, "spec", "dataSource") }
        let (old, new) = (object.at("spec", "dataSource"), object.at("spec", "dataSourceRef"))
        if let old, new == nil { object.put(old, "spec", "dataSourceRef") }
        if old == nil, let new, new["namespace"] == nil, isOld(new) { object.put(new, "spec", "dataSource") }
    }

    private static func addFinalizer(_ object: inout JSONValue, _ name: String) {
        guard !object.finalizers.contains(name) else { return }
        object.put(.array((object.finalizers + [name]).map { .string($0) }), "metadata", "finalizers")
    }

    private static func pod(_ object: inout JSONValue, state: ClusterState) {
        prioritize(&object, state: state)
        var tolerations = object.at("spec", "tolerations")?.arrayValue ?? []
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
        where !tolerations.contains(where: { $0["key"]?.stringValue == key }) {
            tolerations.append(
                ["key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300])
        }
        object.put(.array(tolerations), "spec", "tolerations")
        object["status"] = ["phase": "Pending", "qosClass": .string(qualityOfService(object["spec"]))]
    }

    /// A node reports on itself as it registers, so that its status is taken as it is given.
    private static func node(_ object: inout JSONValue, given: JSONValue?) {
        var status = given ?? .object([:])
        if let capacity = status["capacity"] { Defaults.setDefault(&status, ["allocatable"], capacity) }
        Defaults.setDefault(&status, ["daemonEndpoints", "kubeletEndpoint", "Port"], 0)
        for field in [
            "architecture", "bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion",
            "kubeletVersion", "machineID", "operatingSystem", "osImage", "systemUUID",
        ] {
            Defaults.setDefault(&status, ["nodeInfo", field], "")
        }
        object["status"] = status
    }

    /// A pod's priority is that of its class, or of the class that is everybody's.
    private static func prioritize(_ object: inout JSONValue, state: ClusterState) {
        let classes = "priorityclasses.scheduling.k8s.io"
        var chosen: JSONValue?
        if let name = object.at("spec", "priorityClassName")?.stringValue, !name.isEmpty {
            chosen = state.store.get(classes, ObjectKey(namespace: "", name: name))?.value
        } else if let everybodys = state.store.all(classes).first(where: { $0.value["globalDefault"] == true })?.value {
            chosen = everybodys
            object.put(.string(everybodys.name), "spec", "priorityClassName")
        }
        if object.at("spec", "priority") == nil { object.put(chosen?["value"] ?? 0, "spec", "priority") }
        if object.at("spec", "preemptionPolicy") == nil {
            object.put(chosen?["preemptionPolicy"] ?? "PreemptLowerPriority", "spec", "preemptionPolicy")
        }
    }

    private static func qualityOfService(_ spec: JSONValue?) -> String {
        let containers = spec?["containers"]?.arrayValue ?? []
        let bounded = containers.filter { container in
            ["cpu", "memory"].allSatisfy { name in
                let limit = container.at("resources", "limits", name)
                return limit != nil && (container.at("resources", "requests", name) ?? limit) == limit
            }
        }
        if !containers.isEmpty, bounded.count == containers.count { return "Guaranteed" }
        let named = containers.contains { container in
            container.at("resources", "limits") != nil || container.at("resources", "requests") != nil
        }
        return named ? "Burstable" : "BestEffort"
    }

    private static func job(_ object: inout JSONValue) {
        defer {
            if object.at("metadata", "labels")?.objectValue?.isEmpty != false {
                object.put(object.at("spec", "template", "metadata", "labels"), "metadata", "labels")
            }
        }
        guard object.at("spec", "manualSelector")?.boolValue != true else { return }
        let labels: [String: JSONValue] = [
            "batch.kubernetes.io/controller-uid": .string(object.uid),
            "batch.kubernetes.io/job-name": .string(object.name),
            "controller-uid": .string(object.uid), "job-name": .string(object.name),
        ]
        for (key, value) in labels where object.at("spec", "template", "metadata", "labels", key) == nil {
            object.put(value, "spec", "template", "metadata", "labels", key)
        }
        // Beside a selector of the owner's own, which is then refused as none that was generated.
        object.put(
            .string(object.uid), "spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid")
    }

    private static func service(_ object: inout JSONValue, state: inout ClusterState) {
        object["status"] = ["loadBalancer": .object([:])]
        let type = object.at("spec", "type")?.stringValue ?? "ClusterIP"
        if type != "ExternalName" {
            if object.at("spec", "clusterIP") == nil {
                let number = state.random.next()
                object.put(.string("10.96.\(number >> 8 & 255).\(number % 250 + 2)"), "spec", "clusterIP")
            }
            if let address = object.at("spec", "clusterIP") { object.put([address], "spec", "clusterIPs") }
        }
        func nodePort() -> JSONValue { .integer(Int64(30_000 + state.random.next() % 2768)) }
        if type == "LoadBalancer", object.at("spec", "externalTrafficPolicy") == "Local",
            object.at("spec", "healthCheckNodePort") == nil
        {
            object.put(nodePort(), "spec", "healthCheckNodePort")
        }
        if type == "NodePort" || type == "LoadBalancer" {
            Defaults.eachItem(&object, ["spec", "ports"]) { port in
                if port["nodePort"] == nil { port["nodePort"] = nodePort() }
            }
        }
    }
}
