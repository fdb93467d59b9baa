internal import KubernetesObjects

/// The rules of kinds whose operators tell how things are in words of their own.
enum OperatorHealth {
    typealias Rule = @Sendable (KubernetesObject, HealthContext) -> HealthAssessment

    static let rules: [GroupKind: Rule] = {
        var rules: [GroupKind: Rule] = [
            GroupKind(group: "elasticsearch.k8s.elastic.co", kind: "Elasticsearch"): { object, _ in
                elasticsearch(object)
            },
            GroupKind(group: "rabbitmq.com", kind: "RabbitmqCluster"): { object, _ in rabbitmq(object) },
        ]
        for (group, kind) in [
            ("kibana", "Kibana"), ("apm", "ApmServer"), ("beat", "Beat"), ("agent", "Agent"), ("logstash", "Logstash"),
            ("enterprisesearch", "EnterpriseSearch"), ("maps", "ElasticMapsServer"),
        ] {
            rules[GroupKind(group: "\(group).k8s.elastic.co", kind: kind)] = { object, _ in elastic(object) }
        }
        for kind in ["VolumeSnapshot", "VolumeSnapshotContent"] {
            rules[GroupKind(group: "snapshot.storage.k8s.io", kind: kind)] = { object, _ in snapshot(object) }
        }
        for type in RunHealth.tekton { rules[type] = { object, _ in RunHealth.assess(object) } }
        return rules
    }()

    private static func text(_ object: KubernetesObject, _ field: String) -> String {
        object.status?[field]?.stringValue ?? ""
    }

    /// Yellow is a cluster of which some data have no copy, as those of one node always have none: all of it is served.
    private static func elasticsearch(_ object: KubernetesObject) -> HealthAssessment {
        let (phase, health) = (text(object, "phase"), text(object, "health"))
        switch phase {
        case "Invalid": return HealthAssessment(.degraded, "phase Invalid: the operator takes nothing of it")
        case "Ready":
            switch health {
            case "green", "yellow": return HealthAssessment(.healthy)
            case "red": return HealthAssessment(.degraded, "health red: some of its data are not served")
            default: return HealthAssessment(.progressing, "health \(health.isEmpty ? "unknown" : health)")
            }
        default:
            let said = ["phase \(phase.isEmpty ? "unknown" : phase)", health.isEmpty ? "" : "health \(health)"]
            return HealthAssessment(.progressing, said.filter { !$0.isEmpty }.joined(separator: ", "))
        }
    }

    /// What Elastic's operator runs beside clusters is green once all of its pods are there.
    private static func elastic(_ object: KubernetesObject) -> HealthAssessment {
        let health = text(object, "health")
        return health == "green"
            ? HealthAssessment(.healthy)
            : HealthAssessment(.progressing, "health \(health.isEmpty ? "unknown" : health)")
    }

    private static func rabbitmq(_ object: KubernetesObject) -> HealthAssessment {
        if let success = Condition.find("ReconcileSuccess", in: object), success.isFalse {
            return ToldConditions.lacking(success, .degraded)
        }
        guard let available = Condition.find("ClusterAvailable", in: object) else {
            return HealthAssessment(.progressing, "not available yet")
        }
        if object.spec?["replicas"]?.intValue == 0 { return HealthAssessment(.healthy) }
        for condition in [available, Condition.find("AllReplicasReady", in: object)].compactMap(\.self)
        where !condition.isTrue {
            return ToldConditions.lacking(condition)
        }
        return HealthAssessment(.healthy)
    }

    private static func snapshot(_ object: KubernetesObject) -> HealthAssessment {
        if object.status?["readyToUse"]?.boolValue == true { return HealthAssessment(.healthy) }
        if let error = object.status?["error"], !error.isNull {
            return HealthAssessment(.degraded, error["message"]?.stringValue ?? "it cannot be taken")
        }
        return HealthAssessment(.progressing, "not ready to use yet")
    }
}
