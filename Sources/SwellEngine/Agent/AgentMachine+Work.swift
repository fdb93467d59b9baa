internal import SwellModel

/// How a piece of work goes: content, apply, health, failure, going back.
extension AgentMachine {
    // MARK: - Content

    mutating func contentLacks(
        _ digest: ContentDigest, _ message: String, _ now: Timestamp, _ actions: inout [AgentAction]
    ) {
        present.remove(digest)
        for name in journal.applications.keys.sorted() {
            guard let record = journal.applications[name], record.work?.release?.digest == digest, !record.isApplied
            else { continue }
            // Also where it had been at hand, and was asked for again beside a try that failed: nobody else would give that up.
            switch activities[name] {
            case .awaitingContent, .retrying: break
            case .working, .watching, .idle, nil: continue
            }
            // A way back that was called failed already waits, and asks again.
            if record.phase == .failed {
                tryAgainLater(record, now, &actions)
                continue
            }
            fail(name, ObservedHealth(.failed, reason: "ContentUnavailable", message: message), now, &actions)
        }
    }

    // MARK: - Carrying out

    mutating func finish(
        _ work: AgentWork, _ leaving: String?, _ now: Timestamp, _ actions: inout [AgentAction]
    ) {
        let name = work.application
        guard var record = journal.applications[name], record.work == work, activities[name] == .working else { return }
        record.isApplied = true
        record.applied = work.release
        record.transientFailures = 0
        switch work.kind {
        case .remove:
            record.phase = .removed
            record.deadline = nil
            record.observed = ObservedHealth(.healthy, message: leaving)
            record.failure = nil
            // What comes next comes for the first time: nothing of before speaks for it, or is gone back to.
            record.proven = []
            record.provenGeneration = nil
            activities[name] = .idle
            note("removed", record, leaving ?? "everything that releases brought is gone", &actions)
        case .forward(let release):
            record.phase = .verifying
            record.observed = ObservedHealth(.progressing)
            activities[name] = .watching
            note("verifying", record, "release \(release.version) is applied", &actions)
        case .revert:
            if let leaving { record.failure = record.failure?.adding(leaving) }
            record.heldUp = nil
            record.observed = ObservedHealth(.progressing)
            activities[name] = .watching
        }
        journal.applications[name] = record
        if work.release != nil { actions.append(.watch(work, record.assignment?.settings.drift ?? .correct)) }
        report(name, &actions)
    }

    mutating func workFailed(
        _ work: AgentWork, _ failure: WorkFailure, _ now: Timestamp, _ actions: inout [AgentAction]
    ) {
        let name = work.application
        guard var record = journal.applications[name], record.work == work, activities[name] == .working else { return }
        let observed = ObservedHealth(.failed, reason: failure.reason, message: failure.message)
        // The failure may have been that content is not at hand after all.
        if failure.isTransient, let digest = work.release?.digest {
            present.remove(digest)
            actions.append(.fetch(digest))
        }
        if record.phase == .failed { return tryAgainLater(record, now, &actions) }
        guard failure.isTransient else { return fail(name, observed, now, &actions) }
        record.transientFailures += 1
        record.observed = ObservedHealth(
            failure.isBlind ? .unknown : .progressing, reason: failure.reason, message: failure.message)
        if case .revert = work.kind { record.heldUp = record.observed }
        journal.applications[name] = record
        let delay = rules.delay(afterFailures: record.transientFailures)
        activities[name] = .retrying(until: now + delay)
        note("retrying", record, "in \(delay): \(failure.message)", &actions)
        report(name, &actions)
    }

    // MARK: - Health

    mutating func observe(
        _ work: AgentWork, _ seen: ObservedHealth, _ now: Timestamp, _ actions: inout [AgentAction]
    ) {
        let name = work.application
        guard var record = journal.applications[name], record.work == work else { return }
        if activities[name] == .working { return reportWhatHoldsUp(&record, seen, &actions) }
        guard record.isApplied, activities[name] == .watching else { return }
        let isNews = record.observed != seen
        record.observed = seen
        if seen.health != .healthy {
            record.healthySince = nil
        } else if record.healthySince == nil {
            record.healthySince = now
        }
        journal.applications[name] = record
        let isUnsettled = record.phase == .verifying || record.phase == .reverting
        if seen.health == .failed, isUnsettled, !isHeld(record, now) { return fail(name, seen, now, &actions) }
        if isNews { report(name, &actions) }
    }

    /// While work is under way, what is seen may still be the former release's: it names a culprit for people, and is no
    /// evidence for or against anything. That nothing can be seen is told as it is.
    private mutating func reportWhatHoldsUp(
        _ record: inout AgentRecord, _ seen: ObservedHealth, _ actions: inout [AgentAction]
    ) {
        // Tried again after it was called failed: that it has failed is what is to be known until it has not.
        if record.phase == .failed { return }
        if record.phase == .reverting, seen.health != .healthy, record.heldUp != seen {
            record.heldUp = seen
            journal.applications[record.application] = record
        }
        let told: ObservedHealth
        if seen.health == .unknown {
            told = seen
        } else if record.phase == .reverting {
            // Why it goes back matters more than how the way back goes.
            told = ObservedHealth(.progressing, reason: record.failure?.reason, message: record.failure?.message)
        } else {
            let isHealthy = seen.health == .healthy
            told = ObservedHealth(
                .progressing, reason: isHealthy ? nil : seen.reason, message: isHealthy ? nil : seen.message)
        }
        guard record.observed != told else { return }
        record.observed = told
        journal.applications[record.application] = record
        report(record.application, &actions)
    }

