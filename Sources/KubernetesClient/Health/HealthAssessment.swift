public import KubernetesObjects

/// How an object fares, and why.
public struct HealthAssessment: Sendable, Hashable {
    /// The value.
    public var value: HealthValue
    /// Why, in words that name the culprit; empty when nothing is to be said.
    public var message: String

    /// What is to be known of the value beside the words; nil for nothing.
    public var remark: Remark?

    /// What sets a value apart from others like it.
    public enum Remark: Sendable, Hashable {
        /// Unknown, because its controller has said nothing so far.
        case silent
        /// Healthy by leave: the message says what would otherwise hold.
        case accepted
        /// Healthy by leave of what was so before, as the message says: no evidence against the release, and none for it.
        case excused
        /// Healthy because it is there: it says nothing of whether anything runs.
        case inert
    }

    /// Whether something of it is healthy by itself, and shows that something runs.
    var isProof: Bool { value == .healthy && remark == nil }

    /// Creates an assessment.
    public init(_ value: HealthValue, _ message: String = "", _ remark: Remark? = nil) {
        self.value = value
        self.message = message
        self.remark = remark
    }

    /// Assesses an object.
    ///
    /// - Parameters:
    ///   - object: The object as the server has it.
    ///   - pods: Pods of the workload's present revision, so that the one that holds things up can be named.
    ///   - context: What is known beside the object.
    public init(of object: KubernetesObject, pods: [KubernetesObject] = [], context: HealthContext) {
        let own = HealthAssessment.rules(object, context)
        // What was read before something else was sent has pods of what it was.
        let isOld = context.mark(of: object)?.isAfter(object) == true
        self = HealthAssessment.namingCulprit(own, object: object, pods: isOld ? [] : pods, context: context)
            .excused(for: object, context)
        if isProof, !HealthRules.showsThatItRuns(object, context) { remark = .inert }
    }

    private static func rules(_ object: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        if object.deletionTimestamp != nil {
            // What a Job has come to stays so, though it is on its way out.
            let isJob = object.type.groupKind == ObjectAnnotations.job
            if isJob || context.awaitsEnds, let end = WorkloadHealth.end(of: object) { return end }
            let waiting = object.finalizers.isEmpty ? "" : ", waits for \(object.finalizers.joined(separator: ", "))"
            return HealthAssessment(.progressing, "terminating\(waiting)")
        }
        let sent = context.mark(of: object)
        if sent?.isAfter(object) == true {
            return HealthAssessment(.progressing, "it has not been read since it was sent")
        }
        // Whoever says how a kind is to be read knows what its controller leaves behind.
        if let check = context.check(for: object) {
            let word = check.assess(object)
            // A failure of the former content, that the controller has not come to look at again. A generation of theirs that says
            // nothing (-1) keeps no check from counting.
            if word.value == .failed, let seen = object.status?["observedGeneration"]?.intValue, seen > 0,
                let generation = object.generation, seen < generation
            {
                return HealthAssessment(
                    .progressing, "said of generation \(seen), before \(generation): \(word.message)")
            }
            return word
        }
        let definesStatus = context.kindsWithoutStatus.contains(object.type.groupKind) ? false : nil
        switch StatusEvidence.of(object, since: sent, definesStatus: definesStatus) {
        case .ofEarlier(let why): return HealthAssessment(.progressing, why)
        case .notYet: return HealthAssessment(.progressing, "not yet seen by its controller")
        case .silent: return silent(object, context)
        case .never: return HealthRules.assess(object, context) ?? HealthAssessment(.healthy)
        case .ofThisWrite: break
        }
        if let condition = Condition.find("Stalled", in: object), condition.isTrue, !condition.isStale(for: object),
            let failure = context.failure(condition, of: object)
        {
            return failure
        }
        if let condition = Condition.find("Reconciling", in: object), condition.isTrue,
            !condition.isStale(for: object)
        {
            return HealthAssessment(.progressing, condition.text)
        }
        if let byKind = HealthRules.assess(object, context) { return byKind }
        return ToldConditions.assess(object)
    }

    /// A custom resource of which its controller has said nothing, be it away, slow or of those that never speak: the same at every
    /// moment, since no time tells them apart.
    private static func silent(_ object: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        let why = "its controller has written no status"
        if context.evidence?.before.wasSilent(object) == true {
            return HealthAssessment(.healthy, "\(why), as before the release", .accepted)
        }
        switch context.silentControllers {
        case .accept: return HealthAssessment(.healthy, "\(why), which the policy accepts", .accepted)
        case .wait:
            return HealthAssessment(
                .unknown,
                "\(why): is it running? Where it never does, make a release with a check of its own for \(object.kind) in "
                    + "the application (healthy: 'true'), or say silentControllers: accept in the policy, apply it, and start the rollout again with --supersede",
                .silent)
        }
    }

