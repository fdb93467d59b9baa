internal import KubernetesObjects

// MARK: - Endpoints and endpoint slices: the addresses behind a service

extension ClusterState {
    mutating func writeEndpoints(of service: JSONValue, now: Double) {
        guard let labels = service.at("spec", "selector"), labels.objectValue?.isEmpty == false else { return }
        let selector = LabelSelector(labels: labels)
        let pods = store.all("pods", namespace: service.namespace).map(\.value).filter { pod in
            PodFacts.isActive(pod) && selector.matches(pod.at("metadata", "labels"))
                && pod.at("status", "podIP") != nil
        }
        writeEndpointsObject(of: service, pods: pods, now: now)
        writeSlice(of: service, pods: pods, now: now)
    }

    /// A service's ports as the first pod behind it has them; a port named that no pod has is left out.
    private static func ports(of service: JSONValue, pod: JSONValue?) -> [JSONValue] {
        (service.at("spec", "ports")?.arrayValue ?? []).compactMap { port in
            var number = port["targetPort"] ?? port["port"]
            if let name = number?.stringValue {
                let ports = (pod?.at("spec", "containers")?.arrayValue ?? []).flatMap { $0["ports"]?.arrayValue ?? [] }
                number = ports.first { $0["name"]?.stringValue == name }?["containerPort"]
            }
            guard let number else { return nil }
            var result: JSONValue = ["port": number, "protocol": port["protocol"] ?? "TCP"]
            for field in ["name", "appProtocol"] { if let value = port[field] { result[field] = value } }
            return result
        }
    }

    private static func reference(to pod: JSONValue) -> JSONValue {
        ["kind": "Pod", "name": .string(pod.name), "namespace": .string(pod.namespace), "uid": .string(pod.uid)]
    }

    private mutating func writeEndpointsObject(of service: JSONValue, pods: [JSONValue], now: Double) {
        let publishesAll = service.at("spec", "publishNotReadyAddresses")?.boolValue == true
        func addresses(_ isReady: Bool) -> [JSONValue] {
            pods.filter { (publishesAll || PodFacts.isReady($0)) == isReady }.map { pod in
                var address: JSONValue = [
                    "ip": pod.at("status", "podIP") ?? "", "targetRef": Self.reference(to: pod),
                ]
                if let node = pod.at("spec", "nodeName") { address["nodeName"] = node }
                return address
            }
        }
        var subset: JSONValue = .object([:])
        let parts: [(String, [JSONValue])] = [
            ("addresses", addresses(true)), ("notReadyAddresses", addresses(false)),
            ("ports", Self.ports(of: service, pod: pods.first)),
        ]
        for (name, items) in parts where !items.isEmpty { subset[name] = .array(items) }
        let subsets: JSONValue? = pods.isEmpty ? nil : .array([subset])
        if store.get("endpoints", service.key) != nil {
            return write("endpoints", service.key, now: now) { $0["subsets"] = subsets }
        }
        var labels = service.at("metadata", "labels")?.objectValue ?? [:]
        labels["endpoints.kubernetes.io/managed-by"] = "endpoint-controller"
        var endpoints: JSONValue = [
            "metadata": [
                "name": .string(service.name), "namespace": .string(service.namespace), "labels": .object(labels),
                "ownerReferences": [service.ownerReference(apiVersion: "v1", kind: "Service")],
            ]
        ]
        endpoints["subsets"] = subsets
        spawn("endpoints", endpoints, now: now)
    }

    private mutating func writeSlice(of service: JSONValue, pods: [JSONValue], now: Double) {
        let publishesAll = service.at("spec", "publishNotReadyAddresses")?.boolValue == true
        let endpoints = pods.map { pod -> JSONValue in
            let isReady = PodFacts.isReady(pod)
            var endpoint: JSONValue = [
                "addresses": [pod.at("status", "podIP") ?? ""], "targetRef": Self.reference(to: pod),
                "conditions": [
                    "ready": .bool(publishesAll || isReady), "serving": .bool(isReady), "terminating": false,
                ],
            ]
            if let node = pod.at("spec", "nodeName") { endpoint["nodeName"] = node }
            return endpoint
        }
        let ports = Self.ports(of: service, pod: pods.first).map { port -> JSONValue in
            var port = port
            Defaults.setDefault(&port, ["name"], "")
            return port
        }
        let storage = "endpointslices.discovery.k8s.io"
        let name = "\(service.name)-\(SeededRandom.nameHash(service.uid).prefix(5))"
        let key = ObjectKey(namespace: service.namespace, name: name)
        if store.get(storage, key) != nil {
            return write(storage, key, now: now) { object in
                object["endpoints"] = .array(endpoints)
                object["ports"] = .array(ports)
            }
        }
        var labels = service.at("metadata", "labels")?.objectValue ?? [:]
        labels["kubernetes.io/service-name"] = .string(service.name)
        labels["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io"
        if service.at("spec", "clusterIP") == "None" { labels["service.kubernetes.io/headless"] = "" }
        spawn(
            storage,
            [
                "metadata": [
                    "name": .string(name), "generateName": .string("\(service.name)-"),
                    "namespace": .string(service.namespace), "labels": .object(labels),
                    "ownerReferences": [service.ownerReference(apiVersion: "v1", kind: "Service")],
                ],
                "addressType": "IPv4", "endpoints": .array(endpoints), "ports": .array(ports),
            ], now: now)
    }
}
