internal import SwellEngine
internal import SwellModel
internal import SwellStore

// The fleet changes at the worst moment: just when one of its clusters was dispatched to, has failed, or soaks.
extension World {
    mutating func temptMembership(_ decision: Decision) {
        guard has(.membershipAtWorst) else { return }
        for row in decision.transitions where row.from != row.to {
            guard case .target(let target) = row.value else { continue }
            let chance: UInt64
            switch target.phase {
            case .failed: chance = 150
            case .rollingBack, .unreachable: chance = 40
            case .dispatched: chance = 8
            case .healthy: chance = 12
            default: continue
            }
            guard random.chance(chance) else { continue }
            let delay = random.chance(500) ? Interval.milliseconds(random.number(1...400)) : seconds(1...40)
            schedule(.membershipTempted(target.cluster), in: delay)
        }
    }

    mutating func changeMembership(of cluster: ClusterName) {
        let isMember = { (agent: SimulatedAgent) in agent.isMember && !agent.isClone }
        guard !isStoreAway,
            let agent = agents.indices.first(where: { agents[$0].cluster.name == cluster && isMember(agents[$0]) })
        else { return }
        coverage.met(.membershipAtWorst)
        switch random.number(0...3) {
        case 0,
            1 where agents.count(where: isMember) > 2:
            agents[agent].isMember = false
            _ = try? database.removeCluster(cluster, by: "operator")
            if let session = agents[agent].session { schedule(.breakSession(agent, session), in: .milliseconds(10)) }
            note("is removed", of: cluster)
            if random.chance(700) { schedule(.memberReturns(agent), in: seconds(1...90)) }
        case 2:
            let former = agents[agent].cluster.region
            move(agent, to: random.pick(Self.regions))
            if random.chance(400) { schedule(.memberMoves(agent, former), in: seconds(1...90)) }
        default:
            guard clusterCount < 3 * settings.fleet else { return }
            let joiner = Cluster(
                name: Self.name(clusterCount), region: agents[agent].cluster.region, environment: "production")
            clusterCount += 1
            apply(FleetDocuments(clusters: [joiner]))
            add(joiner)
        }
    }

    /// A cluster that was removed is put back.
    mutating func bringBack(_ agent: Int) {
        guard !agents[agent].isMember else { return }
        guard !isStoreAway else { return schedule(.memberReturns(agent), in: .seconds(10)) }
        agents[agent].isMember = true
        apply(FleetDocuments(clusters: [agents[agent].cluster]))
    }

    mutating func move(_ agent: Int, to region: RegionName) {
        guard agents[agent].isMember, !isStoreAway else { return }
        var cluster = agents[agent].cluster
        cluster.region = region
        for index in agents.indices where agents[index].cluster.name == cluster.name {
            agents[index].cluster = cluster
        }
        apply(FleetDocuments(clusters: [cluster]))
        note("is in \(region) now", of: cluster.name)
    }
}
