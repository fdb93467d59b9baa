internal import SwellEngine
internal import SwellModel
internal import SwellStore

// What befalls the coordinator's replicas, the database and the clocks.
extension World {
    // MARK: Replicas

    mutating func crashReplica() {
        let index = random.pick(Array(replicas.indices))
        if replicas[index].isRunning {
            coverage.met(.replicaCrash)
            replicas[index].isRunning = false
            loseSessions(of: index)
            schedule(.replicaBack(index), in: seconds(1...40))
        }
        again(.replicaCrash, in: 60...300)
    }

    mutating func freezeReplica() {
        let index = random.pick(Array(replicas.indices))
        if replicas[index].isRunning, !replicas[index].isFrozen {
            coverage.met(.replicaFreeze)
            replicas[index].isFrozen = true
            replicas[index].frozenUntil = now + seconds(5...30)
            let leases = replicas[index].memory.leases.leases.map { ($0.name, $0) }
            replicas[index].memory.stale = Dictionary(leases) { first, _ in first }
            schedule(.replicaBack(index), at: replicas[index].frozenUntil)
        }
        again(.replicaFreeze, in: 60...300)
    }

    mutating func wakeReplica(_ index: Int) {
        if !replicas[index].isRunning {
            replicas[index].boot += 1
            replicas[index].isRunning = true
            replicas[index].memory = SimulatedReplica.Memory()
        }
        replicas[index].isFrozen = false
    }

    private mutating func loseSessions(of index: Int) {
        for agent in agents.indices where agents[agent].replica == index {
            guard let session = agents[agent].session else { continue }
            schedule(.breakSession(agent, session), in: seconds(0...5))
        }
    }

    // MARK: Database

    mutating func takeSnapshot() {
        earlier = (database, checker.ledger)
        schedule(.databaseFailover, in: seconds(1...40))
    }

    /// The database goes on from an earlier state. Nobody tells the replicas; the sessions of each may stand or break.
    mutating func failOver() {
        guard let restored = earlier else { return again(.databaseSnapshot, in: 200...900) }
        coverage.met(.databaseFailover)
        database.goBack(to: restored.database)
        checker.ledger = restored.ledger
        earlier = nil
        // What was done is still remembered in one place: no agent goes back behind what the database has just lost.
        for agent in agents.indices { agents[agent].backup = nil }
        var isStanding = true
        for index in replicas.indices where random.chance(500) {
            loseSessions(of: index)
            isStanding = false
        }
        if isStanding { coverage.survivedFailovers += 1 }
        again(.databaseSnapshot, in: 200...900)
    }

    /// The store answers nothing; what it had is there when it is back.
    mutating func loseStore() {
        coverage.met(.storeAway)
        let length = seconds(20...120)
        storeAwayUntil = now + length
        note("the store is away for \(length)")
        again(.storeGoesAway, in: 200...900)
    }

    var isStoreAway: Bool { now < storeAwayUntil }

    /// Whether a transaction fails: all do while the store is away, and so many in a thousand otherwise.
    mutating func storeFails(_ perMille: UInt64) -> Bool { isStoreAway || happens(.transactionFails, perMille) }

    /// What the coordinator's maintainer does, keeping as little as it may.
    mutating func maintain() throws(Violation) {
        schedule(.maintain, in: seconds(60...180))
        guard !isStoreAway else { return }
        let names = Set(database.clusterRecords().map(\.cluster.name))
        let before = references(of: names)
        _ = database.maintain(Retention(audit: .minutes(5), releases: 1, rollouts: 1, rolloutAge: .zero))
        if settings.plantedBug == .forgetsReferences {
            for list in releases.values { hidden.formUnion(list.dropLast().map(\.digest)) }
        }
        for (cluster, digests) in before {
            for digest in digests where content(digest) == nil {
                throw Violation(
                    invariant: 17, message: "\(digest.short), which \(cluster) refers to, is gone after maintenance")
            }
        }
    }

    /// What is stored under a digest, as whoever asks sees it.
    func content(_ digest: ContentDigest) -> [UInt8]? { hidden.contains(digest) ? nil : database.document(digest) }

    /// What clusters refer to, by their assignments and by the rollouts under way, as far as it is stored.
    private func references(of clusters: Set<ClusterName>) -> [(ClusterName, Set<ContentDigest>)] {
        var references: [ClusterName: Set<ContentDigest>] = [:]
        for cluster in clusters {
            for assignment in database.assignments(of: cluster) {
                references[cluster, default: []].formUnion([assignment.digest, assignment.fallback?.digest].compacted)
            }
        }
        for summary in database.rolloutSummaries(of: nil, limit: 1_000) where !summary.phase.isEnded {
            guard let rollout = database.rollout(summary.name) else { continue }
            for target in rollout.targets.values {
                let list = [rollout.release.digest, target.assigned?.digest, target.previous?.digest].compacted
                references[target.cluster, default: []].formUnion(list)
            }
        }
        return references.sorted { $0.key < $1.key }.map { name, digests in
            (name, digests.filter { database.document($0) != nil })
        }
    }

    // MARK: Clocks

    mutating func jumpClock(_ fault: Fault) {
        coverage.met(fault)
        switch fault {
        case .databaseClock:
            // A standby whose clock is behind takes over, or the clock is set after having been off.
            let furthest: Int64 = random.chance(300) ? 600_000 : 180_000
            let jump = random.chance(500) ? random.number(-15_000 ... -1) : random.number(1...furthest)
            databaseClock.jump(by: .milliseconds(jump))
            databaseClock.drift(by: random.number(-500...500), at: now)
            again(.clockJumps(fault), in: 200...900)
        case .replicaClocks:
            let index = random.pick(Array(replicas.indices))
            replicas[index].clock.jump(by: seconds(-120...120))
            again(.clockJumps(fault), in: 20...300)
        default:
            let agent = random.pick(Array(agents.indices))
            agents[agent].clock.jump(by: random.chance(300) ? seconds(-3_600...3_600) : seconds(-20...20))
            agents[agent].clock.drift(by: random.number(-20_000...20_000), at: now)
            again(.clockJumps(.agentClocks), in: 20...200)
        }
    }
}

extension [ContentDigest?] {
    fileprivate var compacted: [ContentDigest] { compactMap { $0 } }
}
