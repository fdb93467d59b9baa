internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Draws operations from a seed, over few names, so that they meet each other. It looks at the model's state to draw what is likely
/// to matter: reports on what is assigned, orders to what is under way.
struct OperationGenerator {
    private var random: SplitMix
    private var rolloutCount = 0

    static let applications: [ApplicationName] = ["shop", "pay"]
    static let clusters: [ClusterName] = ["east-1", "east-2", "west-1", "west-2"]
    static let regions: [RegionName] = ["us-east-1", "us-west-1"]
    static let versions = ["1.0", "2.0", "3.0"]
    static let holders = ["a", "b"]
    static let serials = ["s1", "s2", "s3", "s4", "s5", "s6"]

    init(seed: UInt64) { random = SplitMix(seed: seed) }

    /// The next operation, with the model as it stands.
    mutating func next(_ model: MemoryState) -> StoreOperation {
        switch number(100) {
        case 0..<7: .timePasses(.milliseconds(pick([1, 500, 3_000, 6_000, 20_000])))
        case 7..<14: fleetChange(model.now)
        case 14..<18: release(model.now)
        case 18..<25: rollout(model)
        case 25..<33: order(model)
        case 33..<52: decision(model)
        case 52..<66: agentWords(model)
        case 66..<74: lease()
        case 74..<79: token(model.now)
        case 79..<80:
            .maintain(
                Retention(audit: .hours(24 * 400), releases: number(3), rollouts: number(2), rolloutAge: .zero))
        default: reading()
        }
    }

