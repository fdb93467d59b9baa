internal import SwellSimulation
internal import Testing

/// Worlds in which an invariant once broke, with what they found. They stay, however much the worlds change: the same seed may come
/// to show something else, so what was found is tested by hand too, where it is said.
struct FoundSeed: Sendable {
    var seed: UInt64
    var fleet: Int
    var applications = 2
    var replicas = 2
    var stormyMinutes: Int64 = 20
    var without: Set<Fault> = []
    /// What broke, and where that is tested by hand.
    var found: String

    static let all = [
        FoundSeed(
            seed: 15, fleet: 6,
            found: "19: an agent whose clock was set back left a release verifying till it caught up (AgentClockTests)"),
        FoundSeed(
            seed: 1072, fleet: 7,
            found:
                "11: a rollback and a successor in one decision, refused by the store for ever (SimulatedFindingTests)"),
        FoundSeed(
            seed: 1060, fleet: 7, without: [.replicaClocks, .lying],
            found:
                "19: a stage with tolerated failures waited for an approval that it did not name (SimulatedFindingTests)"
        ),
        FoundSeed(
            seed: 1098, fleet: 7, stormyMinutes: 2, without: [.badRelease, .flapping, .lying, .superseding],
            found: "18: a rollback told a cluster that had just left (SimulatedFindingTests)"),
        FoundSeed(
            seed: 1295, fleet: 7, without: [.lying],
            found:
                "19: a generation given out twice after a failover, its agent going back from the first (SimulatedFindingTests)"
        ),
        FoundSeed(
            seed: 50069, fleet: 4, applications: 1, replicas: 3, stormyMinutes: 12,
            found:
                "19: an agent that refused an assignment said nothing, and its clone's word stood (SimulatedFindingTests)"
        ),
        FoundSeed(
            seed: 100957, fleet: 5, stormyMinutes: 15, without: [.agentCloned],
            found: "11: as 1072, the successor having ended already (SimulatedFindingTests)"),
        FoundSeed(
            seed: 101669, fleet: 5, stormyMinutes: 15, without: [.agentCloned],
            found: "the world took from database and agent at once what both alone remembered; it does so no more"),
        FoundSeed(
            seed: 27, fleet: 6, found: "the checker forgot a good word after a clone's older one"),
        FoundSeed(
            seed: 1000, fleet: 7, found: "the checker remembered bad words that the database had lost"),
        FoundSeed(
            seed: 1_001_106, fleet: 5, stormyMinutes: 15,
            found: "the checker asked a cluster to converge that a rollback holds as it is"),
        FoundSeed(
            seed: 35, fleet: 5,
            without: [
                .sessionBreaks, .messagesLost, .oneWayCuts, .clusterVanishes, .agentCrash, .replicaCrash,
                .replicaFreeze,
                .agentRestored, .agentCloned, .membership, .transactionFails, .outcomeUnknown, .duplicates, .reordering,
            ],
            found: "19: sessions that outlived a failover were not told what was decided next (OutageTests)"),
        FoundSeed(
            seed: 427_775_243_902, fleet: 6, stormyMinutes: 10,
            found: "the checker took a good word said again under a clock set back for an old one"),
        FoundSeed(
            seed: 466, fleet: 5, stormyMinutes: 10,
            found: "13: an undo that ended removed what an absent cluster had nothing to go back from"),
        FoundSeed(
            seed: 581, fleet: 5, stormyMinutes: 10,
            found: "7: a rollout that failed left its release to an absent cluster at its end"),
        FoundSeed(
            seed: 37, fleet: 5, stormyMinutes: 10,
            found: "the second opinion counted what is left to absent clusters at the end under the caps"),
        FoundSeed(
            seed: 50, fleet: 5, stormyMinutes: 10,
            found: "the second opinion forgot a tolerated failure whose region was paused while it was taken back"),
        FoundSeed(
            seed: 62, fleet: 5, stormyMinutes: 10,
            found: "the second opinion held a decision in which a cluster healed and lost its proof again"),
        FoundSeed(
            seed: 101_308_673_282, fleet: 6, stormyMinutes: 10,
            found: "11: who was away at a later start, and came back, was in no rollout until it was dispatched to"),
        FoundSeed(
            seed: 1_002_329_244_511, fleet: 6, stormyMinutes: 10,
            found: "19: who left as its paused rollout was superseded rested for ever (PauseNoticeTests)"),
        FoundSeed(
            seed: 707_846_813_515, fleet: 6, stormyMinutes: 10,
            found: "18: a joiner went beside the last of its stage, which was left behind and taken back at once"),
        FoundSeed(
            seed: 62_321_961_704, fleet: 6, stormyMinutes: 10,
            found: "19: who left as its rollout was superseded was told of its pause at each later look"),
        FoundSeed(
            seed: 288_543_179_823, fleet: 6, stormyMinutes: 10,
            found: "19: what a rollout waits for was told from fewer clusters than it is decided from"),
        FoundSeed(
            seed: 572_122_494_629, fleet: 6, stormyMinutes: 10,
            found: "19: the world told a pause again that had ended, which no stream does"),
        FoundSeed(
            seed: 250_926_569_521, fleet: 6, stormyMinutes: 10,
            found: "19: content that was gone when it was asked for again beside a failed try was waited for for ever"),
        FoundSeed(
            seed: 757_738_264_962, fleet: 6, stormyMinutes: 10,
            found:
                "the checker held a rollout that ended, and had turned to a cluster just before, against its successor"
        ),
        FoundSeed(
            seed: 702_833_906_870, fleet: 6, stormyMinutes: 10,
            found: "the checker wanted a cluster told again that a paused rollout's way back had left as it was"),
        FoundSeed(
            seed: 492_099_583_764, fleet: 6, stormyMinutes: 10,
            found: "the world had no answer for a rollout that was due before the database went back and lost it"),
        FoundSeed(
            seed: 931_019_187_567, fleet: 6, stormyMinutes: 10,
            found: "20: a deadline ran out on an assignment that short breaks kept from its agent (SightTests)"),
        FoundSeed(
            seed: 26_811_256_755, fleet: 6, stormyMinutes: 10,
            found:
                "the checker took a removal for none, since one that lies named what it had removed in the next breath"),
    ]
}

@Suite("Seeds that once broke an invariant")
struct FoundSeedTests {
    @Test("None breaks one again", arguments: FoundSeed.all)
    func holds(seed: FoundSeed) {
        let outcome = Proof.run(
            WorldSettings(
                seed: seed.seed, fleet: seed.fleet, applications: seed.applications, replicas: seed.replicas,
                faults: Set(Fault.allCases).subtracting(seed.without),
                stormyMinutes: seed.stormyMinutes))
        #expect(outcome.violation == nil, "\(seed.found): \(outcome.settings.replayCommand)")
    }
}
