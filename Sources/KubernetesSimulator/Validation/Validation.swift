internal import KubernetesObjects

/// What an object may not say, as the API server words it.
///
/// The rules and their order are those of `pkg/apis/*/validation` in kubernetes v1.36.
enum Validation {
    /// Everything wrong with an object; with an old one, also what may not change.
    static func causes(in object: JSONValue, resource: ResourceType, old: JSONValue?) -> [APIStatus.Cause] {
        var findings = Findings()
        metadata(object, resource: resource, isNew: old == nil, into: &findings)
        if resource.isCustom {
            guard let schema = resource.schema else { return findings.causes }
            let causes = findings.causes + CustomResourceSchema.problems(in: object, schema: schema)
            guard let rules = resource.rules else { return causes }
            return causes + self.rules(rules, of: object, old: old, after: causes)
        }
        switch resource.kind {
        case "Deployment": deployment(object, old: old, into: &findings)
        case "ReplicaSet", "ReplicationController": replicaSet(object, old: old, kind: resource.kind, into: &findings)
        case "StatefulSet": statefulSet(object, old: old, into: &findings)
        case "DaemonSet": daemonSet(object, old: old, into: &findings)
        case "Job": job(object, old: old, into: &findings)
        case "CronJob": cronJob(object, into: &findings)
        case "Pod": pod(object, old: old, into: &findings)
        case "PodTemplate": podTemplate(object["template"], field: "template", into: &findings)
        case "Service": service(object, old: old, into: &findings)
        case "ConfigMap": configMap(object, old: old, into: &findings)
        case "Secret": secret(object, old: old, into: &findings)
        case "PersistentVolumeClaim": claim(object, old: old, into: &findings)
        case "PersistentVolume": volume(object, old: old, into: &findings)
        case "StorageClass": storageClass(object, old: old, into: &findings)
        case "Ingress": ingress(object, old: old, into: &findings)
        case "IngressClass": ingressClass(object, old: old, into: &findings)
        case "NetworkPolicy": networkPolicy(object, into: &findings)
        case "Role", "ClusterRole": role(object, kind: resource.kind, into: &findings)
        case "RoleBinding", "ClusterRoleBinding": binding(object, old: old, kind: resource.kind, into: &findings)
        case "HorizontalPodAutoscaler": autoscaler(object, into: &findings)
        case "PodDisruptionBudget": disruptionBudget(object, into: &findings)
        case "PriorityClass": priorityClass(object, old: old, into: &findings)
        case "Namespace": namespace(object, into: &findings)
        case "Endpoints": endpoints(object, into: &findings)
        case "EndpointSlice": endpointSlice(object, old: old, into: &findings)
        case "RuntimeClass": runtimeClass(object, old: old, into: &findings)
        case "CSIDriver": driver(object, into: &findings)
        case "Lease": lease(object, into: &findings)
        case "LimitRange": limitRange(object, into: &findings)
        case "ResourceQuota": resourceQuota(object, old: old, into: &findings)
        case "CustomResourceDefinition": definition(object, old: old, into: &findings)
        case "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration":
            webhooks(object, into: &findings)
        case "APIService": apiService(object, into: &findings)
        default: break
        }
        return findings.causes
    }

    /// What breaks the rules of a custom resource's definition. Those can speak only of objects that have the right form.
    private static func rules(
        _ rules: SchemaRules, of object: JSONValue, old: JSONValue?, after causes: [APIStatus.Cause]
    ) -> [APIStatus.Cause] {
        let blocking = ["FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"]
        guard causes.contains(where: { blocking.contains($0.reason) }) else {
            return rules.problems(in: object, old: old)
        }
        let why =
            "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
        return [
            APIStatus.Cause(
                reason: "FieldValueInvalid", message: "Invalid value: \"null\": \(why)", field: "<nil>")
        ]
    }

    /// Refuses a change of a field that stays as it was made.
    static func immutable(_ field: String, _ new: JSONValue?, _ old: JSONValue?, into findings: inout Findings) {
        if new != old { findings.invalid(field, new, "field is immutable") }
    }
}
