internal import KubernetesObjects

/// Flagger's canaries: they judge the pods of another object, and scale it.
///
/// A canary has no generation of its target. What its status is about is `lastAppliedSpec`, a hash of the target's pod template, which it
/// writes with each phase; that it looks only every so often means that the phase of a former revision stands until then. A target
/// that comes back to what was promoted last (`lastPromotedSpec`) is not analysed again, so that there the phase stands for good.
enum CanaryHealth {
    static let type = GroupKind(group: "flagger.app", kind: "Canary")

    /// What a canary says, and of what; nil where it has not spoken, and for what is no canary.
    static func verdict(
        of object: KubernetesObject, target: KubernetesObject?, settings: Set<ObjectIdentity>
    ) -> FormerVerdict? {
        guard object.type.groupKind == type, let judged = object.judgedTarget, let revision = revision(in: object)
        else { return nil }
        // Where it says what it tracks, nothing else makes it look again.
        let tracked = object.status?["trackedConfigs"]?.objectValue.map { Set($0.keys) }
        let read = settings.filter { setting in
            tracked?.contains("\(setting.type.kind.lowercased())/\(setting.name)") ?? true
        }
        return FormerVerdict(
            revision: revision, stamp: stamp(of: object), target: FormerTroubles.key(judged), uid: target?.uid,
            pods: target.flatMap(FormerVerdict.pods(of:)), settings: Set(read.map(FormerTroubles.key)))
    }

    private static func revision(in object: KubernetesObject) -> String? {
        guard let revision = object.status?["lastAppliedSpec"]?.stringValue, !revision.isEmpty else { return nil }
        return revision
    }

    private static func stamp(of object: KubernetesObject) -> String {
        ["phase", "lastTransitionTime"].map { object.status?[$0]?.stringValue ?? "" }.joined(separator: " ")
    }

    static func assess(_ object: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        let phase = object.status?["phase"]?.stringValue ?? ""
        let message = Condition.find("Promoted", in: object)?.text ?? phase
        let target = object.spec?["targetRef"]?["name"]?.stringValue ?? "?"
        let isFormer = isOfFormerRevision(object, context)
        if context.evidence?.isReturn == true, servesPromoted(object, phase),
            isFormer || !["Succeeded", "Initialized"].contains(phase)
        {
            return HealthAssessment(
                .healthy, "\(target) is again what was promoted last; of what it was since: \(message)", .accepted)
        }
        // A gate is asked before the revision is written, so that the former one stands beside it until people have answered.
        if phase.hasPrefix("Waiting") { return HealthAssessment(.suspended, message) }
        if isFormer {
            return HealthAssessment(.progressing, "it has not looked at the present revision of \(target) yet")
        }
        if context.evidence?.isUnheard == true, ["Failed", "Succeeded", "Initialized"].contains(phase) {
            return HealthAssessment(
                .unknown,
                "whether it has looked at the present revision of \(target) is not known, since the agent was started again; "
                    + "it says: \(message)")
        }
        switch phase {
        case "Failed": return HealthAssessment(.degraded, message)
        case "Succeeded", "Initialized": return HealthAssessment(.healthy)
        default: return HealthAssessment(.progressing, message)
        }
    }

    /// Whether requests go to what was promoted last, in whole or but for the part that is tried: so it is in every phase but those in
    /// which the primary is made, or taken away.
    private static func servesPromoted(_ object: KubernetesObject, _ phase: String) -> Bool {
        guard object.status?["lastPromotedSpec"]?.stringValue?.isEmpty == false else { return false }
        return !["", "Initializing", "Terminating", "Terminated"].contains(phase)
    }

    /// Whether the target was changed since, and the canary still speaks of what it was.
    private static func isOfFormerRevision(_ object: KubernetesObject, _ context: HealthContext) -> Bool {
        guard let verdict = context.evidence?.verdict(of: object.reference.identity), let target = object.judgedTarget,
            verdict.target == FormerTroubles.key(target), verdict.revision == revision(in: object)
        else { return false }
        switch verdict.change {
        case .nothing: return false
        case .around: return verdict.stamp == stamp(of: object)
        case .pods: return true
        }
    }
}
