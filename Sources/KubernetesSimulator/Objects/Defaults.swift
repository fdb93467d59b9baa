internal import KubernetesObjects

/// What the server fills in where an object says nothing.
enum Defaults {
    /// An object with its kind's defaults.
    static func applied(to object: JSONValue, resource: ResourceType) -> JSONValue {
        if resource.isCustom {
            return resource.schema.map { CustomResourceSchema.defaulted(object, schema: $0) } ?? object
        }
        var result = object
        switch resource.kind {
        case "Deployment": deployment(&result)
        case "ReplicaSet":
            setDefault(&result, ["spec", "replicas"], 1)
            podTemplate(&result, ["spec", "template"])
        case "StatefulSet": statefulSet(&result)
        case "DaemonSet": daemonSet(&result)
        case "Job": job(&result)
        case "CronJob": cronJob(&result)
        case "Pod": pod(&result)
        case "Service": service(&result)
        case "Secret":
            if let clear = result["stringData"]?.objectValue {
                var data = result["data"]?.objectValue ?? [:]
                for (key, value) in clear { data[key] = .string(Base64.encode(value.stringValue ?? "")) }
                result["data"] = .object(data)
                result["stringData"] = nil
            }
            setDefault(&result, ["type"], "Opaque")
        case "Namespace":
            setDefault(&result, ["metadata", "labels", "kubernetes.io/metadata.name"], .string(object.name))
        case "CustomResourceDefinition": definition(&result)
        case "PersistentVolumeClaim":
            setDefault(&result, ["spec", "volumeMode"], "Filesystem")
        case "StorageClass":
            setDefault(&result, ["reclaimPolicy"], "Delete")
            setDefault(&result, ["volumeBindingMode"], "Immediate")
        case "PriorityClass": setDefault(&result, ["preemptionPolicy"], "PreemptLowerPriority")
        case "NetworkPolicy": networkPolicy(&result)
        case "HorizontalPodAutoscaler": autoscaler(&result)
        case "PersistentVolume": persistentVolume(&result)
        case "CSIDriver": driver(&result)
        case "LimitRange": limitRange(&result)
        case "ReplicationController": replicationController(&result)
        case "PodTemplate": podTemplate(&result, ["template"])
        case "ValidatingAdmissionPolicy", "MutatingAdmissionPolicy": admissionPolicy(&result)
        case "FlowSchema": setDefault(&result, ["spec", "matchingPrecedence"], 1000)
        case "IngressClass":
            if result.at("spec", "parameters") != nil {
                setDefault(&result, ["spec", "parameters", "scope"], "Cluster")
            }
        case "APIService":
            if result.at("spec", "service") != nil { setDefault(&result, ["spec", "service", "port"], 443) }
        case "RoleBinding", "ClusterRoleBinding":
            fill(&result, ["roleRef", "apiGroup"], "rbac.authorization.k8s.io")
            eachItem(&result, ["subjects"]) { subject in
                guard ["User", "Group"].contains(subject["kind"]?.stringValue) else { return }
                fill(&subject, ["apiGroup"], "rbac.authorization.k8s.io")
            }
        case "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration": webhooks(&result, kind: resource.kind)
        case "Endpoints":
            eachItem(&result, ["subsets"]) { subset in
                eachItem(&subset, ["ports"]) { fill(&$0, ["protocol"], "TCP") }
            }
        case "EndpointSlice":
            eachItem(&result, ["ports"]) { port in
                setDefault(&port, ["name"], "")
                setDefault(&port, ["protocol"], "TCP")
            }
        default: break
        }
        return result
    }

    /// Sets a member deep inside when it is missing and its parent is there (or can be made).
    static func setDefault(_ object: inout JSONValue, _ path: [String], _ value: JSONValue) {
        guard let first = path.first else { return }
        if path.count == 1 {
            if object[first] == nil { object[first] = value }
            return
        }
        var child = object[first] ?? .object([:])
        setDefault(&child, Array(path.dropFirst()), value)
        object[first] = child
    }

    /// Sets a member like ``setDefault(_:_:_:)``, also where it is an empty text or a zero: what Go takes for no value where a
    /// field is no pointer.
    static func fill(_ object: inout JSONValue, _ path: [String], _ value: JSONValue) {
        let present = path.reduce(object) { $0?[$1] }
        if present == "" || present == 0 {
            object.put(value, path[...])
        } else {
            setDefault(&object, path, value)
        }
    }

    /// Changes each item of a list deep inside.
    static func eachItem(_ object: inout JSONValue, _ path: [String], _ change: (inout JSONValue) -> Void) {
        guard let first = path.first, var child = object[first] else { return }
        if path.count == 1 {
            guard case .array(var items) = child else { return }
            for index in items.indices { change(&items[index]) }
            object[first] = .array(items)
        } else {
            eachItem(&child, Array(path.dropFirst()), change)
            object[first] = child
        }
    }

    private static func deployment(_ object: inout JSONValue) {
        setDefault(&object, ["spec", "replicas"], 1)
        fill(&object, ["spec", "strategy", "type"], "RollingUpdate")
        if object["spec"]?["strategy"]?["type"]?.stringValue == "RollingUpdate" {
            setDefault(&object, ["spec", "strategy", "rollingUpdate", "maxUnavailable"], "25%")
            setDefault(&object, ["spec", "strategy", "rollingUpdate", "maxSurge"], "25%")
        }
        setDefault(&object, ["spec", "revisionHistoryLimit"], 10)
        setDefault(&object, ["spec", "progressDeadlineSeconds"], 600)
        podTemplate(&object, ["spec", "template"])
    }

