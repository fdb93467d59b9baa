internal import KubernetesObjects

// MARK: - Pods

extension Defaults {
    /// A pod itself: only here what is requested follows from what is allowed, not in templates.
    static func pod(_ object: inout JSONValue) {
        guard var spec = object["spec"] else { return }
        for list in ["containers", "initContainers"] {
            eachItem(&spec, [list]) { container in
                for (name, value) in container.at("resources", "limits")?.objectValue ?? [:] {
                    setDefault(&container, ["resources", "requests", name], value)
                }
            }
        }
        podSpec(&spec)
        if spec["enableServiceLinks"] == nil { spec["enableServiceLinks"] = true }
        object["spec"] = spec
    }

    static func podTemplate(_ object: inout JSONValue, _ path: [String]) {
        guard let first = path.first else {
            guard var spec = object["spec"] else { return }
            podSpec(&spec)
            object["spec"] = spec
            return
        }
        guard var child = object[first] else { return }
        podTemplate(&child, Array(path.dropFirst()))
        object[first] = child
    }

    static func podSpec(_ spec: inout JSONValue) {
        setDefault(&spec, ["restartPolicy"], "Always")
        setDefault(&spec, ["dnsPolicy"], "ClusterFirst")
        setDefault(&spec, ["schedulerName"], "default-scheduler")
        setDefault(&spec, ["terminationGracePeriodSeconds"], 30)
        setDefault(&spec, ["securityContext"], .object([:]))
        if let account = spec["serviceAccountName"] ?? spec["serviceAccount"] {
            spec["serviceAccountName"] = account
            spec["serviceAccount"] = account
        }
        let isOnHostNetwork = spec["hostNetwork"]?.boolValue == true
        for list in ["containers", "initContainers"] {
            eachItem(&spec, [list]) { item in
                container(&item)
                guard isOnHostNetwork else { return }
                eachItem(&item, ["ports"]) { port in
                    if let number = port["containerPort"] { setDefault(&port, ["hostPort"], number) }
                }
            }
        }
        eachItem(&spec, ["volumes"], volume)
    }

    private static func container(_ container: inout JSONValue) {
        if container["resources"] == nil { container["resources"] = .object([:]) }
        setDefault(&container, ["terminationMessagePath"], "/dev/termination-log")
        setDefault(&container, ["terminationMessagePolicy"], "File")
        if (container["imagePullPolicy"]?.stringValue ?? "").isEmpty {
            let image = container["image"]?.stringValue ?? ""
            let name = image.split(separator: "/").last.map(String.init) ?? image
            let isLatest = name.hasSuffix(":latest") || !(name.contains(":") || name.contains("@"))
            container["imagePullPolicy"] = isLatest ? "Always" : "IfNotPresent"
        }
        eachItem(&container, ["ports"]) { setDefault(&$0, ["protocol"], "TCP") }
        eachItem(&container, ["env"]) { variable in
            if variable["value"] == "" { variable["value"] = nil }
            guard var source = variable["valueFrom"] else { return }
            reference(&source)
            variable["valueFrom"] = source
        }
        for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
            guard var probe = container[name] else { continue }
            setDefault(&probe, ["timeoutSeconds"], 1)
            setDefault(&probe, ["periodSeconds"], 10)
            setDefault(&probe, ["successThreshold"], 1)
            setDefault(&probe, ["failureThreshold"], 3)
            httpAction(&probe)
            if probe["grpc"] != nil { setDefault(&probe, ["grpc", "service"], "") }
            container[name] = probe
        }
        guard var lifecycle = container["lifecycle"] else { return }
        for hook in ["postStart", "preStop"] {
            guard var handler = lifecycle[hook] else { continue }
            httpAction(&handler)
            lifecycle[hook] = handler
        }
        container["lifecycle"] = lifecycle
    }

    private static func httpAction(_ handler: inout JSONValue) {
        guard var action = handler["httpGet"] else { return }
        setDefault(&action, ["path"], "/")
        setDefault(&action, ["scheme"], "HTTP")
        handler["httpGet"] = action
    }

    /// What a file or a variable refers to.
    private static func reference(_ item: inout JSONValue) {
        if var field = item["fieldRef"] {
            setDefault(&field, ["apiVersion"], "v1")
            item["fieldRef"] = field
        }
        if item["resourceFieldRef"] != nil { setDefault(&item, ["resourceFieldRef", "divisor"], "0") }
    }

    private static func volume(_ volume: inout JSONValue) {
        for source in ["configMap", "secret", "projected", "downwardAPI"] where volume[source] != nil {
            setDefault(&volume, [source, "defaultMode"], 420)
        }
        eachItem(&volume, ["downwardAPI", "items"], reference)
        eachItem(&volume, ["projected", "sources"]) { source in
            if source["serviceAccountToken"] != nil {
                setDefault(&source, ["serviceAccountToken", "expirationSeconds"], 3600)
            }
            eachItem(&source, ["downwardAPI", "items"], reference)
        }
        if volume["ephemeral"] != nil {
            setDefault(&volume, ["ephemeral", "volumeClaimTemplate", "spec", "volumeMode"], "Filesystem")
        }
        if volume["hostPath"] != nil { setDefault(&volume, ["hostPath", "type"], "") }
        if (volume.objectValue ?? [:]).keys.allSatisfy({ $0 == "name" }) { volume["emptyDir"] = .object([:]) }
    }
}
