public import KubernetesObjects
internal import Synchronization

/// What is known beside a status to judge it: what was sent, and what was so before.
public struct SentEvidence: Sendable, Hashable {
    var marks: [ObjectIdentity: SentMark] = [:]
    var before = FormerTroubles()
    /// What is known beside, and outlives the process.
    var kept = KeptEvidence()
    /// Whether nobody knows what judges said before another process sent this.
    var isUnheard = false
    /// Whether what is sent is what was proven here last.
    var isReturn: Bool { kept.isReturn }

    /// What a judge said before anything was sent.
    func verdict(of judge: ObjectIdentity) -> FormerVerdict? { kept.verdicts?[FormerTroubles.key(judge)] }

    /// Creates the evidence of one who has sent nothing.
    public init() {}
}

/// Keeps the evidence of one application while it is written and watched: appliers write it, whoever judges health reads it.
public final class EvidenceLedger: Sendable {
    private struct State {
        var evidence = SentEvidence()
        var work: String?
        var isSending = true
        /// Whether another process began the work, so that nobody knows what of it was sent already.
        var isResumed = false
        /// Objects that were seen in trouble as they were sent: that is theirs, however often they are sent again.
        var troubled: Set<ObjectIdentity> = []
        /// Pods that were seen to have done their work, as long as nothing else was sent.
        var ended: Set<ObjectIdentity> = []
        /// Whether it is known what judges said before anything was sent.
        var hasHeard = false

        /// Whether nothing was sent yet, by any process, so that what judges say is said of what was before.
        var isHearing: Bool { isSending && !hasHeard && !evidence.isUnheard && evidence.marks.isEmpty }

        /// Takes in that an object is so now, where it is what a judge judges or what its target's pods read.
        mutating func judged(_ answer: KubernetesObject, over live: KubernetesObject?, isWritten: Bool) {
            guard let verdicts = evidence.kept.verdicts, !verdicts.isEmpty else { return }
            let key = FormerTroubles.key(answer.reference.identity)
            let isNewContent =
                isWritten && isSending
                && ["data", "binaryData", "stringData"].contains { live?[$0] != answer[$0] }
            for (judge, verdict) in verdicts {
                var verdict = verdict
                if verdict.target == key {
                    verdict.take(answer, over: live, isSending: isWritten && isSending)
                } else if isNewContent, verdict.change == .nothing, verdict.settings.contains(key),
                    answer.annotations["flagger.app/config-tracking"] != "disabled"
                {
                    verdict.change = .around
                }
                evidence.kept.verdicts?[judge] = verdict
            }
        }
    }

    private let state = Mutex(State())

    /// Creates a ledger in which nothing is written.
    public init() {}

    /// What is known now.
    public var evidence: SentEvidence { state.withLock { $0.evidence } }

    /// What was so before, and has not been healthy since.
    public var before: FormerTroubles { state.withLock { $0.evidence.before } }

    /// What the next process is to know of the work beside what was so before.
    public var kept: KeptEvidence { state.withLock { $0.evidence.kept } }

    /// Whether it is still being sent.
    public var isSending: Bool { state.withLock { $0.isSending } }

    /// The work that was begun last; nil before the first.
    public var work: String? { state.withLock { $0.work } }

    /// Begins a work, unless it is the one that was begun last: what was sent for another says nothing of it.
    ///
    /// - Parameters:
    ///   - work: What tells this work from others, such as a generation with a digest.
    ///   - before: What was so before it.
    ///   - isResumed: Whether another process has begun it. What is then found as it should be may have been sent by that one, so that
    ///     what its status tells may be the work's own doing.
    ///   - isReturn: Whether it brings what was proven here last.
    ///   - kept: What another process, which has begun it, knew of it beside.
    public func begin(
        _ work: String, before: FormerTroubles, isResumed: Bool = false, isReturn: Bool = false,
        kept: KeptEvidence? = nil
    ) {
        state.withLock { state in
            state.isSending = true
            guard state.work != work else { return }
            state = State(work: work, isResumed: isResumed)
            state.evidence.before = before
            state.evidence.kept =
                isResumed ? kept ?? KeptEvidence(isReturn: isReturn) : KeptEvidence(isReturn: isReturn)
            state.evidence.isUnheard = isResumed && kept == nil
            state.hasHeard = state.evidence.kept.verdicts != nil
        }
    }

    /// Takes in what was so before a work that another process began; of what it sent nothing is known.
    ///
    /// - Parameters:
    ///   - kept: What that one knew of it beside; nil where nobody knows.
    ///   - isProven: Whether it was proven since, so that its judges have spoken of it.
    public func resume(
        _ work: String, before: FormerTroubles, kept: KeptEvidence? = nil, isReturn: Bool = false,
        isProven: Bool = false
    ) {
        state.withLock { state in
            guard state.work == nil else { return }
            state = State(work: work, isSending: false, isResumed: true)
            state.evidence.before = before
            state.evidence.kept = kept ?? KeptEvidence(isReturn: isReturn)
            state.evidence.isUnheard = kept == nil && !isProven
        }
    }

