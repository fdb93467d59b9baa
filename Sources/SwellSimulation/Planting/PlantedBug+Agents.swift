internal import SwellEngine
internal import SwellModel

// Mistakes around an agent's machine.
extension PlantedBug {
    /// The journal that a process starts from.
    func distort(_ journal: AgentJournal) -> AgentJournal {
        var journal = journal
        for name in journal.applications.keys {
            switch self {
            case .forgetsGenerations: journal.applications[name]?.highestGeneration = 0
            case .forgetsEpochs: journal.applications[name]?.highestEpoch = 0
            default: break
            }
        }
        return journal
    }

    /// What is done beyond what the machine decided.
    func work(beyond actions: [AgentAction], after event: AgentEvent, journal: AgentJournal) -> [AgentAction] {
        guard self == .actsOnEveryDelivery, case .assigned(let assignments) = event else { return [] }
        return assignments.compactMap { assignment in
            guard let record = journal.applications[assignment.application], record.isApplied,
                record.assignment == assignment, let work = record.work, work.release != nil
            else { return nil }
            return .apply(work)
        }
    }
}
