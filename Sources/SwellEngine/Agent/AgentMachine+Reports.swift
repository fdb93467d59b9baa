internal import SwellModel

/// Reports: the latest stands while it is unacknowledged, and keeps the worst that was seen in the meantime.
extension AgentMachine {
    mutating func report(_ name: ApplicationName, _ actions: inout [AgentAction]) {
        guard var record = journal.applications[name], record.assignment != nil else { return }
        var next = record.currentReport
        // Another generation, digest or phase is another concern: how the former one went says nothing of it.
        let isSameConcern =
            record.outgoing.map { standing in
                standing.report.generation == next.generation && standing.report.digest == next.digest
                    && standing.report.phase == next.phase
            } ?? false
        if !isSameConcern { record.worstUnacknowledged = nil }
        if next.health < .progressing, record.worstUnacknowledged.map({ next.health < $0.health }) ?? true {
            record.worstUnacknowledged = ObservedHealth(next.health, reason: next.reason, message: next.message)
        }
        if let worst = record.worstUnacknowledged, worst.health < next.health {
            next.health = worst.health
            next.reason = worst.reason
            next.message = worst.message
        }
        if let standing = record.outgoing?.report, standing == next {
            journal.applications[name] = record
            return
        }
        record.reportSequence += 1
        let outgoing = OutgoingReport(sequence: record.reportSequence, report: next)
        record.outgoing = outgoing
        journal.applications[name] = record
        // Several changes in one step leave one report: the last.
        actions.removeAll { action in
            if case .report(let earlier) = action { return earlier.report.application == name }
            return false
        }
        actions.append(.report(outgoing))
    }

    func note(_ what: String, _ record: AgentRecord, _ why: String, _ actions: inout [AgentAction]) {
        let generation = record.assignment?.generation ?? record.highestGeneration
        actions.append(
            .note(AgentNote(what: what, application: record.application, generation: generation, why: why)))
    }

    func note(_ what: String, _ assignment: Assignment, _ why: String, _ actions: inout [AgentAction]) {
        actions.append(
            .note(
                AgentNote(
                    what: what, application: assignment.application, generation: assignment.generation, why: why)))
    }
}