    private mutating func number(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
    private mutating func pick<Value>(_ list: [Value]) -> Value { list[number(list.count)] }
    private mutating func some<Value>(_ list: [Value], outOf share: Int = 2) -> [Value] {
        list.filter { _ in number(share) == 0 }
    }
    private mutating func chance(_ outOf: Int) -> Bool { number(outOf) == 0 }

    private mutating func cluster() -> ClusterName { chance(20) ? "nowhere" : pick(Self.clusters) }
    private mutating func application() -> ApplicationName {
        chance(20) ? "nothing" : pick(["shop", "shop", "shop", "pay"])
    }
    private mutating func rolloutName() -> RolloutName {
        RolloutName(stringLiteral: "r\(max(0, rolloutCount - number(4)))")
    }
    private mutating func lease(of rollout: RolloutName) -> LeaseHandle {
        LeaseHandle(name: "rollout/\(rollout)", holder: chance(5) ? "b" : "a")
    }

    private mutating func fleetChange(_ now: Timestamp) -> StoreOperation {
        switch number(8) {
        case 0..<3:
            var documents = FleetDocuments(
                clusters: some(Self.clusters).map { name in
                    Cluster(
                        name: name,
                        region: chance(6) ? pick(Self.regions) : Self.regions[name.rawValue.hasPrefix("east") ? 0 : 1],
                        environment: "production", labels: chance(3) ? ["tier": pick(["gold", "iron"])] : [:])
                },
                applications: some(Self.applications).map { name in
                    Application(
                        name: name, namespace: "shop",
                        select: ClusterSelector(regions: chance(4) ? [pick(Self.regions)] : []))
                },
                policies: chance(3) ? [Fixtures.policy] : [])
            if chance(15) { documents.clusters += documents.clusters }
            return .apply(documents)
        case 3: return .removeCluster(cluster())
        case 4: return .pauseRegion(pick(Self.regions), chance(2) ? Pause(by: "ann", at: now, reason: "late") : nil)
        case 5: return .pauseCluster(cluster(), chance(2) ? Pause(by: "ann", at: now) : nil)
        default: return .limitFleet(pick([nil, nil, 0, 1, 2, 3]))
        }
    }

    private mutating func release(_ now: Timestamp) -> StoreOperation {
        let version = pick(Self.versions)
        var release = Fixtures.release(version, of: application())
        release.createdAt = now
        if chance(4) { release.message = "hello" }
        if chance(8) { release.reference.digest = Fixtures.reference(pick(Self.versions)).digest }
        if chance(20) { release.reference.version = "" }
        return .createRelease(
            release, chance(10) ? Array(Fixtures.documents(version).dropFirst()) : Fixtures.documents(version))
    }

    private mutating func rollout(_ model: MemoryState) -> StoreOperation {
        if !chance(6) { rolloutCount += 1 }
        let name = RolloutName(stringLiteral: "r\(rolloutCount)")
        let version = pick(Self.versions)
        let active = model.rolloutSummaries(of: nil, limit: 10).filter { !$0.phase.isEnded }.map(\.name)
        var superseding = chance(2) ? active : []
        if chance(15) { superseding.append("r999") }
        if chance(10) { superseding += superseding }
        // Some are planned, as the console does it; some are made up, as only the store's own checks would stop them.
        let application = application()
        let stages = [
            PolicyStage(
                name: "one", select: ClusterSelector(regions: [Self.regions[0]]), maxConcurrent: .count(1),
                soak: .seconds(5)),
            PolicyStage(
                name: "two", select: ClusterSelector(regions: [Self.regions[1]]), failureBudget: .count(number(2))),
        ]
        let policy = RolloutPolicy(
            name: "waves", stages: stages, minHealthyTime: .seconds(1), progressDeadline: .seconds(30),
            unreachableAfter: .seconds(15),
            onFailure: FailurePolicy(action: pick([.rollback, .pause, .continue]), scope: .rollout))
        if let snapshot = try? model.snapshot(for: application),
            let plan = try? RolloutPlanner.plan(
                PlanRequest(
                    name: name, application: application, release: Fixtures.reference(version), policy: policy,
                    strategy: ApplicationStrategy(), createdBy: "ann"), snapshot: snapshot, now: model.now),
            !chance(4)
        {
            return .createRollout(plan, superseding: superseding)
        }
        var made = Fixtures.rollout(
            name, version: version, application: application, clusters: some(Self.clusters))
        if chance(10) { made.phase = .aborted }
        return .createRollout(made, superseding: superseding)
    }

    private mutating func order(_ model: MemoryState) -> StoreOperation {
        let name = rolloutName()
        let stage = model.rollout(name)?.stages.first?.name ?? "all"
        let commands: [RolloutCommand] = [
            .pause(.rollout, reason: "wait"), .resume(.rollout), .pause(.region(pick(Self.regions)), reason: nil),
            .resume(.region(pick(Self.regions))), .pause(.cluster(cluster()), reason: nil), .abort(reason: nil),
            .retry(clusters: []), .rollback(.cluster(cluster()), reason: "bad"), .rollback(.rollout, reason: nil),
            .promote(stage: stage), .approve(stage: stage, digest: Fixtures.reference("1.0").digest),
        ]
        return .submit(pick(commands), to: name)
    }

    private mutating func decision(_ model: MemoryState) -> StoreOperation {
        let name = model.dueRollouts(limit: 4).randomElement(using: &random) ?? rolloutName()
        let handle = lease(of: name)
        if chance(3) { return .acquireLease(handle, .seconds(pick([1, 5, 60]))) }
        return .decide(name, under: handle, chance(8) ? pick(DecisionKind.allCases) : .engine)
    }

    private mutating func agentWords(_ model: MemoryState) -> StoreOperation {
        switch number(12) {
        case 0: return .touch(some(Self.clusters))
        case 1: return .noteConnection(cluster(), replica: pick(Self.holders), isConnected: !chance(3))
        case 2: return .dropConnections(replica: pick(Self.holders))
        case 3: return .readStrays(limit: 1 + number(4))
        case 4: return .reissueOrphans(under: LeaseHandle(name: "strays", holder: pick(Self.holders)))
        default: return .ingest((0...number(4)).map { _ in report(model) })
        }
    }

    private mutating func report(_ model: MemoryState) -> ReceivedReport {
        let name = cluster()
        let assignment = model.assignments(of: name).randomElement(using: &random)
        let phase = pick([AgentPhase.verifying, .healthy, .healthy, .healthy] + AgentPhase.allCases)
        let isAhead = chance(12)
        return ReceivedReport(
            cluster: name,
            report: ApplicationReport(
                application: assignment?.application ?? application(),
                generation: max(0, (assignment?.generation ?? Int64(number(3))) + (isAhead ? Int64(number(3)) - 1 : 0)),
                digest: chance(8) ? Fixtures.reference(pick(Self.versions)).digest : assignment?.digest,
                epoch: (assignment?.epoch ?? 0) + (chance(20) ? 1 : 0), phase: phase,
                health: phase == .healthy ? .healthy : pick(Health.allCases),
                message: chance(6) ? "said so" : nil, proven: chance(3) ? assignment?.digest : nil))
    }

    private mutating func lease() -> StoreOperation {
        let handle = chance(4) ? LeaseHandle(name: "strays", holder: pick(Self.holders)) : lease(of: rolloutName())
        switch number(10) {
        case 0..<5: return .acquireLease(handle, .seconds(pick([0, 1, 5, 60])))
        case 5, 6: return .renewLeases(holder: pick(Self.holders), .seconds(pick([1, 30])))
        case 7: return .releaseLease(handle)
        default: return .releaseLeases(holder: pick(Self.holders))
        }
    }

    private mutating func token(_ now: Timestamp) -> StoreOperation {
        let hash = pick(["h1", "h2", "h3"])
        let end = now + .seconds(pick([0, 2, 600]))
        let serial = pick(Self.serials)
        let cluster = cluster()
        switch number(16) {
        case 0...2: return .createToken(hash: hash, cluster, end)
        case 3...5: return .spendToken(hash: hash, serial: serial, end)
        case 6: return .revokeToken(hash)
        case 7, 8: return .renewCertificate(serial: serial, cluster, former: pick(Self.serials), end)
        case 9, 10: return .useCertificate(serial: serial, cluster)
        case 11: return .readmitCertificate(serial: serial, cluster, end)
        case 12: return .openReadmission(chance(2) ? nil : [cluster], end)
        case 13: return .revokeCertificates(cluster, serial: chance(2) ? serial : nil)
        case 14: return .noteClusterUID(pick(["u1", "u2"]), cluster)
        default: return .readTrust(Self.serials, Self.clusters)
        }
    }

    private mutating func reading() -> StoreOperation {
        let filter = EventFilter(
            rollout: chance(4) ? rolloutName() : nil, application: chance(4) ? application() : nil,
            cluster: chance(4) ? cluster() : nil, region: chance(4) ? pick(Self.regions) : nil)
        let limit = pick([0, 1, 3, 100])
        switch number(16) {
        case 0: return .readFleet
        case 1: return .readReleases(application(), limit: limit)
        case 2: return .readDocument(Fixtures.documents(pick(Self.versions))[number(3)].digest)
        case 3, 4: return .readSurroundings(application())
        case 5: return .readRollout(rolloutName())
        case 6: return .readRollouts(chance(2) ? application() : nil, limit: limit)
        case 7, 8: return .readDue(limit: limit)
        case 9: return .readVerdict(place: number(30))
        case 10: return .readAssignments(cluster())
        case 11: return .readChanges(place: number(1_000))
        case 12: return .readStatuses(chance(2) ? application() : nil)
        case 13: return .readRight(Fixtures.documents(pick(Self.versions))[number(3)].digest, cluster())
        case 14:
            return chance(2)
                ? .readEvents(place: number(1_000), filter, limit: limit) : .readLatestEvents(filter, limit: limit)
        default: return .readTransitions(rolloutName())
        }
    }
}

/// A small generator that gives the same numbers for the same seed everywhere.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
