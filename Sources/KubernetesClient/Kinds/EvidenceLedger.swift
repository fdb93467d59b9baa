public import KubernetesObjects
internal import Synchronization

/// What is known beside a status to judge it: what was sent, and what was so before.
public struct SentEvidence: Sendable, Hashable {
    var marks: [ObjectIdentity: SentMark] = [:]
    var before = FormerTroubles()
    /// Of objects that judge others' revisions, which revision they spoke of before anything was sent.
    var spokenOf: [ObjectIdentity: String] = [:]
    /// Whether what is sent is what was proven here last.
    var isReturn = false

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
    }

    private let state = Mutex(State())

    /// Creates a ledger in which nothing is written.
    public init() {}

    /// What is known now.
    public var evidence: SentEvidence { state.withLock { $0.evidence } }

    /// What was so before, and has not been healthy since.
    public var before: FormerTroubles { state.withLock { $0.evidence.before } }

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
    public func begin(_ work: String, before: FormerTroubles, isResumed: Bool = false, isReturn: Bool = false) {
        state.withLock { state in
            state.isSending = true
            guard state.work != work else { return }
            state = State(work: work, isResumed: isResumed)
            state.evidence.before = before
            state.evidence.isReturn = isReturn
        }
    }

    /// Takes in what was so before a work that another process began; of what it sent nothing is known.
    public func resume(_ work: String, before: FormerTroubles) {
        state.withLock { state in
            guard state.work == nil else { return }
            state = State(work: work, isSending: false, isResumed: true)
            state.evidence.before = before
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
            var mark = SentMark(answer, over: live).keepingChange(of: first)
            if let first {
                let isTouched = live?.generation != first.generation
                if !isTouched || state.troubled.contains(identity) { mark = mark.keepingConditions(of: first) }
            } else if live?.uid == answer.uid, state.isResumed || !state.isSending {
                mark = mark.withoutConditions
            }
            state.evidence.marks[identity] = mark
        }
    }

    /// Notes an object that was as it should be, so that nothing was written: how it was then, it was before, unless another process
    /// may have sent it.
    func found(_ live: KubernetesObject) {
        state.withLock { state in
            guard state.isSending, !state.isResumed, state.evidence.marks[live.reference.identity] == nil else {
                return
            }
            state.evidence.marks[live.reference.identity] = SentMark(live)
        }
    }

    /// Notes which revision an object that judges others' revisions speaks of, before anything is sent.
    func heard(_ live: KubernetesObject) {
        guard let revision = CanaryHealth.revision(in: live) else { return }
        state.withLock { state in
            let identity = live.reference.identity
            guard state.isSending, !state.isResumed, state.evidence.marks.isEmpty,
                state.evidence.spokenOf[identity] == nil
            else { return }
            state.evidence.spokenOf[identity] = revision
        }
    }

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
