public import SwellModel

/// The agent's decisions: events in, actions out; no clock and no I/O.
///
/// Feed it `restarted` first. Actions are carried out in order; the journal in `persist` must be on disk before the rest.
public struct AgentMachine: Sendable, Hashable {
    /// What is on disk once the last `persist` was carried out.
    public internal(set) var journal: AgentJournal
    let rules: AgentRules
    /// What is under way for each application; begins again at each start of the process.
    var activities: [ApplicationName: AgentActivity] = [:]
    /// Releases known to be wholly at hand.
    var present: Set<ContentDigest> = []
    /// Whether the session is up.
    public private(set) var isConnected = false
    /// When a tick was asked for last.
    var wakeAt: Timestamp?
    /// When the last event was handled; nil before the first.
    var lastRunAt: Timestamp?

    public init(journal: AgentJournal = AgentJournal(), rules: AgentRules = AgentRules()) {
        self.journal = journal
        self.rules = rules
    }

    /// Takes in one event and says what follows from it.
    public mutating func handle(_ event: AgentEvent, now: Timestamp) -> [AgentAction] {
        let before = journal
        var actions: [AgentAction] = []
        keepPace(with: now)
        switch event {
        case .restarted: restart(now, &actions)
        case .assigned(let assignments):
            for assignment in assignments { take(assignment, now, &actions) }
        case .contentPresent(let digest): present.insert(digest)
        case .contentUnavailable(let digest, let message): contentLacks(digest, message, now, &actions)
        case .workFinished(let work, let leaving): finish(work, leaving, now, &actions)
        case .workFailed(let work, let failure): workFailed(work, failure, now, &actions)
        case .healthObserved(let work, let health): observe(work, health, now, &actions)
        case .driftObserved(let work, let finding): drift(work, finding, now, &actions)
        case .connected: connect(now, &actions)
        case .disconnected:
            isConnected = false
            if journal.awaySince == nil { journal.awaySince = now }
        case .reportAcknowledged(let application, let sequence): acknowledged(application, sequence, &actions)
        case .tick: break
        }
        keepPause(now)
        keepSight(now)
        settle(now, &actions)
        let hasChanged = journal != before
        if hasChanged || event.bringsContent {
            present.formIntersection(journal.referredDigests)
        }
        if hasChanged { actions.insert(.persist(journal), at: 0) }
        let next = nextMoment(after: now)
        if let next, next != wakeAt || event == .tick { actions.append(.wake(at: next)) }
        wakeAt = next
        return actions
    }

    // MARK: - Start and session

    private mutating func restart(_ now: Timestamp, _ actions: inout [AgentAction]) {
        isConnected = false
        if journal.awaySince == nil { journal.awaySince = now }
        activities = [:]
        present = []
        for name in journal.applications.keys.sorted() {
            guard var record = journal.applications[name] else { continue }
            // Nobody looked while the process was down: health has to be earned again, and there must be time to see it.
            record.healthySince = nil
            if record.isApplied, record.work?.release != nil {
                record.observed = ObservedHealth(.unknown, reason: "AgentRestarted")
            }
            if let deadline = record.deadline { record.deadline = max(deadline, now + rules.restartGrace) }
            // A journal of an earlier version does not say it; where it stands does.
            if record.provenGeneration == nil, record.phase == .healthy || record.phase == .reverted {
                record.provenGeneration = record.work?.generation
            }
            journal.applications[name] = record
            activities[name] = Self.activity(resuming: record)
            for digest in [record.work?.release?.digest, record.fallback?.digest].compactMap({ $0 }) {
                actions.append(.fetch(digest))
            }
        }
    }

    private static func activity(resuming record: AgentRecord) -> AgentActivity {
        guard let work = record.work else { return .idle }
        if record.isApplied { return work.release == nil ? .idle : .awaitingContent(.watch) }
        if record.phase == .failed, case .forward = work.kind { return .idle }
        return .awaitingContent(.apply)
    }