    private static func statefulSet(_ object: inout JSONValue) {
        setDefault(&object, ["spec", "replicas"], 1)
        fill(&object, ["spec", "podManagementPolicy"], "OrderedReady")
        fill(&object, ["spec", "updateStrategy", "type"], "RollingUpdate")
        if object["spec"]?["updateStrategy"]?["type"]?.stringValue == "RollingUpdate" {
            setDefault(&object, ["spec", "updateStrategy", "rollingUpdate", "partition"], 0)
        }
        setDefault(&object, ["spec", "revisionHistoryLimit"], 10)
        setDefault(
            &object, ["spec", "persistentVolumeClaimRetentionPolicy"],
            ["whenDeleted": "Retain", "whenScaled": "Retain"])
        podTemplate(&object, ["spec", "template"])
        eachItem(&object, ["spec", "volumeClaimTemplates"]) { claim in
            setDefault(&claim, ["apiVersion"], "v1")
            setDefault(&claim, ["kind"], "PersistentVolumeClaim")
            setDefault(&claim, ["spec", "volumeMode"], "Filesystem")
            setDefault(&claim, ["status", "phase"], "Pending")
        }
    }

    private static func daemonSet(_ object: inout JSONValue) {
        fill(&object, ["spec", "updateStrategy", "type"], "RollingUpdate")
        if object["spec"]?["updateStrategy"]?["type"]?.stringValue == "RollingUpdate" {
            setDefault(&object, ["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"], 1)
            setDefault(&object, ["spec", "updateStrategy", "rollingUpdate", "maxSurge"], 0)
        }
        setDefault(&object, ["spec", "revisionHistoryLimit"], 10)
        podTemplate(&object, ["spec", "template"])
    }

    private static func job(_ object: inout JSONValue) {
        // With a parallelism and no completions, any pod's success says that the work is done.
        if object.at("spec", "parallelism") == nil { setDefault(&object, ["spec", "completions"], 1) }
        setDefault(&object, ["spec", "parallelism"], 1)
        let isCountedPerIndex = object.at("spec", "backoffLimitPerIndex") != nil
        setDefault(&object, ["spec", "backoffLimit"], isCountedPerIndex ? 2_147_483_647 : 6)
        setDefault(&object, ["spec", "completionMode"], "NonIndexed")
        setDefault(&object, ["spec", "suspend"], false)
        let hasFailurePolicy = object.at("spec", "podFailurePolicy") != nil
        setDefault(&object, ["spec", "podReplacementPolicy"], hasFailurePolicy ? "Failed" : "TerminatingOrFailed")
        setDefault(&object, ["spec", "manualSelector"], false)
        podTemplate(&object, ["spec", "template"])
    }

    private static func cronJob(_ object: inout JSONValue) {
        fill(&object, ["spec", "concurrencyPolicy"], "Allow")
        setDefault(&object, ["spec", "suspend"], false)
        setDefault(&object, ["spec", "successfulJobsHistoryLimit"], 3)
        setDefault(&object, ["spec", "failedJobsHistoryLimit"], 1)
        podTemplate(&object, ["spec", "jobTemplate", "spec", "template"])
    }

    private static func service(_ object: inout JSONValue) {
        fill(&object, ["spec", "type"], "ClusterIP")
        fill(&object, ["spec", "sessionAffinity"], "None")
        if object.at("spec", "sessionAffinity") == "ClientIP" {
            setDefault(&object, ["spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds"], 10_800)
        } else if object.at("spec", "sessionAffinity") == "None", var spec = object["spec"] {
            spec["sessionAffinityConfig"] = nil
            object["spec"] = spec
        }
        let type = object["spec"]?["type"]?.stringValue ?? ""
        if type != "ExternalName" {
            setDefault(&object, ["spec", "internalTrafficPolicy"], "Cluster")
            setDefault(&object, ["spec", "ipFamilies"], ["IPv4"])
            setDefault(&object, ["spec", "ipFamilyPolicy"], "SingleStack")
        }
        if ["LoadBalancer", "NodePort"].contains(type) {
            fill(&object, ["spec", "externalTrafficPolicy"], "Cluster")
        }
        if type == "LoadBalancer" { setDefault(&object, ["spec", "allocateLoadBalancerNodePorts"], true) }
        eachItem(&object, ["spec", "ports"]) { port in
            fill(&port, ["protocol"], "TCP")
            if let number = port["port"] { fill(&port, ["targetPort"], number) }
        }
    }

    private static func definition(_ object: inout JSONValue) {
        setDefault(&object, ["spec", "conversion"], ["strategy": "None"])
        if object.at("spec", "conversion", "webhook", "clientConfig", "service") != nil {
            setDefault(&object, ["spec", "conversion", "webhook", "clientConfig", "service", "port"], 443)
        }
        if let kind = object["spec"]?["names"]?["kind"]?.stringValue {
            fill(&object, ["spec", "names", "singular"], .string(kind.lowercased()))
            fill(&object, ["spec", "names", "listKind"], .string(kind + "List"))
        }
    }

    private static func webhooks(_ object: inout JSONValue, kind: String) {
        eachItem(&object, ["webhooks"]) { webhook in
            setDefault(&webhook, ["failurePolicy"], "Fail")
            setDefault(&webhook, ["matchPolicy"], "Equivalent")
            setDefault(&webhook, ["namespaceSelector"], .object([:]))
            setDefault(&webhook, ["objectSelector"], .object([:]))
            setDefault(&webhook, ["timeoutSeconds"], 10)
            if kind == "MutatingWebhookConfiguration" { setDefault(&webhook, ["reinvocationPolicy"], "Never") }
            if webhook["clientConfig"]?["service"] != nil {
                setDefault(&webhook, ["clientConfig", "service", "port"], 443)
            }
            eachItem(&webhook, ["rules"]) { rule in setDefault(&rule, ["scope"], "*") }
        }
    }
}