    /// What was so before the release, and is to be as it was, is shown and nothing more.
    private func excused(for object: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        guard value < .suspended, object.deletionTimestamp == nil, context.evidence?.before.had(object) == true else {
            return self
        }
        let why = message.isEmpty ? value.description : message
        return HealthAssessment(.healthy, "not healthy before the release either, and the same: \(why)", .excused)
    }

    /// What is said of a workload before its culprit is named, which must not be what a bound cuts away.
    private static func brief(_ message: String) -> String {
        let scalars = message.unicodeScalars
        guard scalars.count > 300 else { return message }
        return "\(String(scalars.prefix(180))) … \(String(scalars.suffix(110)))"
    }

    private static func namingCulprit(
        _ own: HealthAssessment, object: KubernetesObject, pods: [KubernetesObject], context: HealthContext
    ) -> HealthAssessment {
        guard object.kind != "Pod", own.value != .healthy, own.value != .suspended else { return own }
        if let blocking = PodHealth.blocking(object, among: pods, context: context) {
            let message = own.message.isEmpty ? blocking : "\(brief(own.message)); \(blocking)"
            return HealthAssessment(min(own.value, .degraded), message, own.remark)
        }
        let isJob = object.type.groupKind == ObjectAnnotations.job
        guard let culprit = PodHealth.worst(of: pods, areReplaced: !isJob, context: context) else { return own }
        let message = own.message.isEmpty ? culprit.message : "\(brief(own.message)); \(culprit.message)"
        // A pod that cannot start makes its workload worse than merely under way, whatever the workload's clock says.
        let value = culprit.value < .unknown ? min(own.value, .degraded) : own.value
        return HealthAssessment(value, message, own.remark)
    }
}

/// What of silence a release waits for.
public enum SilencePolicy: Sendable, Hashable {
    /// A custom resource whose controller has said nothing is unknown.
    case wait
    /// It is healthy.
    case accept
}

/// What is known beside an object when its health is assessed.
public struct HealthContext: Sendable {
    /// The current time.
    public var now: KubernetesTime
    /// What to make of custom resources whose controller has said nothing.
    public var silentControllers: SilencePolicy
    /// Kinds of which the server serves no status: nobody will ever speak of theirs.
    public var kindsWithoutStatus: Set<GroupKind>
    /// What was sent, and what was so before; nil where nothing was sent, and every condition counts.
    public var evidence: SentEvidence?
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
        now: KubernetesTime, silentControllers: SilencePolicy = .wait, ingressNeedsAddress: Bool = false,
        lateBindingClasses: Set<String> = [], classesRefusal: String? = nil,
        kindsWithoutStatus: Set<GroupKind> = [], evidence: SentEvidence? = nil, checks: [CustomHealthCheck] = []
    ) {
        self.now = now
        self.silentControllers = silentControllers
        self.kindsWithoutStatus = kindsWithoutStatus
        self.evidence = evidence
        self.ingressNeedsAddress = ingressNeedsAddress
        self.lateBindingClasses = lateBindingClasses
        self.classesRefusal = classesRefusal
        self.checks = checks
    }

    /// Since when watches have seen pods as they are, by the clock that ``now`` is of.
    var pods: [ObjectIdentity: PodSighting] = [:]
    /// Whether a pod is awaited until it has come to its end: being ready is not that.
    var awaitsEnds = false

    func check(for object: KubernetesObject) -> CustomHealthCheck? { checks.first { $0.isFor(object) } }

    func mark(of object: KubernetesObject) -> SentMark? { evidence?.marks[object.reference.identity] }

    /// Whether a condition stood before what was sent last, and so says nothing of it.
    func stoodBefore(_ condition: Condition, of object: KubernetesObject) -> Bool {
        mark(of: object)?.stood(condition, in: object) == true
    }

    /// What a condition that tells of failure makes of an object: nothing where it stood before what was sent last; no more than
    /// trouble where another process sent that, so that nobody knows.
    func failure(_ condition: Condition, of object: KubernetesObject) -> HealthAssessment? {
        guard evidence != nil else { return HealthAssessment(.failed, condition.text) }
        guard mark(of: object)?.knowsConditions == true else { return HealthAssessment(.degraded, condition.text) }
        return stoodBefore(condition, of: object) ? nil : HealthAssessment(.failed, condition.text)
    }
}
