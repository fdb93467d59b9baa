public import KubernetesObjects
internal import Synchronization

/// What is known beside a status to judge it: what was sent, and what was so before.
public struct SentEvidence: Sendable, Hashable {
    var marks: [ObjectIdentity: SentMark] = [:]
    var before = FormerTroubles()

    /// Creates the evidence of one who has sent nothing.
    public init() {}
}

/// Keeps the evidence of one application while it is written and watched: appliers write it, whoever judges health reads it.
public final class EvidenceLedger: Sendable {
    private struct State {
        var evidence = SentEvidence()
        var work: String?
        var isSending = true
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
    public func begin(_ work: String, before: FormerTroubles) {
        state.withLock { state in
            state.isSending = true
            guard state.work != work else { return }
            state.work = work
            state.evidence.marks = [:]
            state.evidence.before = before
        }
    }

    /// Takes in what was so before a work that another process began; of what it sent nothing is known.
    public func resume(_ work: String, before: FormerTroubles) {
        state.withLock { state in
            guard state.work == nil else { return }
            state.work = work
            state.evidence.before = before
            state.isSending = false
        }
    }

    /// Says that all was sent; what is only found as it should be from then on is no work's.
    public func end() { state.withLock { $0.isSending = false } }

    /// Notes what the server answered to a write.
    func sent(_ answer: KubernetesObject) {
        state.withLock { $0.evidence.marks[answer.reference.identity] = SentMark(answer) }
    }

    /// Notes an object that was as it should be, so that nothing was written: how it was then, it was before.
    func found(_ live: KubernetesObject) {
        state.withLock { state in
            guard state.isSending, state.evidence.marks[live.reference.identity] == nil else { return }
            state.evidence.marks[live.reference.identity] = SentMark(live)
        }
    }

    /// Notes that an object is healthy: what it was before excuses nothing from then on.
    public func note(_ assessment: HealthAssessment, of identity: ObjectIdentity) {
        guard assessment.isProof || assessment.remark == .inert else { return }
        state.withLock { state in
            guard state.evidence.before.knows(identity) else { return }
            state.evidence.before.forget(identity)
        }
    }
}