    // MARK: - Failure and going back

    mutating func fail(
        _ name: ApplicationName, _ failure: ObservedHealth, _ now: Timestamp, _ actions: inout [AgentAction],
        revertAnyway: Bool = false, isWayBackWritten: Bool = false
    ) {
        guard var record = journal.applications[name], let assignment = record.assignment, let work = record.work else {
            return
        }
        if !record.isApplied, work.release != nil {
            activities[name] = .idle
            actions.append(.giveUp(work))
        } else {
            stopWork(of: name, record, &actions)
        }
        record.healthySince = nil
        record.blindSince = nil
        record.pausedSince = nil
        record.transientFailures = 0
        if case .forward = work.kind, assignment.settings.selfRollback || revertAnyway, let fallback = record.fallback {
            record.phase = .reverting
            record.failure = failure
            record.heldUp = nil
            record.observed = ObservedHealth(.progressing, reason: failure.reason, message: failure.message)
            record.work = AgentWork(
                application: name, generation: assignment.generation, kind: .revert(fallback))
            record.isApplied = false
            record.deadline = now + assignment.settings.progressDeadline
            journal.applications[name] = record
            activities[name] = .awaitingContent(.apply)
            let why =
                "\(failure.reason ?? "failed"): \(failure.message ?? "no message"); going back to \(fallback.version)"
            note("reverting", record, why, &actions)
            actions.append(.fetch(fallback.digest))
        } else {
            var told = failure
            if case .revert(let release) = work.kind, let first = record.failure {
                // Each begins with its culprit: neither may take the room of the other's.
                let why = (first.message ?? "failed").shortened(to: 460)
                let second = (failure.message ?? failure.reason ?? "failed").shortened(to: 460)
                told = ObservedHealth(
                    .failed, reason: first.reason,
                    message: "\(why); going back to \(release.version) failed too: \(second)")
            }
            record.phase = .failed
            record.isWayBackWritten = isWayBackWritten ? true : nil
            record.observed = told
            // Once a way back arrives after all, why it set out is what there is to know.
            if !work.isReturn || record.failure == nil { record.failure = told }
            record.deadline = nil
            journal.applications[name] = record
            // What was applied stays watched, so that the coordinator hears how it goes on.
            if record.isApplied, work.release != nil {
                activities[name] = .watching
                actions.append(.watch(work, assignment.settings.drift))
            } else {
                switch work.kind {
                case .revert, .remove: tryAgainLater(record, now, &actions)
                case .forward: activities[name] = .idle
                }
            }
            note("failed", record, "\(told.reason ?? "failed"): \(told.message ?? "no message")", &actions)
        }
        report(name, &actions)
    }

    /// A way back or a removal that could not be carried out is carried out again, as seldom as anything is: there is nowhere else to
    /// go, and what held it up may have gone. It heals like what failed and stayed applied.
    private mutating func tryAgainLater(_ record: AgentRecord, _ now: Timestamp, _ actions: inout [AgentAction]) {
        activities[record.application] = .retrying(until: now + rules.retryDelayLimit)
        let what = record.work?.release == nil ? "the removal" : "the way back"
        note("retrying", record, "in \(rules.retryDelayLimit): \(what) failed", &actions)
    }

    /// Stops what the application has under way on the cluster, if anything.
    mutating func stopWork(of name: ApplicationName, _ record: AgentRecord, _ actions: inout [AgentAction]) {
        guard let work = record.work else { return }
        switch activities[name] {
        case .working, .watching: actions.append(.cancel(work))
        case .awaitingContent, .retrying, .idle, nil: break
        }
        activities[name] = .idle
    }

    // MARK: - What follows from time and state

    /// Begins whatever may begin now, and judges deadlines; the one place that does.
    mutating func settle(_ now: Timestamp, _ actions: inout [AgentAction]) {
        for name in journal.applications.keys.sorted() {
            judge(name, now, &actions)
            begin(name, now, &actions)
        }
    }