    /// Says that all was sent; what is only found as it should be from then on is no work's.
    public func end() { state.withLock { $0.isSending = false } }

    /// Notes what the server answered to a write.
    ///
    /// What is sent again for the same work, such as to correct drift, is no new beginning: what stood before it was sent first is what
    /// excuses. Only where somebody had made something else of the object meanwhile may what stands be about that, unless the object
    /// was in trouble before.
    ///
    /// - Parameter live: What it was sent over; nil where nothing was there.
    func sent(_ answer: KubernetesObject, over live: KubernetesObject? = nil) {
        state.withLock { state in
            let identity = answer.reference.identity
            let first = state.evidence.marks[identity].flatMap { $0.uid == answer.uid ? $0 : nil }
            if live?.uid != answer.uid { state.ended.remove(identity) }
            var mark = SentMark(answer)
            if let first {
                let isTouched = live?.generation != first.generation
                if !isTouched || state.troubled.contains(identity) { mark = mark.keepingConditions(of: first) }
            } else if live?.uid == answer.uid, state.isResumed || !state.isSending {
                mark = mark.withoutConditions
            }
            state.evidence.marks[identity] = mark
            state.judged(answer, over: live, isWritten: true)
        }
    }

    /// Notes an object that was as it should be, so that nothing was written: how it was then, it was before, unless another process
    /// may have sent it.
    func found(_ live: KubernetesObject) {
        state.withLock { state in
            state.judged(live, over: live, isWritten: false)
            guard state.isSending, !state.isResumed, state.evidence.marks[live.reference.identity] == nil else {
                return
            }
            state.evidence.marks[live.reference.identity] = SentMark(live)
        }
    }

    /// Notes what an object that judges others' revisions says, before anything is sent. Of a work that another process began, only
    /// where that one has sent nothing.
    ///
    /// - Parameters:
    ///   - target: What it judges; nil where that is not there, or not known.
    ///   - settings: The ConfigMaps and Secrets that the target's pods name.
    func heard(_ live: KubernetesObject, target: KubernetesObject? = nil, settings: Set<ObjectIdentity> = []) {
        guard let verdict = CanaryHealth.verdict(of: live, target: target, settings: settings) else { return }
        state.withLock { state in
            let key = FormerTroubles.key(live.reference.identity)
            let known = state.evidence.kept.verdicts ?? [:]
            guard state.isHearing, known[key] == nil, known.count < KeptEvidence.limit else { return }
            state.evidence.kept.verdicts = known.merging([key: verdict]) { _, new in new }
        }
    }

    /// Says that all judges were heard: from then on what they say is taken for said of what is sent.
    func hearingEnds() {
        state.withLock { state in
            guard state.isHearing else { return }
            state.evidence.kept.verdicts = state.evidence.kept.verdicts ?? [:]
            state.hasHeard = true
        }
    }

    /// Notes how the target of a judge is, which another process may have sent.
    public func looked(at live: KubernetesObject) {
        state.withLock { $0.judged(live, over: nil, isWritten: false) }
    }

    /// Notes that a pod has done its work, so that it is not missed when it has gone.
    public func hasSeen(endOf identity: ObjectIdentity) { state.withLock { _ = $0.ended.insert(identity) } }

    /// Notes of a pod whether it has done its work.
    func looked(atWork live: KubernetesObject) {
        guard live.type.groupKind == GroupKind(kind: "Pod"), PodHealth.end(of: live)?.value == .healthy else { return }
        hasSeen(endOf: live.reference.identity)
    }

    /// Whether a pod was seen to have done its work.
    public func hasEndedWell(_ identity: ObjectIdentity) -> Bool { state.withLock { $0.ended.contains(identity) } }

    /// Notes how an object is. What it was before excuses nothing once it is healthy; and what it is in trouble for as it was sent is
    /// its own from then on.
    ///
    /// - Parameter generation: The generation that was looked at; nil where none is known.
    public func note(_ assessment: HealthAssessment, of identity: ObjectIdentity, at generation: Int64? = nil) {
        let isWell = assessment.isProof || assessment.remark == .inert
        guard isWell || assessment.value <= .degraded else { return }
        state.withLock { state in
            guard isWell else {
                if let generation, state.evidence.marks[identity]?.generation == generation {
                    state.troubled.insert(identity)
                }
                return
            }
            state.troubled.remove(identity)
            guard state.evidence.before.knows(identity) else { return }
            state.evidence.before.forget(identity)
        }
    }
}
