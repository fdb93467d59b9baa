internal import SwellEngine
internal import SwellModel

/// What the checker knows to be committed. It goes back with the database.
struct Ledger {
    /// What was ingested of what agents said.
    var ingested = IngestLog()
    /// The last lease granted on each rollout.
    var leases: [RolloutName: Lease] = [:]
    var highestAssigned: [ClusterApplication: Int64] = [:]
    /// Where the last assignment is a removal, its generation.
    var removals: [ClusterApplication: Int64] = [:]
    /// The highest epoch that was assigned in each place.
    var highestEpoch: [ClusterApplication: Int64] = [:]
    /// Commands that were answered.
    var consumed: Set<Int64> = []
    /// The rollouts that have not ended. One that another takes the place of holds no cluster any more.
    var active: [RolloutName: ActiveRollout] = [:]
    /// What was proven in each place, the latest first.
    var proven: [ClusterApplication: [ReleaseReference]] = [:]

    struct ActiveRollout {
        var application: ApplicationName
        var clusters: Set<ClusterName>
        /// Whether it was ordered to stop, or to take all back.
        var stoppedBy: String?
        /// What was ordered to be taken back, and who was retried after that.
        var takenBack: [RollbackScope] = []
        var retried: Set<ClusterName> = []
        /// What was ordered to be removed where there is nothing to go back to.
        var removed: [RollbackScope] = []
        /// Whom people retried, or left out, whatever was ordered before or since: their failures are forgiven.
        var forgiven: Set<ClusterName> = []
        /// Whom people left behind.
        var leftBehind: Set<ClusterName> = []
        /// Where each cluster would have to go back to, as it was when this rollout first came: never to what the rollout brings.
        var returns: [ClusterName: ReleaseReference] = [:]
        var arrived: Set<ClusterName> = []
        /// Who ran the very release, proven, when this rollout first came, and has not failed it since.
        var unchanged: Set<ClusterName> = []
        /// In which of the checker's decisions each cluster could last not be seen, and last began to count as healthy.
        var darkSince: [ClusterName: Int] = [:]
        var litSince: [ClusterName: Int] = [:]
        /// How many words had been heard when each stage was last agreed to.
        var agreedAt: [StageName: Int] = [:]
        /// How many words had been heard when each cluster last began to count as healthy.
        var healthySince: [ClusterName: Int] = [:]
    }
}
