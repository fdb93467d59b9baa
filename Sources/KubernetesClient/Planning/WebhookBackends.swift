internal import KubernetesObjects

/// Which workloads of a bundle answer the webhooks that it configures. Pure.
enum WebhookBackends {
    /// The workloads whose pods the webhooks' services select.
    static func workloads(
        answering configurations: [KubernetesObject], among objects: [KubernetesObject]
    ) -> [KubernetesObject] {
        let called = configurations.flatMap { configuration in
            (configuration["webhooks"]?.arrayValue ?? []).compactMap { $0["clientConfig"]?["service"] }
        }
        let selectors = objects.filter { object in
            object.type.groupKind == GroupKind(kind: "Service")
                && called.contains { service in
                    service["name"]?.stringValue == object.name && service["namespace"]?.stringValue == object.namespace
                }
        }.compactMap { service -> (namespace: String?, labels: [String: JSONValue])? in
            guard let labels = service.spec?["selector"]?.objectValue, !labels.isEmpty else { return nil }
            return (service.namespace, labels)
        }
        return objects.filter { object in
            guard object.type.group == "apps",
                let labels = object.value(at: ["spec", "template", "metadata", "labels"])?.objectValue
            else { return false }
            return selectors.contains { selector in
                selector.namespace == object.namespace && selector.labels.allSatisfy { labels[$0.key] == $0.value }
            }
        }
    }
}
