internal import SwellEngine
internal import SwellModel

/// Mistakes like those that rollout tools have shipped, put between the world and the engine, the store or the agents: the checker must
/// find each under the number of the invariant that it breaks. What ships knows nothing of them.
public enum PlantedBug: String, Sendable, CaseIterable {
    // Put between the world and the engine
    /// Caps are not looked at.
    case ignoresCaps
    /// Stages collapse: what belongs to later ones goes with the first that is open.
    case collapsesStages
    /// The soak is skipped.
    case skipsSoak
    /// The health of the previous release completes a step.
    case takesOldEvidence
    /// The failure budget is not looked at.
    case ignoresBudget
    /// Pauses are not looked at.
    case ignoresPauses
    /// Aborts and rollbacks are acknowledged, and nothing comes of them.
    case forgetsAborts
    /// Assignments are told under generations that were given out.
    case reusesGenerations
    /// Decisions are told under the epoch of a lease that is past.
    case decidesUnderOldEpochs
    /// Commands are obeyed twice.
    case obeysTwice
    /// Clusters that another rollout holds are taken.
    case takesHeldClusters
    /// What is silent counts as there.
    case takesSilenceForFailure
    /// Rolling back one cluster takes back its whole region.
    case rollsBackTooMuch
    /// A rollback goes to a release that was never proven.
    case rollsBackToUnproven
    /// An agent that went back by itself counts as healthy.
    case trustsReverts
    /// Approvals are not asked for.
    case ignoresApprovals
    /// Now and then an audit row is lost.
    case losesTransitions
    /// A cluster that left is dispatched to like any other.
    case keepsLeavers
    /// Joiners are not seen.
    case forgetsJoiners
    // Rules as they were before they were mended
    /// An agent that comes back and has nothing new to say counts as if it had never said anything.
    case forgetsLastWord
    /// A cluster that left is as if it had never been planned: its failure too.
    case forgetsLeavers
    /// What an agent cannot see counts as not healthy.
    case failsUnknown
    /// What soaks counts as seen, whoever is silent.
    case soaksUnseen
    /// The highest epoch that any agent spoke of is everybody's.
    case spreadsEpochs
    /// The highest generation that any agent spoke of is everybody's.
    case spreadsGenerations
    /// What a rollout changed nothing of goes back with the rest.
    case takesBackUnchanged
    /// A region's pause covers clusters where they were planned, not where they are.
    case pausesPlannedRegionsOnly
    /// Time in which nobody decided counts against whoever was at work.
    case countsLostTime
    // Put between the world and the store
    /// A replica judges its lease by its own clock.
    case trustsOwnClock
    /// What was decided is committed without a look at whether it was overtaken.
    case commitsStale
    /// What was decided is committed without a look at the lease.
    case commitsWithoutLease
    /// Agents are told what was decided, though it was not committed.
    case deliversBeforeCommit
    /// What one agent says counts as another's word.
    case mixesUpAgents
    /// Content is given to whoever asks.
    case servesAnybody
    /// Maintenance removes what clusters refer to.
    case forgetsReferences
    // Put between the world and the agents
    /// Assignments reach other agents than those they are for.
    case crossesWires
    /// New assignments reach agents only when they connect.
    case neverPushes
    /// An agent forgets how far generations had come when it restarts.
    case forgetsGenerations
    /// An agent forgets how far epochs had come when it restarts.
    case forgetsEpochs
    /// An agent does its work again each time the assignment is delivered.
    case actsOnEveryDelivery

    /// The number of the invariant that it breaks.
    public var invariant: Int {
        switch self {
        case .ignoresCaps: 1
        case .collapsesStages: 2
        case .skipsSoak: 3
        case .takesOldEvidence: 4
        case .ignoresBudget: 5
        case .ignoresPauses, .pausesPlannedRegionsOnly, .commitsStale: 6
        case .forgetsAborts: 7
        case .reusesGenerations, .forgetsGenerations: 8
        case .decidesUnderOldEpochs, .trustsOwnClock, .commitsWithoutLease, .forgetsEpochs: 9
        case .obeysTwice, .deliversBeforeCommit, .actsOnEveryDelivery: 10
        case .takesHeldClusters: 11
        case .takesSilenceForFailure, .countsLostTime: 12
        case .rollsBackTooMuch, .rollsBackToUnproven, .trustsReverts: 13
        case .ignoresApprovals: 14
        case .mixesUpAgents, .servesAnybody, .crossesWires: 15
        case .losesTransitions: 16
        case .forgetsReferences: 17
        case .keepsLeavers, .forgetsJoiners: 18
        case .neverPushes: 19
        case .forgetsLastWord, .takesBackUnchanged: 20
        case .forgetsLeavers: 21
        case .spreadsEpochs, .spreadsGenerations: 22
        case .failsUnknown, .soaksUnseen: 23
        }
    }
}
