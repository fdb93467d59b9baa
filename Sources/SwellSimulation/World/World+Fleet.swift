internal import SwellEngine
internal import SwellModel
internal import SwellStore

// The fleet and its documents: how they begin, change, and are left in peace in the end.
extension World {
    static let regions: [RegionName] = ["us-east-1", "us-west-1", "eu-central-1", "ap-south-1"]
    static let applicationNames: [ApplicationName] = [
        "shop", "search", "mail", "maps", "media", "money", "music", "news",
    ]

    static func name(_ index: Int) -> ClusterName {
        let text = String(index + 1)
        return ClusterName(stringLiteral: "c" + String(repeating: "0", count: max(0, 3 - text.count)) + text)
    }

    mutating func populate() {
        let clusters = (0..<settings.fleet).map { index -> Cluster in
            let region = index < 4 ? Self.regions[index] : random.pick(Self.regions)
            return Cluster(name: Self.name(index), region: region, environment: "production")
        }
        clusterCount = settings.fleet
        let applications = Self.applicationNames.prefix(settings.applications).map { name in
            Application(name: name, namespace: name.rawValue, strategy: strategy())
        }
        apply(FleetDocuments(clusters: clusters, applications: applications))
        for cluster in clusters { add(cluster) }
        for index in replicas.indices { schedule(.replicaTick(index), in: .milliseconds(Int64(index) * 300 + 100)) }
        for application in applications { schedule(.newRollout(application.name), in: seconds(2...10)) }
    }

    mutating func strategy() -> ApplicationStrategy {
        ApplicationStrategy(
            selfRollback: random.chance(500), whenDisconnected: random.pick(DisconnectedBehaviour.allCases),
            drift: random.pick([.correct, .report]), whenNeverHealthy: random.pick(NeverHealthyBehaviour.allCases))
    }

    mutating func apply(_ documents: FleetDocuments) {
        // Documents made here are valid; a store that refused them would leave an empty fleet, which the checks notice.
        _ = try? database.apply(documents, by: "operator")
    }

    mutating func add(_ cluster: Cluster) {
        agents.append(SimulatedAgent(cluster: cluster, at: now))
        schedule(.agentStarts(agents.count - 1), in: .milliseconds(random.number(0...2_000)))
    }

    // MARK: Changes

    mutating func changeMembership() throws(Violation) {
        again(.membershipChanges, in: 60...240)
        guard !isStoreAway else { return }
        coverage.met(.membership)
        let members = agents.indices.filter { agents[$0].isMember && !agents[$0].isClone }
        if members.count > 3, random.chance(500) {
            let agent = random.pick(members)
            agents[agent].isMember = false
            _ = try? database.removeCluster(agents[agent].cluster.name, by: "operator")
            if let session = agents[agent].session { schedule(.breakSession(agent, session), in: .milliseconds(10)) }
        } else if let agent = random.pickAny(agents.indices.filter { !agents[$0].isMember && !agents[$0].isClone }),
            random.chance(500)
        {
            agents[agent].isMember = true
            apply(FleetDocuments(clusters: [agents[agent].cluster]))
        } else {
            let cluster = Cluster(
                name: Self.name(clusterCount), region: random.pick(Self.regions), environment: "production")
            clusterCount += 1
            apply(FleetDocuments(clusters: [cluster]))
            add(cluster)
            // Somebody brings it level at once, by a rollout to it alone.
            if random.chance(300) {
                try startRollout(of: random.pick(releases.keys.sorted() + ["shop"]), to: [cluster.name])
            }
        }
    }

    /// Somebody changes documents that are in use: rollouts under way go on as they were planned.
    mutating func changeDocuments() {
        again(.documentsChange, in: 30...300)
        guard !isStoreAway else { return }
        coverage.met(.editing)
        switch random.number(0...3) {
        case 0:
            guard var application = random.pickAny(database.allApplications()) else { return }
            application.strategy = strategy()
            apply(FleetDocuments(applications: [application]))
        case 1:
            guard var application = random.pickAny(database.allApplications()) else { return }
            application.select.regions = random.chance(500) ? [] : Self.regions.filter { _ in random.chance(700) }
            apply(FleetDocuments(applications: [application]))
        case 2:
            guard let application = random.pickAny(database.allApplications()) else { return }
            apply(FleetDocuments(policies: [policy(for: application)]))
        default:
            guard let agent = random.pickAny(agents.indices.filter { agents[$0].isMember }) else { return }
            var cluster = agents[agent].cluster
            cluster.region = random.pick(Self.regions)
            cluster.labels["tier"] = random.chance(500) ? "gold" : nil
            for index in agents.indices where agents[index].cluster.name == cluster.name {
                agents[index].cluster = cluster
            }
            apply(FleetDocuments(clusters: [cluster]))
        }
    }

    // MARK: The calm

    /// Faults stop: everybody is back, connected, on time and left alone.
    mutating func becomeCalm() throws(Violation) {
        isCalm = true
        earlier = nil
        storeAwayUntil = now
        // The database's clock keeps what it shows, since setting it right would be one more jump; it drifts no more.
        databaseClock.drift(by: 0, at: now)
        for index in replicas.indices {
            // One that stands still goes on at its time, with what stood in its queues, in order.
            if !replicas[index].isRunning || !replicas[index].isFrozen { wakeReplica(index) }
            replicas[index].clock.setRight()
        }
        for agent in agents.indices where agents[agent].isClone { endClone(agent) }
        for agent in agents.indices where !agents[agent].isClone {
            agents[agent].isAway = false
            agents[agent].cut = nil
            agents[agent].clock.setRight()
            agents[agent].blindUntil = now
            // Who has lied, or for whom another has spoken, is connected again, so that it says how things are.
            if blame.doubts(agents[agent].cluster.name), let session = agents[agent].session {
                schedule(.breakSession(agent, session), in: .seconds(40))
            }
            if !agents[agent].isRunning { try start(agent) }
            schedule(.connect(agent), in: seconds(0...5))
            // A failover may have taken a cluster's joining or leaving back; the documents are applied again.
            if agents[agent].isMember {
                apply(FleetDocuments(clusters: [agents[agent].cluster]))
            } else {
                _ = try? database.removeCluster(agents[agent].cluster.name, by: "operator")
            }
        }
        _ = try? database.setFleetLimit(nil, by: "operator")
        schedule(.settled, in: .minutes(2))
    }

    /// Three looks a minute apart at which all is as it must be in the end are the end.
    mutating func lookWhetherSettled() {
        do {
            try checkLiveness()
            settledLooks += 1
        } catch {
            settledLooks = 0
        }
        schedule(.settled, in: .minutes(1))
    }
}