    private mutating func judge(_ name: ApplicationName, _ now: Timestamp, _ actions: inout [AgentAction]) {
        guard var record = journal.applications[name], let settings = record.assignment?.settings else { return }
        if let since = record.healthySince {
            let isEarned = now >= since + settings.minHealthyTime
            switch record.work?.kind {
            case .forward(let release)? where isProving(record) && isEarned: return prove(release, &record, &actions)
            case .revert(let release)? where record.phase == .reverting || (isProving(record) && isEarned):
                record.phase = .reverted
                record.provenGeneration = record.work?.generation
                record.deadline = nil
                journal.applications[name] = record
                note("reverted", record, "release \(release.version) is healthy again", &actions)
                report(name, &actions)
                return
            case .forward, .revert, .remove, nil: break
            }
        }
        let isAway = journal.awaySince.map { now >= $0 + rules.awayGrace } ?? false
        if isAway, record.isUnfinished, settings.whenDisconnected == .revert, record.fallback != nil,
            record.work?.release != nil
        {
            let why = ObservedHealth(
                .failed, reason: "CoordinatorUnreachable",
                message: "the coordinator has been out of reach for over \(rules.awayGrace)")
            return fail(name, why, now, &actions, revertAnyway: true)
        }
        // A stretch of health that has begun may last its time out, even past the deadline.
        guard let judgement = judgement(of: record), now >= judgement, record.healthySince == nil, !isHeld(record, now)
        else { return }
        // On the way back what is told is why it goes back, which is no answer to why it does not arrive.
        let seen = record.phase == .reverting && !record.isApplied ? record.heldUp : record.observed
        let isRemoval = record.work?.kind == .remove
        let last = seen?.message ?? seen?.reason ?? (isRemoval ? "it is under way" : "no health was observed")
        let missed = ObservedHealth(
            .failed, reason: seen?.reason ?? "ProgressDeadlineExceeded",
            message: "not \(isRemoval ? "gone" : "healthy") within \(settings.progressDeadline): \(last)")
        // What was seen of it while it was waited for is health, unless the server would not take it.
        let isWritten = record.phase == .reverting && record.heldUp != nil && record.transientFailures == 0
        fail(name, missed, now, &actions, isWayBackWritten: isWritten)
        begin(name, now, &actions)
    }

    /// Whether a stretch of health says something new: what failed and stayed applied may heal by itself.
    func isProving(_ record: AgentRecord) -> Bool {
        record.phase == .verifying || (record.phase == .failed && record.isApplied)
    }

    private mutating func prove(
        _ release: ReleaseReference, _ record: inout AgentRecord, _ actions: inout [AgentAction]
    ) {
        let name = record.application
        record.phase = .healthy
        record.deadline = nil
        record.failure = nil
        record.worstUnacknowledged = nil
        record.proven.removeAll { $0.digest == release.digest }
        record.proven.insert(release, at: 0)
        record.proven = Array(record.proven.prefix(rules.provenLimit))
        record.provenGeneration = record.work?.generation
        journal.applications[name] = record
        let lasted = record.assignment?.settings.minHealthyTime ?? .zero
        note("healthy", record, "release \(release.version) has been healthy for \(lasted)", &actions)
        report(name, &actions)
    }

    private mutating func begin(_ name: ApplicationName, _ now: Timestamp, _ actions: inout [AgentAction]) {
        guard var record = journal.applications[name], let work = record.work else { return }
        if let digest = work.release?.digest, !present.contains(digest) {
            // Nobody else gives it up: it is asked for again, as seldom as it would be tried.
            if case .retrying(let until) = activities[name], now >= until, record.phase == .failed {
                actions.append(.fetch(digest))
                tryAgainLater(record, now, &actions)
            }
            return
        }
        switch activities[name] {
        case .awaitingContent(.watch):
            activities[name] = .watching
            actions.append(.watch(work, record.assignment?.settings.drift ?? .correct))
        case .awaitingContent(.apply):
            carryOut(work, &record, now, &actions)
        case .retrying(let until) where now >= until:
            carryOut(work, &record, now, &actions)
        case .retrying, .working, .watching, .idle, nil: break
        }
    }

    private mutating func carryOut(
        _ work: AgentWork, _ record: inout AgentRecord, _ now: Timestamp, _ actions: inout [AgentAction]
    ) {
        let name = work.application
        guard !isHeld(record, now) else { return }
        activities[name] = .working
        if record.phase == .accepted {
            record.phase = .applying
            record.deadline = record.assignment.map { now + $0.settings.progressDeadline }
            journal.applications[name] = record
            report(name, &actions)
            note("applying", record, work.release.map { "release \($0.version)" } ?? "removal", &actions)
        }
        actions.append(work.release == nil ? .remove(work) : .apply(work))
    }

    // MARK: - Without the coordinator

    /// Whether an unfinished release must wait for the coordinator to come back.
    func isHeld(_ record: AgentRecord, _ now: Timestamp) -> Bool {
        guard let awaySince = journal.awaySince, now >= awaySince + rules.awayGrace else { return false }
        return holdsWhileAway(record)
    }

    /// Whether it waits once the coordinator has been away for the grace time.
    private func holdsWhileAway(_ record: AgentRecord) -> Bool {
        guard journal.awaySince != nil, record.isUnfinished, let settings = record.assignment?.settings else {
            return false
        }
        switch settings.whenDisconnected {
        case .finish: return false
        case .hold: return true
        case .revert: return record.fallback == nil || record.work?.release == nil
        }
    }
}
