public import KubernetesObjects

/// Objects as watches tell of them, and how those that were applied fare. Pure: a value.
public struct WatchedObjects: Sendable {
    private var objects: [ObjectIdentity: KubernetesObject] = [:]
    /// How Jobs, and what else runs to an end, ended that are gone: well, whatever took them away; or not, or before they had ended, by their time to live.
    private var endedAndGone: [ObjectIdentity: HealthAssessment] = [:]
    /// The most of them that are remembered beside Jobs: those beyond are missed when they have gone.
    private static let mostEnded = 1_000
    /// Since when pods have been as they are.
    private var pods: [ObjectIdentity: PodSighting] = [:]

    /// The selections that were listed once; of others nothing is known.
    public private(set) var listed: Set<ObjectSelection> = []

    /// Creates what is known before anything was told.
    public init() {}

    /// Takes what a watch tells. True when an object that was seen before is gone, or now assignments something else.
    ///
    /// - Parameter moment: The time by the clock that health is judged by; without it pods are judged by their own times.
    @discardableResult
    public mutating func take(
        _ update: Reflector.Update, of selection: ObjectSelection, at moment: KubernetesTime? = nil
    ) -> Bool {
        switch update {
        case .listed(let present):
            listed.insert(selection)
            let identities = Set(present.map(\.reference.identity))
            let gone = objects.keys.filter { Self.isSelected($0, by: selection) && !identities.contains($0) }
            for identity in gone { remove(identity, last: objects[identity], wasSeen: false) }
            return present.reduce(!gone.isEmpty) { put($1, moment) || $0 }
        case .changed(.updated(let object)): return put(object, moment)
        case .changed(.removed(let object)):
            remove(object.reference.identity, last: object, wasSeen: true)
            return true
        case .watching, .interrupted: return false
        }
    }

    /// The generation of an object as it was last told; nil where it has none, or is not there.
    public func generation(of reference: ObjectReference) -> Int64? { objects[reference.identity]?.generation }

    /// Whether an object is there.
    public func has(_ reference: ObjectReference) -> Bool { objects[reference.identity] != nil }

    /// Whether an object is a pod that has done its work, be it still there or not.
    public func hasDoneItsWork(_ reference: ObjectReference) -> Bool {
        let identity = reference.identity
        guard identity.type == GroupKind(kind: "Pod") else { return false }
        let end = objects[identity].map { PodHealth.end(of: $0) } ?? endedAndGone[identity]
        return end?.value == .healthy
    }

    /// An object's health as far as is known, with the pod named that holds it up.
    ///
    /// - Parameters:
    ///   - applied: The object as it was applied.
    ///   - context: What is known beside the object.
    public func assess(_ applied: KubernetesObject, context: HealthContext) -> HealthAssessment {
        guard let live = objects[applied.reference.identity] else {
            if let end = endedAndGone[applied.reference.identity] { return end }
            if applied.spec?["ttlSecondsAfterFinished"] != nil
                || applied.type.groupKind == RunHealth.workflow && applied.spec?["ttlStrategy"] != nil
            {
                return HealthAssessment(.healthy, "finished and gone")
            }
            return HealthAssessment(.progressing, "it is not there")
        }
        var context = context
        context.pods = pods
        let alone = HealthAssessment(of: live, context: context)
        // Only what is not well has a culprit; most are well, and a namespace may hold thousands of pods.
        guard alone.value != .healthy else { return alone }
        let neighbours = objects.values.filter { $0.namespace == live.namespace }
        let pods = WorkloadPods.select(
            from: neighbours.filter { $0.kind == "Pod" }, of: live,
            replicaSets: neighbours.filter { $0.kind == "ReplicaSet" })
        return HealthAssessment(of: live, pods: pods, context: context)
    }

    /// - Parameter wasSeen: Whether `last` is how it was when it went; otherwise it may have gone on from there.
    private mutating func remove(_ identity: ObjectIdentity, last: KubernetesObject?, wasSeen: Bool) {
        objects[identity] = nil
        pods[identity] = nil
        guard let last else { return }
        guard identity.type == ObjectAnnotations.job else { return noteEnd(of: last, identity) }
        if WorkloadHealth.end(ofJob: last)?.value == .healthy {
            endedAndGone[identity] = HealthAssessment(.healthy, "finished and gone")
            return
        }
        guard last.spec?["ttlSecondsAfterFinished"] != nil else { return }
        if let end = WorkloadHealth.end(ofJob: last) {
            endedAndGone[identity] = end
        } else if wasSeen {
            endedAndGone[identity] = HealthAssessment(.failed, "deleted before it had ended")
        } else {
            // It may have ended, either way, while nobody looked.
            endedAndGone[identity] = HealthAssessment(
                .progressing,
                "it was running when it was last seen, and is gone: whether it ended well cannot be known; where it did, give its "
                    + "ttlSecondsAfterFinished more time")
        }
    }

    /// Of what else runs to an end, that it ended: a pod that has done its work and is nobody's, and runs of workflows. Whatever else is
    /// gone is missed.
    private mutating func noteEnd(of last: KubernetesObject, _ identity: ObjectIdentity) {
        guard endedAndGone.count < Self.mostEnded, last.owners.isEmpty, let end = WorkloadHealth.end(of: last) else {
            return
        }
        if end.value == .healthy {
            endedAndGone[identity] = HealthAssessment(.healthy, "finished and gone")
        } else if RunHealth.isRun(identity.type) {
            endedAndGone[identity] = end
        }
    }

    private mutating func put(_ object: KubernetesObject, _ moment: KubernetesTime?) -> Bool {
        if let moment, object.kind == "Pod" {
            let identity = object.reference.identity
            pods[identity] = PodSighting(object, after: pods[identity], at: moment)
        }
        endedAndGone[object.reference.identity] = nil
        let former = objects.updateValue(object, forKey: object.reference.identity)
        guard let former, former.resourceVersion != object.resourceVersion else { return false }
        if let one = former.generation, let other = object.generation, one != other { return true }
        return Self.desired(former) != Self.desired(object)
    }

    /// An object without what controllers and the server write.
    private static func desired(_ object: KubernetesObject) -> JSONValue {
        var copy = object
        copy.status = nil
        for field in ["resourceVersion", "managedFields", "generation"] { copy.setMetadata(field, nil) }
        return copy.json
    }

    private static func isSelected(_ identity: ObjectIdentity, by selection: ObjectSelection) -> Bool {
        guard identity.type == selection.type.groupKind, identity.namespace == selection.namespace else { return false }
        guard let field = selection.fieldSelector else { return true }
        return field == "metadata.name=\(identity.name)"
    }
}
