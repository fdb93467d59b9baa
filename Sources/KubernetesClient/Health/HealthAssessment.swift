public import KubernetesObjects

/// How an object fares, and why.
public struct HealthAssessment: Sendable, Hashable {
    /// The value.
    public var value: HealthValue
    /// Why, in words that name the culprit; empty when nothing is to be said.
    public var message: String

    /// Creates an assessment.
    public init(_ value: HealthValue, _ message: String = "") {
        self.value = value
        self.message = message
    }

    /// Assesses an object.
    ///
    /// - Parameters:
    ///   - object: The object as the server has it.
    ///   - pods: Pods of the workload, so that the one that holds things up can be named.
    ///   - context: What is known beside the object.
    public init(of object: KubernetesObject, pods: [KubernetesObject] = [], context: HealthContext) {
        let own = HealthAssessment.rules(object, context)
        self = HealthAssessment.namingCulprit(own, object: object, pods: pods, context: context)
    }

    private static func rules(_ object: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        if object.deletionTimestamp != nil {
            // What a Job has come to stays so, though it is on its way out.
            let isJob = object.type.groupKind == ObjectAnnotations.job
            if isJob, let end = WorkloadHealth.end(ofJob: object) { return end }
            let waiting = object.finalizers.isEmpty ? "" : ", waits for \(object.finalizers.joined(separator: ", "))"
            return HealthAssessment(.progressing, "terminating\(waiting)")
        }
        if let stale = staleness(object) { return stale }
        if let condition = Condition.find("Stalled", in: object), condition.isTrue, !condition.isStale(for: object) {
            return HealthAssessment(.failed, condition.text)
        }
        if let condition = Condition.find("Reconciling", in: object), condition.isTrue,
            !condition.isStale(for: object)
        {
            return HealthAssessment(.progressing, condition.text)
        }
        if let check = context.check(for: object) { return check.assess(object) }
        if let byKind = HealthRules.assess(object, context) { return byKind }
        if let ready = Condition.find("Ready", in: object) {
            if ready.isStale(for: object) {
                let seen = ready.observedGeneration.map { "\($0)" } ?? "?"
                let wanted = object.generation.map { "\($0)" } ?? "?"
                return HealthAssessment(.progressing, "Ready is told of generation \(seen) of \(wanted)")
            }
            return ready.isTrue ? HealthAssessment(.healthy) : HealthAssessment(.progressing, ready.text)
        }
        return withoutConditions(object, context)
    }

    /// A status of an earlier generation is evidence of nothing.
    private static func staleness(_ object: KubernetesObject) -> HealthAssessment? {
        guard let generation = object.generation, let observed = object.status?["observedGeneration"] else {
            return nil
        }
        // Argo Rollouts writes the number as a string.
        let seen = observed.intValue ?? observed.stringValue.flatMap { Int64($0) }
        guard let seen, seen != generation else { return nil }
        return HealthAssessment(
            .progressing, "the controller has seen generation \(seen) of \(generation)")
    }

    /// A custom resource that its controller has not seen yet has no status: give it time before taking silence for
    /// consent. Built-in kinds without a status are as wanted once they are stored.
    private static func withoutConditions(_ object: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        let hasStatus = !(object.status?.objectValue ?? [:]).isEmpty
        guard BuiltInGroups.isCustom(object.type.groupKind), !hasStatus, object.spec != nil,
            let created = object.creationTimestamp.flatMap(KubernetesTime.init(parsing:))
        else { return HealthAssessment(.healthy) }
        let age = context.now.seconds - created.seconds
        guard age < context.statusGracePeriod.inSeconds else { return HealthAssessment(.healthy) }
        return HealthAssessment(.progressing, "no status yet from its controller")
    }

    private static func namingCulprit(
        _ own: HealthAssessment, object: KubernetesObject, pods: [KubernetesObject], context: HealthContext
    ) -> HealthAssessment {
        guard object.kind != "Pod", own.value != .healthy, own.value != .suspended,
            let culprit = PodHealth.worst(of: pods, context: context)
        else { return own }
        let message = own.message.isEmpty ? culprit.message : "\(own.message); \(culprit.message)"
        // A pod that cannot start makes its workload worse than merely under way, whatever the workload's clock says.
        let value = culprit.value < .unknown ? min(own.value, .degraded) : own.value
        return HealthAssessment(value, message)
    }
}

/// What is known beside an object when its health is assessed.
public struct HealthContext: Sendable {
    /// The current time.
    public var now: KubernetesTime
    /// How long a custom resource may be without a status before that counts as healthy.
    public var statusGracePeriod: Duration
    /// Whether an Ingress must have an address.
    public var ingressNeedsAddress: Bool
    /// The storage classes that bind volumes only once a pod uses them.
    public var lateBindingClasses: Set<String>
    /// Why the storage classes could not be read; nil where they could.
    public var classesRefusal: String?
    /// Checks for kinds that this room does not know, or judges otherwise; the first that is for an object counts.
    public var checks: [CustomHealthCheck]

    /// Creates a context.
    public init(
        now: KubernetesTime, statusGracePeriod: Duration = .seconds(30), ingressNeedsAddress: Bool = false,
        lateBindingClasses: Set<String> = [], classesRefusal: String? = nil, checks: [CustomHealthCheck] = []
    ) {
        self.now = now
        self.statusGracePeriod = statusGracePeriod
        self.ingressNeedsAddress = ingressNeedsAddress
        self.lateBindingClasses = lateBindingClasses
        self.classesRefusal = classesRefusal
        self.checks = checks
    }

    func check(for object: KubernetesObject) -> CustomHealthCheck? { checks.first { $0.isFor(object) } }
}

/// The health of a set: as its worst member.
public struct HealthSummary: Sendable, Hashable {
    /// The worst value; healthy for an empty set.
    public var value: HealthValue
    /// Which member is the worst, and why: `apps/v1 Deployment shop/web: …`. The first one where several are.
    public var message: String
    /// How many members there are of each value.
    public var counts: [HealthValue: Int]

    /// Sums up members.
    public init(of members: [(reference: ObjectReference, assessment: HealthAssessment)]) {
        var counts: [HealthValue: Int] = [:]
        for member in members { counts[member.assessment.value, default: 0] += 1 }
        let worst = members.min { $0.assessment.value < $1.assessment.value }
        self.value = worst?.assessment.value ?? .healthy
        self.counts = counts
        self.message =
            worst.map { worst in
                guard worst.assessment.value != .healthy else { return "" }
                let why =
                    worst.assessment.message.isEmpty ? worst.assessment.value.description : worst.assessment.message
                return "\(worst.reference): \(why)"
            } ?? ""
    }
}
