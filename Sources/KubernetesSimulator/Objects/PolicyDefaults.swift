internal import KubernetesObjects

// MARK: - Defaults of the kinds beside workloads

extension Defaults {
    static func autoscaler(_ object: inout JSONValue) {
        setDefault(&object, ["spec", "minReplicas"], 1)
        if object.at("spec", "metrics")?.arrayValue?.isEmpty != false {
            object.put(
                [
                    [
                        "type": "Resource",
                        "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 80]],
                    ]
                ], "spec", "metrics")
        }
        guard object.at("spec", "behavior") != nil else { return }
        let percent: JSONValue = ["type": "Percent", "value": 100, "periodSeconds": 15]
        setDefault(&object, ["spec", "behavior", "scaleUp", "stabilizationWindowSeconds"], 0)
        setDefault(&object, ["spec", "behavior", "scaleUp", "selectPolicy"], "Max")
        setDefault(
            &object, ["spec", "behavior", "scaleUp", "policies"],
            [["type": "Pods", "value": 4, "periodSeconds": 15], percent])
        setDefault(&object, ["spec", "behavior", "scaleDown", "selectPolicy"], "Max")
        setDefault(&object, ["spec", "behavior", "scaleDown", "policies"], [percent])
    }

    static func limitRange(_ object: inout JSONValue) {
        eachItem(&object, ["spec", "limits"]) { limit in
            guard limit["type"] == "Container" else { return }
            for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
                for (name, value) in limit[from]?.objectValue ?? [:] { setDefault(&limit, [to, name], value) }
            }
        }
    }

    static func networkPolicy(_ object: inout JSONValue) {
        let hasEgress = object.at("spec", "egress") != nil
        setDefault(&object, ["spec", "policyTypes"], hasEgress ? ["Ingress", "Egress"] : ["Ingress"])
        for direction in ["ingress", "egress"] {
            eachItem(&object, ["spec", direction]) { rule in
                eachItem(&rule, ["ports"]) { port in setDefault(&port, ["protocol"], "TCP") }
            }
        }
    }

    static func persistentVolume(_ object: inout JSONValue) {
        setDefault(&object, ["spec", "persistentVolumeReclaimPolicy"], "Retain")
        setDefault(&object, ["spec", "volumeMode"], "Filesystem")
        if object.at("spec", "hostPath") != nil { setDefault(&object, ["spec", "hostPath", "type"], "") }
    }

    static func driver(_ object: inout JSONValue) {
        let fixed: [(String, JSONValue)] = [
            ("attachRequired", true), ("podInfoOnMount", false), ("storageCapacity", false),
            ("requiresRepublish", false),
            ("seLinuxMount", false), ("fsGroupPolicy", "ReadWriteOnceWithFSType"),
            ("volumeLifecycleModes", ["Persistent"]),
        ]
        for (field, value) in fixed { setDefault(&object, ["spec", field], value) }
    }

    static func admissionPolicy(_ object: inout JSONValue) {
        setDefault(&object, ["spec", "failurePolicy"], "Fail")
        guard object.at("spec", "matchConstraints") != nil else { return }
        setDefault(&object, ["spec", "matchConstraints", "matchPolicy"], "Equivalent")
        for selector in ["namespaceSelector", "objectSelector"] {
            setDefault(&object, ["spec", "matchConstraints", selector], .object([:]))
        }
        eachItem(&object, ["spec", "matchConstraints", "resourceRules"]) { setDefault(&$0, ["scope"], "*") }
    }

    static func replicationController(_ object: inout JSONValue) {
        setDefault(&object, ["spec", "replicas"], 1)
        if let labels = object.at("spec", "template", "metadata", "labels") {
            setDefault(&object, ["spec", "selector"], labels)
            setDefault(&object, ["metadata", "labels"], labels)
        }
        podTemplate(&object, ["spec", "template"])
    }
}
