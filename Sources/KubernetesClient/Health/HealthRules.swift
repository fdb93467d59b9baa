internal import KubernetesObjects

/// The rules by kind. Each reads what the kind's own controller writes; where that is misleading the rule says why.
enum HealthRules {
    private typealias Rule = OperatorHealth.Rule

    /// The assessment by the rule of the object's kind; nil when there is none.
    static func assess(_ object: KubernetesObject, _ context: HealthContext) -> HealthAssessment? {
        rule(for: object.type.groupKind)?(object, context)
    }

    /// Whether a kind has a rule of its own.
    static func hasRule(for type: GroupKind) -> Bool { rule(for: type) != nil }

    private static func rule(for type: GroupKind) -> Rule? { rules[type] ?? OperatorHealth.rules[type] }

    /// Whether an object that is healthy shows that something runs now: a pod, or a controller that has spoken of it. What is healthy by
    /// being there does not, nor what ended once.
    static func showsThatItRuns(_ object: KubernetesObject, _ context: HealthContext) -> Bool {
        if context.check(for: object) != nil { return true }
        let type = object.type.groupKind
        if BuiltInGroups.isCustom(type) { return !(object.status?.objectValue ?? [:]).isEmpty }
        // One of no pods is healthy, too.
        let wanted = object.spec?["replicas"] ?? object.status?["desiredNumberScheduled"]
        return running.contains(type) && wanted?.intValue != 0
    }

    /// The built-in kinds whose health is that of pods.
    private static let running: Set<GroupKind> = [
        GroupKind(group: "apps", kind: "Deployment"), GroupKind(group: "apps", kind: "StatefulSet"),
        GroupKind(group: "apps", kind: "DaemonSet"), GroupKind(group: "apps", kind: "ReplicaSet"),
        GroupKind(kind: "Pod"), GroupKind(group: "apiregistration.k8s.io", kind: "APIService"),
    ]

    private static let rules: [GroupKind: Rule] = [
        GroupKind(group: "apps", kind: "Deployment"): { object, context in WorkloadHealth.deployment(object, context) },
        GroupKind(group: "apps", kind: "StatefulSet"): { object, _ in WorkloadHealth.statefulSet(object) },
        GroupKind(group: "apps", kind: "DaemonSet"): { object, _ in WorkloadHealth.daemonSet(object) },
        GroupKind(group: "apps", kind: "ReplicaSet"): { object, _ in WorkloadHealth.replicaSet(object) },
        GroupKind(kind: "Pod"): { object, context in PodHealth.assess(object, context) },
        GroupKind(group: "batch", kind: "Job"): { object, _ in WorkloadHealth.job(object) },
        GroupKind(group: "batch", kind: "CronJob"): { _, _ in HealthAssessment(.healthy) },
        GroupKind(kind: "PersistentVolumeClaim"): volumeClaim,
        GroupKind(kind: "Service"): service,
        GroupKind(group: "networking.k8s.io", kind: "Ingress"): ingress,
        GroupKind(group: "autoscaling", kind: "HorizontalPodAutoscaler"): autoscaler,
        GroupKind(group: "policy", kind: "PodDisruptionBudget"): disruptionBudget,
        GroupKind(group: "apiextensions.k8s.io", kind: "CustomResourceDefinition"): definition,
        GroupKind(kind: "Namespace"): { object, _ in namespace(object) },
        GroupKind(group: "apiregistration.k8s.io", kind: "APIService"): { object, _ in apiService(object) },
        GroupKind(group: GatewayHealth.group, kind: "Gateway"): { object, _ in GatewayHealth.gateway(object) },
        GroupKind(group: GatewayHealth.group, kind: "GatewayClass"): { object, _ in GatewayHealth.gatewayClass(object)
        },
        GroupKind(group: GatewayHealth.group, kind: "HTTPRoute"): { object, _ in GatewayHealth.route(object) },
        GroupKind(group: GatewayHealth.group, kind: "GRPCRoute"): { object, _ in GatewayHealth.route(object) },
        GroupKind(group: GatewayHealth.group, kind: "TLSRoute"): { object, _ in GatewayHealth.route(object) },
        GroupKind(group: GatewayHealth.group, kind: "TCPRoute"): { object, _ in GatewayHealth.route(object) },
        GroupKind(group: GatewayHealth.group, kind: "UDPRoute"): { object, _ in GatewayHealth.route(object) },
        GroupKind(group: "argoproj.io", kind: "Rollout"): { object, _ in argoRollout(object) },
        GroupKind(group: "argoproj.io", kind: "Workflow"): { object, _ in RunHealth.assess(object) },
        CanaryHealth.type: { object, context in CanaryHealth.assess(object, context) },
    ]

