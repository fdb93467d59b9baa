internal import NIOCore
internal import NetworkTesting
internal import PostgresTesting

/// Plays faults on a fleet, and mends what it broke.
struct FaultPlayer: Sendable {
    let fleet: Fleet
    let tally: Tally

    /// Counts what was played, and keeps the story for a failed judgement.
    actor Tally {
        private(set) var counts: [FaultKind: Int] = [:]

        func note(_ kind: FaultKind) { counts[kind, default: 0] += 1 }

        var summary: String {
            FaultKind.allCases.compactMap { kind in counts[kind].map { "\(kind) \($0)" } }.joined(separator: ", ")
        }
    }

    /// Plays a lane's faults, one after another, until the moment given; the last one is mended by then or soon after.
    func play(_ faults: some Sequence<Fault>, until end: ContinuousClock.Instant) async throws {
        let clock = ContinuousClock()
        for fault in faults {
            guard clock.now + fault.after < end else { return }
            try await clock.sleep(for: fault.after)
            try await play(fault)
            await tally.note(fault.kind)
        }
    }

    private func play(_ fault: Fault) async throws {
        switch fault.kind.lane {
        case .coordinators: try await playOnCoordinator(fault)
        case .agents: try await playOnAgent(fault)
        case .clusters: try await playOnClusters(fault)
        case .database: try await playOnDatabase(fault)
        case .links: try await playOnLink(fault)
        }
    }

    private func playOnCoordinator(_ fault: Fault) async throws {
        let replicas = await fleet.replicas
        let replica = replicas[fault.victim % replicas.count]
        guard let process = await fleet.coordinators[replica] else { return }
        switch fault.kind {
        case .coordinatorFrozen: return try await freeze(process, fault)
        case .coordinatorStopped:
            process.interrupt()
            try await process.ended(within: .seconds(45))
        default: try await fleet.killCoordinator(replica)
        }
        let isWrong = fault.kind == .coordinatorClockWrong
        try await ContinuousClock().sleep(for: isWrong ? .zero : fault.lasting)
        try await fleet.launchCoordinator(replica, clock: isWrong ? fault.clock : nil)
    }

    private func playOnAgent(_ fault: Fault) async throws {
        let clusters = await fleet.clusters
        let cluster = clusters[fault.victim % clusters.count]
        guard let process = await fleet.agents[cluster] else { return }
        switch fault.kind {
        case .agentFrozen: return try await freeze(process, fault)
        case .agentStopped:
            process.interrupt()
            try await process.ended()
        default: try await fleet.killAgent(cluster)
        }
        let isWrong = fault.kind == .agentClockWrong
        try await ContinuousClock().sleep(for: isWrong ? .zero : fault.lasting)
        try await fleet.startAgent(cluster, clock: isWrong ? fault.clock : nil)
    }

    private func playOnClusters(_ fault: Fault) async throws {
        guard let process = await fleet.simulator else { return }
        if fault.kind == .clustersFrozen { return try await freeze(process, fault) }
        try await fleet.killClusters()
        try await fleet.startClusters()
    }

    private func playOnDatabase(_ fault: Fault) async throws {
        let database = fleet.database
        let clock = ContinuousClock()
        switch fault.kind {
        case .databaseFrozen:
            try await database.freeze()
            try await clock.sleep(for: fault.lasting)
            try await database.thaw()
        case .databaseDiskFull:
            try await database.fillDisk(leaving: 0)
            try await clock.sleep(for: fault.lasting)
            try await database.emptyDisk()
            // A server whose log found no room any more ends; whoever looks after it starts it again.
            if try await !database.isRunning { try await database.start() }
        case .databaseRestarted: try await database.restart()
        default:
            try await database.kill()
            try await clock.sleep(for: fault.lasting)
            try await database.start()
        }
    }

    private func playOnLink(_ fault: Fault) async throws {
        let links = await fleet.links.sorted { "\($0.key)" < "\($1.key)" }
        guard !links.isEmpty else { return }
        let link = links[fault.victim % links.count].value
        let weather: NetworkLink.Weather =
            switch fault.kind {
            case .linkCut: .cut
            case .linkReset: .reset
            case .linkDelayed: .delayed(by: .milliseconds(300))
            case .linkBlackHoleOutward: .blackHole([.outward])
            case .linkBlackHoleInward: .blackHole([.inward])
            default: .blackHole([.outward, .inward])
            }
        link.set(weather)
        // A reset is a moment, not a state.
        if fault.kind != .linkReset { try await ContinuousClock().sleep(for: fault.lasting) }
        link.set(.clear)
    }

    private func freeze(_ process: ChildProcess, _ fault: Fault) async throws {
        process.freeze()
        try await ContinuousClock().sleep(for: fault.lasting)
        process.thaw()
    }
}