    private mutating func connect(_ now: Timestamp, _ actions: inout [AgentAction]) {
        let awaySince = journal.awaySince
        isConnected = true
        journal.awaySince = nil
        for name in journal.applications.keys.sorted() {
            guard var record = journal.applications[name] else { continue }
            // Time spent held does not count against the release.
            if let awaySince, record.isUnfinished, record.assignment?.settings.whenDisconnected != .finish,
                let deadline = record.deadline
            {
                let heldFrom = max(awaySince + rules.awayGrace, record.acceptedAt ?? awaySince)
                if heldFrom < now { record.deadline = deadline + (now - heldFrom) }
            }
            journal.applications[name] = record
            if let outgoing = record.outgoing { actions.append(.report(outgoing)) }
            if case .awaitingContent = activities[name], let digest = record.work?.release?.digest {
                actions.append(.fetch(digest))
            }
            if let digest = record.fallback?.digest, !present.contains(digest) { actions.append(.fetch(digest)) }
        }
    }

    // MARK: - Assignments

    private mutating func take(_ assignment: Assignment, _ now: Timestamp, _ actions: inout [AgentAction]) {
        let name = assignment.application
        var record = journal.applications[name] ?? AgentRecord(application: name)
        let isOneTooMany = journal.applications[name] == nil && journal.applications.count >= rules.applications
        if isOneTooMany || !Self.isInReach(assignment, of: journal.applications[name]) {
            note("refused", assignment, isOneTooMany ? tooMany : Self.outOfReach, &actions)
            return
        }
        if let refusal = Self.refusal(of: assignment, by: record) {
            note("refused", assignment, refusal, &actions)
            // Whoever tells it that does not know where this agent is: it is said again, so that the assignment is reissued.
            report(name, &actions)
            return
        }
        if assignment.generation == record.highestGeneration, record.assignment != nil {
            // Delivered again: said to be in the journal, and nothing else.
            record.highestEpoch = max(record.highestEpoch, assignment.epoch)
            record.assignment?.isPaused = assignment.isPaused
            journal.applications[name] = record
            actions.append(.acknowledge(name, generation: assignment.generation, epoch: assignment.epoch))
            return
        }
        stopWork(of: name, record, &actions)
        if let former = record.assignment,
            former.digest != assignment.digest || former.rollout != assignment.rollout
        {
            record.replaced = former.digest
        }
        record.assignment = assignment
        record.highestGeneration = assignment.generation
        record.highestEpoch = assignment.epoch
        record.phase = .accepted
        switch assignment.goal {
        case .run(let release):
            record.work = AgentWork(
                application: name, generation: assignment.generation, kind: .forward(release))
        case .remove: record.work = AgentWork(application: name, generation: assignment.generation, kind: .remove)
        }
        record.isApplied = false
        record.acceptedAt = now
        // Counts from when there is something to apply: what the way of the content here takes is not the release's fault.
        record.deadline = nil
        record.blindSince = nil
        record.pausedSince = nil
        record.healthySince = nil
        record.observed = ObservedHealth(.progressing)
        record.failure = nil
        record.heldUp = nil
        record.isWayBackWritten = nil
        record.transientFailures = 0
        record.worstUnacknowledged = nil
        journal.applications[name] = record
        activities[name] = .awaitingContent(.apply)
        actions.append(.acknowledge(name, generation: assignment.generation, epoch: assignment.epoch))
        let wanted = assignment.digest.map { "release \($0.short)" } ?? "removal"
        note("accepted", assignment, "\(wanted) assigned by rollout \(assignment.rollout)", &actions)
        if let digest = assignment.digest { actions.append(.fetch(digest)) }
        if let digest = record.fallback?.digest { actions.append(.fetch(digest)) }
        report(name, &actions)
    }

    private var tooMany: String {
        "\(rules.applications) applications are remembered here already, which is as many as may be"
    }

