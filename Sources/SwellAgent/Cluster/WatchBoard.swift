internal import KubernetesClient
internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// What the watches of one release have told so far.
final class WatchBoard: Sendable {
    private struct State {
        var objects: [ObjectIdentity: KubernetesObject] = [:]
        var listed: Set<ObjectSelection> = []
        /// Those whose watch ran once, or was tried and will be again: one that is refused for good ends all of them instead.
        var tried: Set<ObjectSelection> = []
        var failure: (any Error)?
        /// Since when a selection's watch has been cut, and why.
        var interrupted: [ObjectSelection: (since: ContinuousClock.Instant, why: String)] = [:]
    }

    private let state = Mutex(State())
    private let checks: HealthChecks
    private let classes: StorageClasses

    init(checks: HealthChecks, classes: StorageClasses) {
        self.checks = checks
        self.classes = classes
    }

    /// Takes what a watch tells. True when an object that was seen before now wishes something else.
    func take(_ update: Reflector.Update, of selection: ObjectSelection, at moment: ContinuousClock.Instant) -> Bool {
        state.withLock { state in
            switch update {
            case .listed(let objects):
                state.interrupted[selection] = nil
                state.listed.insert(selection)
                let identities = Set(objects.map(\.reference.identity))
                let gone = state.objects.keys.filter {
                    Self.isSelected($0, by: selection) && !identities.contains($0)
                }
                var isChange = !gone.isEmpty
                for identity in gone { state.objects[identity] = nil }
                for object in objects { if put(object, &state) { isChange = true } }
                return isChange
            case .changed(.updated(let object)):
                state.interrupted[selection] = nil
                return put(object, &state)
            case .changed(.removed(let object)):
                state.interrupted[selection] = nil
                state.objects[object.reference.identity] = nil
                return true
            case .watching:
                state.interrupted[selection] = nil
                state.tried.insert(selection)
                return false
            case .interrupted(let error):
                state.tried.insert(selection)
                if state.interrupted[selection] == nil { state.interrupted[selection] = (moment, error.message) }
                return false
            }
        }
    }

    /// Notes that a watch that is needed ended for good.
    func fail(_ error: any Error) {
        state.withLock { $0.failure = $0.failure ?? error }
    }

    private func put(_ object: KubernetesObject, _ state: inout State) -> Bool {
        let former = state.objects.updateValue(object, forKey: object.reference.identity)
        guard let former, former.resourceVersion != object.resourceVersion else { return false }
        if let one = former.generation, let other = object.generation, one != other { return true }
        return Self.wish(former) != Self.wish(object)
    }

    /// An object without what controllers and the server write.
    private static func wish(_ object: KubernetesObject) -> JSONValue {
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

    /// The release's health; nil until everything was listed once and its watch was tried: what was only listed is told of for
    /// as long as nobody knows that it has changed.
    ///
    /// - Throws: What ended a watch for good.
    func health(
        of objects: [KubernetesObject], unserved: [KubernetesObject], needed: Set<ObjectSelection>, now: Timestamp,
        unreachableSince limit: ContinuousClock.Instant
    ) throws -> ObservedHealth? {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            let cut = state.interrupted.filter { needed.contains($0.key) && $0.value.since <= limit }
            if let worst = cut.min(by: { $0.value.since < $1.value.since }) {
                return ObservedHealth(.unknown, reason: "Unobservable", message: worst.value.why)
            }
            guard needed.isSubset(of: state.listed), needed.isSubset(of: state.tried) else { return nil }
            // What is there comes first: it is what those that are not there yet wait for.
            var present: [(reference: ObjectReference, assessment: HealthAssessment)] = []
            var absent: [(reference: ObjectReference, assessment: HealthAssessment)] = []
            for object in objects {
                let live = state.objects[object.reference.identity]
                let assessment = assess(object, live, state, now)
                if ObjectAnnotations().isHook(object) {
                    // How a hook ended is for the apply to say.
                    if live != nil, assessment.value == .progressing {
                        present.append(
                            (object.reference, HealthAssessment(.progressing, "hook: \(assessment.message)")))
                    }
                } else if live != nil {
                    present.append((object.reference, assessment))
                } else {
                    absent.append((object.reference, assessment))
                }
            }
            let waiting = unserved.map { object in
                (
                    reference: object.reference,
                    assessment: HealthAssessment(.progressing, "its kind is not served yet")
                )
            }
            let summary = HealthSummary(of: present + absent + waiting)
            let text = summary.message.isEmpty ? nil : summary.message
            return ObservedHealth(
                Health(summary.value), reason: text.flatMap(ReasonWord.find(in:)), message: text)
        }
    }

    private func assess(
        _ object: KubernetesObject, _ live: KubernetesObject?, _ state: State, _ now: Timestamp
    ) -> HealthAssessment {
        guard let live else {
            if object.spec?["ttlSecondsAfterFinished"] != nil { return HealthAssessment(.healthy, "finished and gone") }
            return HealthAssessment(.progressing, "it is not there")
        }
        let context = HealthContext(
            now: KubernetesTime(seconds: Double(now.milliseconds) / 1_000), lateBindingClasses: classes.lateBinding,
            classesRefusal: classes.refusal, checks: checks.of(live))
        let neighbours = state.objects.values.filter { $0.namespace == live.namespace }
        let pods = WorkloadPods.select(
            from: neighbours.filter { $0.kind == "Pod" }, of: live,
            replicaSets: neighbours.filter { $0.kind == "ReplicaSet" })
        return HealthAssessment(of: live, pods: pods, context: context)
    }
}
