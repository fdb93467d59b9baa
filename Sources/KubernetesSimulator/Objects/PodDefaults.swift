internal import KubernetesObjects

// MARK: - Pods

extension Defaults {
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
        let fixed: [(String, JSONValue)] = [
            ("restartPolicy", "Always"), ("terminationGracePeriodSeconds", 30), ("dnsPolicy", "ClusterFirst"),
            ("securityContext", .object([:])), ("schedulerName", "default-scheduler"),
        ]
        for (key, value) in fixed where spec[key] == nil { spec[key] = value }
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
        if container["terminationMessagePath"] == nil { container["terminationMessagePath"] = "/dev/termination-log" }
        if container["terminationMessagePolicy"] == nil { container["terminationMessagePolicy"] = "File" }
        if container["imagePullPolicy"] == nil {
            let image = container["image"]?.stringValue ?? ""
            let name = image.split(separator: "/").last.map(String.init) ?? image
            let isLatest = name.hasSuffix(":latest") || !(name.contains(":") || name.contains("@"))
            container["imagePullPolicy"] = isLatest ? "Always" : "IfNotPresent"
        }
        eachItem(&container, ["ports"]) { port in
            if port["protocol"] == nil { port["protocol"] = "TCP" }
        }
        eachItem(&container, ["env"]) { variable in
            if variable["value"] == "" { variable["value"] = nil }
            if variable["valueFrom"]?["fieldRef"] != nil {
                setDefault(&variable, ["valueFrom", "fieldRef", "apiVersion"], "v1")
            }
        }
        if let limits = container["resources"]?["limits"]?.objectValue {
            for (name, value) in limits { setDefault(&container, ["resources", "requests", name], value) }
        }
        for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
            guard var probe = container[name] else { continue }
            for (key, value) in [
                ("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3),
            ]
            where probe[key] == nil {
                probe[key] = .integer(Int64(value))
            }
            if probe["httpGet"] != nil {
                setDefault(&probe, ["httpGet", "path"], "/")
                setDefault(&probe, ["httpGet", "scheme"], "HTTP")
            }
            if probe["grpc"] != nil { setDefault(&probe, ["grpc", "service"], "") }
            container[name] = probe
        }
        for hook in ["postStart", "preStop"] where container.at("lifecycle", hook, "httpGet") != nil {
            setDefault(&container, ["lifecycle", hook, "httpGet", "path"], "/")
            setDefault(&container, ["lifecycle", hook, "httpGet", "scheme"], "HTTP")
        }
    }

    private static func fieldReference(_ item: inout JSONValue) {
        if item["fieldRef"] != nil { setDefault(&item, ["fieldRef", "apiVersion"], "v1") }
    }

    private static func volume(_ volume: inout JSONValue) {
        for source in ["configMap", "secret", "projected", "downwardAPI"] where volume[source] != nil {
            setDefault(&volume, [source, "defaultMode"], 420)
        }
        eachItem(&volume, ["downwardAPI", "items"], fieldReference)
        eachItem(&volume, ["projected", "sources"]) { source in
            if source["serviceAccountToken"] != nil {
                setDefault(&source, ["serviceAccountToken", "expirationSeconds"], 3600)
            }
            eachItem(&source, ["downwardAPI", "items"], fieldReference)
        }
        if volume["ephemeral"] != nil {
            setDefault(&volume, ["ephemeral", "volumeClaimTemplate", "spec", "volumeMode"], "Filesystem")
        }
        if volume["hostPath"] != nil { setDefault(&volume, ["hostPath", "type"], "") }
        if volume.objectValue?.count == 1 { volume["emptyDir"] = .object([:]) }
    }
}
