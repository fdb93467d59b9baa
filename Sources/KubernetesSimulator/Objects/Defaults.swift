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
            // Whatever the object says of this label, it holds the name.
            if !object.name.isEmpty {
                result.put(.string(object.name), "metadata", "labels", "kubernetes.io/metadata.name")
            }
        case "CustomResourceDefinition": definition(&result)
        case "PersistentVolumeClaim":
            setDefault(&result, ["spec", "volumeMode"], "Filesystem")
        case "StorageClass":
            setDefault(&result, ["reclaimPolicy"], "Delete")
            setDefault(&result, ["volumeBindingMode"], "Immediate")
        case "PriorityClass":
            setDefault(&result, ["preemptionPolicy"], "PreemptLowerPriority")
            setDefault(&result, ["value"], 0)
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
            // The group of a role is written even when it is empty, so that it comes here as it is.
            if result.at("roleRef", "apiGroup") == "" { result.put(nil, "roleRef", "apiGroup") }
            setDefault(&result, ["roleRef", "apiGroup"], "rbac.authorization.k8s.io")
            eachItem(&result, ["subjects"]) { subject in
                guard ["User", "Group"].contains(subject["kind"]?.stringValue) else { return }
                setDefault(&subject, ["apiGroup"], "rbac.authorization.k8s.io")
            }
        case "Endpoints":
            eachItem(&result, ["subsets"]) { subset in
                eachItem(&subset, ["ports"]) { setDefault(&$0, ["protocol"], "TCP") }
            }
        case "EndpointSlice":
            eachItem(&result, ["ports"]) { port in
                setDefault(&port, ["name"], "")
                setDefault(&port, ["protocol"], "TCP")
            }
        case "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration": webhooks(&result, kind: resource.kind)
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
        setDefault(&object, ["spec", "strategy", "type"], "RollingUpdate")
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
        setDefault(&object, ["spec", "podManagementPolicy"], "OrderedReady")
        setDefault(&object, ["spec", "updateStrategy", "type"], "RollingUpdate")
        if object["spec"]?["updateStrategy"]?["type"]?.stringValue == "RollingUpdate" {
            setDefault(&object, ["spec", "updateStrategy", "rollingUpdate", "partition"], 0)
        }
        setDefault(&object, ["spec", "revisionHistoryLimit"], 10)
        for field in ["whenDeleted", "whenScaled"] {
            setDefault(&object, ["spec", "persistentVolumeClaimRetentionPolicy", field], "Retain")
        }
        podTemplate(&object, ["spec", "template"])
        eachItem(&object, ["spec", "volumeClaimTemplates"]) { claim in
            setDefault(&claim, ["apiVersion"], "v1")
            setDefault(&claim, ["kind"], "PersistentVolumeClaim")
            setDefault(&claim, ["spec", "volumeMode"], "Filesystem")
            setDefault(&claim, ["status", "phase"], "Pending")
        }
    }

    /// The annotation by which a daemon set counts the versions of its template.
    static let templateGeneration = "deprecated.daemonset.template.generation"

    private static func daemonSet(_ object: inout JSONValue) {
        setDefault(&object, ["metadata", "annotations", templateGeneration], "1")
        setDefault(&object, ["spec", "updateStrategy", "type"], "RollingUpdate")
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
        setDefault(&object, ["spec", "concurrencyPolicy"], "Allow")
        setDefault(&object, ["spec", "suspend"], false)
        setDefault(&object, ["spec", "successfulJobsHistoryLimit"], 3)
        setDefault(&object, ["spec", "failedJobsHistoryLimit"], 1)
        podTemplate(&object, ["spec", "jobTemplate", "spec", "template"])
    }

    private static func service(_ object: inout JSONValue) {
        setDefault(&object, ["spec", "type"], "ClusterIP")
        setDefault(&object, ["spec", "sessionAffinity"], "None")
        if object.at("spec", "sessionAffinity") == "None" { object.put(nil, "spec", "sessionAffinityConfig") }
        if object.at("spec", "sessionAffinity") == "ClientIP" {
            setDefault(&object, ["spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds"], 10_800)
        }
        let type = object["spec"]?["type"]?.stringValue ?? ""
        if type != "ExternalName" {
            setDefault(&object, ["spec", "internalTrafficPolicy"], "Cluster")
            setDefault(&object, ["spec", "ipFamilies"], ["IPv4"])
            setDefault(&object, ["spec", "ipFamilyPolicy"], "SingleStack")
        }
        let hasExternalIPs = type == "ClusterIP" && object.at("spec", "externalIPs") != nil
        if ["LoadBalancer", "NodePort"].contains(type) || hasExternalIPs {
            setDefault(&object, ["spec", "externalTrafficPolicy"], "Cluster")
        }
        if type == "LoadBalancer" { setDefault(&object, ["spec", "allocateLoadBalancerNodePorts"], true) }
        eachItem(&object, ["spec", "ports"]) { port in
            if port["protocol"] == nil { port["protocol"] = "TCP" }
            if port["targetPort"].map(Normalizer.isZero) ?? true { port["targetPort"] = port["port"] ?? 0 }
        }
    }

    private static func definition(_ object: inout JSONValue) {
        setDefault(&object, ["spec", "conversion"], ["strategy": "None"])
        if object.at("spec", "conversion", "webhook", "clientConfig", "service") != nil {
            setDefault(&object, ["spec", "conversion", "webhook", "clientConfig", "service", "port"], 443)
        }
        eachItem(&object, ["spec", "versions"]) { version in
            for field in ["served", "storage"] { setDefault(&version, [field], false) }
        }
        if let kind = object["spec"]?["names"]?["kind"]?.stringValue {
            setDefault(&object, ["spec", "names", "singular"], .string(kind.lowercased()))
            setDefault(&object, ["spec", "names", "listKind"], .string(kind + "List"))
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
