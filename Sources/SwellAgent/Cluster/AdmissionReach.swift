internal import KubernetesClient
internal import KubernetesObjects

/// Which webhooks, policies and API services could write into the agent's own namespace, or keep the agent from its records: a hold on the
/// agent as good as a write there.
///
/// What only looks at Pods is let through: it may delay the agent's next start, and changes nothing of it. Selectors of namespaces are
/// asked about the labels that the namespace has; selectors of objects about those that the agent's objects are deployed with.
struct AdmissionReach {
    static let admission = "admissionregistration.k8s.io"
    static let aggregation = "apiregistration.k8s.io"

    /// The agent's namespace.
    let namespace: String
    /// Its labels; nil where the agent may not see them, which then may be any.
    let labels: [String: String]?

    /// Why an object reaches the agent; nil where it does not.
    func reason(of object: KubernetesObject) -> String? {
        switch (object.reference.type.group, object.kind) {
        case (Self.aggregation, "APIService"): return service(object)
        case (Self.admission, "MutatingWebhookConfiguration"), (Self.admission, "ValidatingWebhookConfiguration"):
            let isMutating = object.kind.hasPrefix("Mutating")
            let hooks = object["webhooks"]?.arrayValue ?? []
            guard let hook = hooks.first(where: { reaches($0, rules: "rules", isMutating: isMutating) }) else {
                return nil
            }
            return "its webhook \(hook["name"]?.stringValue ?? "without a name") \(wayOut)"
        case (Self.admission, "MutatingAdmissionPolicy"), (Self.admission, "ValidatingAdmissionPolicy"):
            guard let constraints = object["spec"]?["matchConstraints"],
                reaches(constraints, rules: "resourceRules", isMutating: object.kind.hasPrefix("Mutating"))
            else { return nil }
            return "what it matches \(wayOut)"
        default: return nil
        }
    }

    private var wayOut: String {
        "is asked about the agent's namespace, too: give it a namespaceSelector that leaves that out "
            + "(matchExpressions: [{key: \(Self.nameLabel), operator: NotIn, values: [\(namespace)]}])"
    }

    // MARK: - Rules

    /// What is in the agent's namespace and is it, or is given to it, by resource.
    private static let held: Set<String> = ["configmaps", "secrets", "serviceaccounts", "namespaces"]
    /// What runs it: there, whoever writes has the agent, and whoever looks has not.
    private static let running: Set<String> = ["pods", "persistentvolumeclaims", "deployments", "replicasets"]

    private func reaches(_ hook: JSONValue, rules: String, isMutating: Bool) -> Bool {
        let resources = isMutating ? Self.held.union(Self.running) : Self.held
        return (hook[rules]?.arrayValue ?? []).contains { isAbout($0, resources) }
            && matches(hook["namespaceSelector"], namespaceMeets) && matches(hook["objectSelector"], objectMayMeet)
    }

    private func isAbout(_ rule: JSONValue, _ wanted: Set<String>) -> Bool {
        func texts(_ key: String) -> [String] { (rule[key]?.arrayValue ?? []).compactMap(\.stringValue) }
        guard !Set(texts("apiGroups")).isDisjoint(with: ["*", "", "apps"]) else { return false }
        let isOfNoNamespace = rule["scope"]?.stringValue == "Cluster"
        return texts("resources").contains { text in
            // `pods/exec`, `*/*`: what hangs on a resource counts as the resource.
            let resource = String(text.prefix { $0 != "/" })
            if isOfNoNamespace { return ["*", "namespaces"].contains(resource) }
            return resource == "*" || wanted.contains(resource)
        }
    }

    // MARK: - Selectors

    private static let nameLabel = "kubernetes.io/metadata.name"

    private struct Requirement {
        var key: String
        var how: String
        var values: [String]
    }

    private func matches(_ selector: JSONValue?, _ meets: (Requirement) -> Bool) -> Bool {
        var wanted = (selector?["matchLabels"]?.objectValue ?? [:]).map {
            Requirement(key: $0.key, how: "In", values: [$0.value.stringValue ?? ""])
        }
        wanted += (selector?["matchExpressions"]?.arrayValue ?? []).map {
            Requirement(
                key: $0["key"]?.stringValue ?? "", how: $0["operator"]?.stringValue ?? "",
                values: ($0["values"]?.arrayValue ?? []).compactMap(\.stringValue))
        }
        return wanted.allSatisfy(meets)
    }

    private func namespaceMeets(_ wanted: Requirement) -> Bool {
        // Kubernetes gives every namespace this one, and nobody can take it away.
        if wanted.key != Self.nameLabel, labels == nil { return true }
        let value = wanted.key == Self.nameLabel ? namespace : labels?[wanted.key]
        switch wanted.how {
        case "In": return value.map(wanted.values.contains) ?? false
        case "NotIn": return !(value.map(wanted.values.contains) ?? false)
        case "Exists": return value != nil
        case "DoesNotExist": return value == nil
        default: return true
        }
    }

    /// What the agent's objects are labelled with; an empty list stands for any value.
    private static let objectLabels: [String: [String]] = [
        "app.kubernetes.io/name": ["swell-agent"], "app.kubernetes.io/part-of": ["swell"],
        "app.kubernetes.io/managed-by": [KubernetesCluster.fieldManager], "pod-template-hash": [],
    ]

    private func objectMayMeet(_ wanted: Requirement) -> Bool {
        // Not every object has each of the labels, so that what is asked to be absent, or another, may be.
        guard wanted.how == "In" || wanted.how == "Exists" else { return true }
        if wanted.key.hasPrefix("swell.dev/") || wanted.key == Self.nameLabel { return true }
        guard let known = Self.objectLabels[wanted.key] else { return false }
        return wanted.how == "Exists" || known.isEmpty || !Set(known).isDisjoint(with: wanted.values)
    }

    // MARK: - API services

    private func service(_ object: KubernetesObject) -> String? {
        guard object["spec"]?["service"]?.objectValue != nil else { return nil }
        let group = object["spec"]?["group"]?.stringValue ?? ""
        let isKubernetes = !group.contains(".") || group.hasSuffix(".k8s.io")
        guard isKubernetes, !["metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"].contains(group)
        else {
            return nil
        }
        return
            "it would have \(group.isEmpty ? "the core API" : group), which the agent's own requests go to, served by a Service"
    }
}
