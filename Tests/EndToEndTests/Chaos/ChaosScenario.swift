internal import Foundation
internal import NetworkTesting
internal import PostgresTesting
internal import Testing

/// Everything at once: rollouts over two regions of two clusters under two replicas, an operator who changes their mind, and
/// faults of every kind in five lanes side by side; then the judgement.
///
/// `SWELL_CHAOS_SEED` and `SWELL_CHAOS_SECONDS` choose what is played and for how long, and `SWELL_CHAOS_KINDS` (names with commas
/// between them) narrows the faults to some kinds. Threads and sockets have their own will, so a
/// seed repeats the faults, not every interleaving.
@Suite(.serialized) struct ChaosScenario {
    private static let environment = ProcessInfo.processInfo.environment

    @Test func aFleetSurvivesFaultsOfEveryKind() async throws {
        let seed = Self.environment["SWELL_CHAOS_SEED"].flatMap(UInt64.init) ?? .random(in: 0..<1_000_000)
        let seconds = Self.environment["SWELL_CHAOS_SECONDS"].flatMap(Int.init) ?? 35
        print("chaos: SWELL_CHAOS_SEED=\(seed) SWELL_CHAOS_SECONDS=\(seconds)")
        var shape = Fleet.Shape(
            regions: ["us-east-1": ["use1-a", "use1-b"], "us-west-1": ["usw1-a", "usw1-b"]], isLinked: true)
        shape.driftInterval = "5s"
        if PostgresServer.canLimitDisk { shape.diskSize = 256 }
        try await withFleet(shape) { fleet in
            try await fleet.startCoordinator("b")
            try await fleet.apply(
                Documents.applicationAndPolicy(
                    canary: "us-east-1", waves: ["us-west-1"], soak: "1s", deadline: "15s"))
            let summary = try await play(fleet, seed: seed, for: .seconds(seconds))
            print("chaos: seed \(seed), \(seconds) s: \(summary)")
        }
    }

    private func play(_ fleet: Fleet, seed: UInt64, for length: Duration) async throws -> String {
        let player = FaultPlayer(fleet: fleet, tally: FaultPlayer.Tally())
        let operating = ChaosOperator(fleet: fleet, complaints: ChaosOperator.Complaints())
        let generations = GenerationWatch()
        let kinds = Self.playable(fleet.shape)
        return try await withThrowingTaskGroup(of: Void.self) { watching in
            watching.addTask { try await generations.run(fleet) }
            let end = ContinuousClock.now + length
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in FaultKind.Lane.allCases {
                    let faults = Fault.sequence(lane, kinds.filter { $0.lane == lane }, seed: seed)
                    group.addTask { try await player.play(faults, until: end) }
                }
                group.addTask { try await operating.run(seed: seed, until: end) }
                try await group.waitForAll()
            }
            try await mend(fleet)
            try await operating.liftPauses()
            let verdict = try await judge(fleet, generations: generations)
            watching.cancelAll()
            let complaints = await operating.complaints.list
            #expect(complaints.isEmpty, "refusals that do not say what is wrong: \(complaints)")
            return "faults: \(await player.tally.summary); \(verdict)"
        }
    }

    /// What can be played here; what cannot is told.
    private static func playable(_ shape: Fleet.Shape) -> [FaultKind] {
        let chosen = environment["SWELL_CHAOS_KINDS"]?.split(separator: ",").map(String.init)
        return FaultKind.allCases.filter { kind in
            if let chosen, !chosen.contains(kind.rawValue) { return false }
            switch kind {
            case .databaseDiskFull where shape.diskSize == nil:
                print("chaos: no full disks, since mounting one takes root")
                return false
            case .agentClockWrong, .coordinatorClockWrong:
                guard ClockShift.library == nil else { return true }
                print("chaos: no wrong clocks, since no C compiler is there to build the clock's shim")
                return false
            default: return true
            }
        }
    }

    /// Starts what is down and right what is wrong; after it nothing fails any more.
    private func mend(_ fleet: Fleet) async throws {
        for link in await fleet.links.values { link.set(.clear) }
        for replica in await fleet.replicas {
            let hasEnded = await fleet.coordinators[replica]?.exitCode() != nil
            #expect(!hasEnded, "coordinator \(replica) ended by itself")
        }
        for cluster in await fleet.clusters {
            let hasEnded = await fleet.agents[cluster]?.exitCode() != nil
            #expect(!hasEnded, "agent \(cluster) ended by itself")
            // Clusters may have been rebuilt since: whoever rebuilds one gives its agent the new kubeconfig.
            try await fleet.killAgent(cluster)
            try await fleet.startAgent(cluster)
        }
        for replica in await fleet.replicas { try await fleet.awaitCoordinator(replica, within: .seconds(60)) }
        try await fleet.awaitAgents(within: .seconds(60))
    }
}