    private static func phase(_ object: KubernetesObject) -> String { object.status?["phase"]?.stringValue ?? "" }

    private static func volumeClaim(_ object: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        switch phase(object) {
        case "Bound": return HealthAssessment(.healthy)
        case "Lost": return HealthAssessment(.failed, "the volume is lost")
        default:
            let storageClass = object.spec?["storageClassName"]?.stringValue ?? ""
            if context.lateBindingClasses.contains(storageClass) {
                return HealthAssessment(.healthy, "binds once a pod uses it")
            }
            let doubt = context.classesRefusal.map {
                "; whether it binds only once a pod uses it cannot be told: \($0)"
            }
            return HealthAssessment(.progressing, "waits for a volume\(doubt ?? "")")
        }
    }

    private static func service(_ object: KubernetesObject, _: HealthContext) -> HealthAssessment {
        guard object.spec?["type"]?.stringValue == "LoadBalancer" else { return HealthAssessment(.healthy) }
        let ingress = object.status?["loadBalancer"]?["ingress"]?.arrayValue ?? []
        return ingress.isEmpty
            ? HealthAssessment(.progressing, "waits for the load balancer's address") : HealthAssessment(.healthy)
    }

    private static func ingress(_ object: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        guard context.ingressNeedsAddress else { return HealthAssessment(.healthy) }
        let ingress = object.status?["loadBalancer"]?["ingress"]?.arrayValue ?? []
        return ingress.isEmpty ? HealthAssessment(.progressing, "waits for an address") : HealthAssessment(.healthy)
    }

    /// Healthy until its controller has looked: that it has none to look, or no metrics, is said by a condition or not at all.
    private static func autoscaler(_ object: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        for type in ["AbleToScale", "ScalingActive"] {
            guard let condition = Condition.find(type, in: object), condition.isFalse else { continue }
            guard condition.reason.hasPrefix("Failed") || condition.reason.hasPrefix("Invalid") else { continue }
            // It has no generation, and its condition keeps its time while it stays as it is: nothing tells whether it was looked at
            // since it was sent, so that what stood before is shown, and is no evidence.
            guard context.stoodBefore(condition, of: object) else { return HealthAssessment(.degraded, condition.text) }
            return HealthAssessment(.healthy, "as it was when it was sent: \(condition.text)", .accepted)
        }
        return HealthAssessment(.healthy)
    }

    private static func disruptionBudget(_ object: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        // Too few pods is what the budget is there to say, not a fault of the budget.
        let bad = Condition.all(in: object).first { condition in
            condition.isFalse && condition.reason != "InsufficientPods" && !condition.isStale(for: object)
                && !context.stoodBefore(condition, of: object)
        }
        return bad.map { HealthAssessment(.degraded, $0.text) } ?? HealthAssessment(.healthy)
    }

    private static func definition(_ object: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        if let names = Condition.find("NamesAccepted", in: object), names.isFalse,
            let failure = context.failure(names, of: object)
        {
            return failure
        }
        if Condition.find("Established", in: object)?.isTrue == true { return HealthAssessment(.healthy) }
        return HealthAssessment(.progressing, "not established yet")
    }

    private static func namespace(_ object: KubernetesObject) -> HealthAssessment {
        switch phase(object) {
        case "Active": HealthAssessment(.healthy)
        case "Terminating": HealthAssessment(.progressing, "terminating")
        default: HealthAssessment(.progressing, "not active yet")
        }
    }

    private static func apiService(_ object: KubernetesObject) -> HealthAssessment {
        guard let available = Condition.find("Available", in: object) else {
            return HealthAssessment(.progressing, "no status yet")
        }
        return available.isTrue ? HealthAssessment(.healthy) : HealthAssessment(.progressing, available.text)
    }

    private static func argoRollout(_ object: KubernetesObject) -> HealthAssessment {
        // Beside the general one there is a generation of the workload that the rollout refers to.
        if let wanted = object.annotations["rollout.argoproj.io/workload-generation"],
            let seen = object.status?["workloadObservedGeneration"]?.stringValue, wanted != seen
        {
            return HealthAssessment(.progressing, "the controller has seen workload generation \(seen) of \(wanted)")
        }
        let message = object.status?["message"]?.stringValue ?? ""
        switch phase(object) {
        case "Healthy": return HealthAssessment(.healthy)
        case "Paused": return HealthAssessment(.suspended, message)
        case "Degraded": return HealthAssessment(.degraded, message)
        default: return HealthAssessment(.progressing, message)
        }
    }

}