    /// How far an order may take an agent at once: what is above must be outranked some day by whoever is right, and by messages that
    /// carry it. A coordinator that was somebody else's for an hour leaves room for as many orders as there will ever be.
    public static let highestOrdinal: Int64 = 1 << 52
    static let reach: Int64 = highestOrdinal - (1 << 32)
    static let step: Int64 = 1 << 10
    private static let outOfReach =
        "its generation or epoch is further ahead than any coordinator counts, and following it would leave none to come after it"

    /// Whether generation and epoch of an assignment are such as to be outranked. Of an application that is not known any is.
    static func isInReach(_ assignment: Assignment, of record: AgentRecord?) -> Bool {
        guard let record else { return true }
        func reaches(_ value: Int64, from known: Int64) -> Bool {
            value <= reach || value - known <= step
        }
        return reaches(assignment.generation, from: record.highestGeneration)
            && reaches(assignment.epoch, from: record.highestEpoch)
    }

    /// Why an assignment must not be followed; nil where it may.
    static func refusal(of assignment: Assignment, by record: AgentRecord) -> String? {
        if assignment.epoch < record.highestEpoch {
            return "epoch \(assignment.epoch) is below \(record.highestEpoch), which was seen already"
        }
        if assignment.generation < record.highestGeneration {
            return
                "generation \(assignment.generation) is below \(record.highestGeneration), which was accepted already"
        }
        if let known = record.assignment, known.generation == assignment.generation, known.goal != assignment.goal {
            return "generation \(assignment.generation) was accepted already, with another goal"
        }
        return nil
    }

    // MARK: - Drift and acknowledgements

    private mutating func drift(
        _ work: AgentWork, _ finding: DriftFinding, _ now: Timestamp, _ actions: inout [AgentAction]
    ) {
        guard var record = journal.applications[work.application], record.work == work, record.isApplied,
            !finding.objects.isEmpty || record.hasOpenDrift == true
        else { return }
        let (sum, overflow) = record.driftCount.addingReportingOverflow(finding.objects.count)
        record.driftCount = overflow ? Int(Int32.max) : min(sum, Int(Int32.max))
        // What was put back and not told yet is told with it; what is only reported is the whole of it each time.
        let untold = finding.isCorrected && record.drift?.isCorrected == true ? record.drift?.objects ?? [] : []
        let others = untold.filter { object in !finding.objects.contains { $0.isSameObject(as: object) } }
        let (objects, omitted) = ChangeLimits.drift.bounded(finding.objects + others)
        let drift = DriftReport(
            foundAt: now, isCorrected: finding.isCorrected, objects: objects, omitted: omitted,
            contention: finding.contention)
        record.drift = drift
        record.hasOpenDrift = !finding.isCorrected && !finding.objects.isEmpty
        journal.applications[work.application] = record
        actions.append(
            .note(
                AgentNote(
                    what: "drift", application: work.application, generation: work.generation,
                    why: finding.objects.isEmpty
                        || drift.isCorrected ? drift.summary : "left as it is: \(drift.summary)")))
        report(work.application, &actions)
    }

    private mutating func acknowledged(
        _ name: ApplicationName, _ sequence: Int64, _ actions: inout [AgentAction]
    ) {
        guard var record = journal.applications[name], let outgoing = record.outgoing, outgoing.sequence == sequence
        else { return }
        record.outgoing = nil
        record.worstUnacknowledged = nil
        record.driftCount = 0
        if record.drift?.foundAt == outgoing.report.drift?.foundAt { record.drift = nil }
        journal.applications[name] = record
        // What was told may have been worse than what is; then the coordinator has yet to hear how it is.
        var told = outgoing.report
        told.driftCount = 0
        told.drift = nil
        if told != record.currentReport { report(name, &actions) }
    }
}

/// What is under way for an application.
enum AgentActivity: Sendable, Hashable {
    enum Next: Sendable, Hashable { case apply, watch }

    /// Waits for its release's content (a removal needs none), or for the coordinator where it is held.
    case awaitingContent(Next)
    case working
    /// Waits after a transient failure.
    case retrying(until: Timestamp)
    case watching
    /// Nothing is done on the cluster.
    case idle
}
