package import KubernetesObjects

/// The objects of a middling application, in the proportions that they come in.
package enum BenchmarkBundle {
    package static func objects(_ count: Int, namespace: String) -> [KubernetesObject] {
        var objects = [KubernetesObject(type: GroupVersionKind(version: "v1", kind: "Namespace"), name: namespace)]
        for index in 1..<count { objects.append(object(index, namespace)) }
        return objects
    }

    private static func object(_ index: Int, _ namespace: String) -> KubernetesObject {
        let name = "app-\(index)"
        func make(_ type: GroupVersionKind) -> KubernetesObject {
            var object = KubernetesObject(type: type, namespace: namespace, name: name)
            object.labels = ["app": name, "app.kubernetes.io/part-of": "benchmark"]
            return object
        }
        switch index % 10 {
        case 0, 1, 2, 3, 4:
            var map = make(GroupVersionKind(version: "v1", kind: "ConfigMap"))
            map["data"] = ["level": "info", "text": .string(String(repeating: "line \(index)\n", count: 20))]
            return map
        case 5:
            var secret = make(GroupVersionKind(version: "v1", kind: "Secret"))
            secret["data"] = ["password": "c3dlbGw="]
            return secret
        case 6, 7:
            var service = make(GroupVersionKind(version: "v1", kind: "Service"))
            service["spec"] = ["selector": ["app": .string(name)], "ports": [["port": 80, "targetPort": 8080]]]
            return service
        default:
            var deployment = make(GroupVersionKind(group: "apps", version: "v1", kind: "Deployment"))
            deployment["spec"] = [
                "replicas": 1, "selector": ["matchLabels": ["app": .string(name)]],
                "template": [
                    "metadata": ["labels": ["app": .string(name)]],
                    "spec": [
                        "containers": [["name": "main", "image": "app:1", "ports": [["containerPort": 8080]]]]
                    ],
                ],
            ]
            return deployment
        }
    }
}
