internal import KubernetesClient
internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// What the watches of one release have told so far.
final class ReleaseObservation: Sendable {
    private struct State {
        var objects = WatchedObjects()
        /// Those whose watch ran once, or was tried and will be again: one that is refused for good ends all of them instead.
        var tried: Set<ObjectSelection> = []
        var failure: (any Error)?
        /// Since when a selection's watch has been cut, and why.
        var interrupted: [ObjectSelection: (since: ContinuousClock.Instant, why: String)] = [:]
    }

    private let state = Mutex(State())
    private let checks: [CustomHealthCheck]
    private let classes: StorageClasses
    private let kindsWithoutStatus: Set<GroupKind>
    private let silentControllers: SilencePolicy
    private let evidence: EvidenceLedger

    /// Whether the release is being applied: then a Job that is not there is still to come.
    private let isApplying: Bool

    init(
        checks: [CustomHealthCheck], classes: StorageClasses, kindsWithoutStatus: Set<GroupKind> = [],
        silentControllers: SilencePolicy = .wait, evidence: EvidenceLedger, isApplying: Bool = true
    ) {
        self.isApplying = isApplying
        self.checks = checks
        self.classes = classes
        self.kindsWithoutStatus = kindsWithoutStatus
        self.silentControllers = silentControllers
        self.evidence = evidence
    }

    /// Takes what a watch tells. True when an object that was seen before now assignments something else.
    ///
    /// - Parameter time: The time by the clock that health is judged by.
    func take(
        _ update: Reflector.Update, of selection: ObjectSelection, at moment: ContinuousClock.Instant,
        _ time: KubernetesTime? = nil
    ) -> Bool {
        state.withLock { state in
            switch update {
            case .listed, .changed: state.interrupted[selection] = nil
            case .watching:
                state.interrupted[selection] = nil
                state.tried.insert(selection)
            case .interrupted(let error):
                state.tried.insert(selection)
                if state.interrupted[selection] == nil { state.interrupted[selection] = (moment, error.message) }
            }
            return state.objects.take(update, of: selection, at: time)
        }
    }

    /// Notes that a watch that is needed ended for good.
    func fail(_ error: any Error) {
        state.withLock { $0.failure = $0.failure ?? error }
    }

    /// The release's health; nil until everything was listed once and its watch was tried: what was only listed is told of for
    /// as long as nobody knows that it has changed.
    ///
    /// - Throws: What ended a watch for good.
    func health(
        of objects: [KubernetesObject], unserved: [UnservedObject], needed: Set<ObjectSelection>, now: Timestamp,
        unreachableSince limit: ContinuousClock.Instant
    ) throws -> ObservedHealth? {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            let cut = state.interrupted.filter { needed.contains($0.key) && $0.value.since <= limit }
            if let worst = cut.min(by: { $0.value.since < $1.value.since }) {
                return ObservedHealth(.unknown, reason: "Unobservable", message: worst.value.why)
            }
            guard needed.isSubset(of: state.objects.listed), needed.isSubset(of: state.tried) else { return nil }
            // What is there comes first: it is what those that are not there yet wait for.
            var present: [(reference: ObjectReference, assessment: HealthAssessment)] = []
            var absent: [(reference: ObjectReference, assessment: HealthAssessment)] = []
            let context = HealthContext(
                now: KubernetesTime(now), silentControllers: silentControllers,
                lateBindingClasses: classes.lateBinding, classesRefusal: classes.refusal,
                kindsWithoutStatus: kindsWithoutStatus, evidence: evidence.evidence, checks: checks)
            for object in objects {
                let isThere = state.objects.has(object.reference)
                var assessment = state.objects.assess(object, context: context)
                if state.objects.hasDoneItsWork(object.reference) {
                    evidence.hasSeen(endOf: object.reference.identity)
                }
                if !isThere, !isApplying, assessment.value == .progressing,
                    object.isDoneOnce || evidence.hasEndedWell(object.reference.identity)
                {
                    // The release was proven with it, and whoever took it away since, it has done its work.
                    assessment = HealthAssessment(.healthy, "finished and gone")
                }
                evidence.note(
                    assessment, of: object.reference.identity, at: state.objects.generation(of: object.reference))
                if ObjectAnnotations().isHook(object) {
                    // How a hook ended is for the apply to say.
                    if isThere, assessment.value == .progressing {
                        present.append(
                            (object.reference, HealthAssessment(.progressing, "hook: \(assessment.message)")))
                    }
                } else if isThere {
                    present.append((object.reference, assessment))
                } else {
                    absent.append((object.reference, assessment))
                }
            }
            let waiting = unserved.map { unserved in
                (reference: unserved.object.reference, assessment: HealthAssessment(.progressing, unserved.why))
            }
            let summary = HealthSummary(of: present + absent + waiting)
            let text = summary.message.isEmpty ? nil : summary.message
            // What is healthy by leave has a message and no reason to act on.
            let reason =
                switch summary.doubt {
                case .unspoken: ObservedHealth.controllerSilent
                case .unproven: ObservedHealth.nothingHealthy
                case nil: summary.value == .healthy ? nil : text.flatMap(ReasonWord.find(in:))
                }
            return ObservedHealth(Health(summary.value), reason: reason, message: text)
        }
    }
}
