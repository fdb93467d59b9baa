public import KubernetesObjects

/// Custom resources that run to an end of their own, as Jobs do, and are then collected.
enum RunHealth {
    static let workflow = GroupKind(group: "argoproj.io", kind: "Workflow")
    static let tekton = ["PipelineRun", "TaskRun", "CustomRun"].map { GroupKind(group: "tekton.dev", kind: $0) }

    /// Whether what is of a kind is done once, so that it is not missed when it has gone.
    static func isRun(_ type: GroupKind) -> Bool { type == workflow || tekton.contains(type) }

    /// How one has ended; nil while it has not, and for what has no end.
    static func end(of object: KubernetesObject) -> HealthAssessment? {
        guard isRun(object.type.groupKind) else { return nil }
        let assessment = assess(object)
        return assessment.value == .healthy || assessment.value == .failed ? assessment : nil
    }

    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        object.type.groupKind == workflow ? argo(object) : succeeded(object)
    }

    private static func argo(_ object: KubernetesObject) -> HealthAssessment {
        let message = object.status?["message"]?.stringValue ?? ""
        switch object.status?["phase"]?.stringValue ?? "" {
        case "Succeeded": return HealthAssessment(.healthy)
        case "Failed", "Error": return HealthAssessment(.failed, message.isEmpty ? "the workflow failed" : message)
        default: return HealthAssessment(.progressing, message.isEmpty ? "not finished" : message)
        }
    }

    /// Tekton's runs, whose condition is unknown until they have ended.
    private static func succeeded(_ object: KubernetesObject) -> HealthAssessment {
        guard let condition = Condition.find("Succeeded", in: object) else {
            return HealthAssessment(.progressing, "not finished")
        }
        if condition.isTrue { return HealthAssessment(.healthy) }
        return HealthAssessment(condition.isFalse ? .failed : .progressing, condition.text)
    }
}

extension KubernetesObject {
    /// Whether it runs to an end of its own, so that it has done its work when it is gone: a Job, or a run of a workflow.
    public var isDoneOnce: Bool { type.groupKind == ObjectAnnotations.job || RunHealth.isRun(type.groupKind) }
}
