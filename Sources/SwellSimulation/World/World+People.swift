internal import SwellEngine
internal import SwellModel
internal import SwellStore

// What people do: start, steer and stop rollouts, change the fleet, and in the end leave it in peace.
extension World {
    mutating func startRollout() {
        guard !isCalm else { return }
        schedule(.newRollout, in: seconds(30...400))
        rolloutCount += 1
        let name = RolloutName(stringLiteral: "shop-\(rolloutCount)")
        guard let application = database.allApplications().first else { return }
        let summaries = database.rolloutSummaries(of: nil, limit: 20)
        let active = summaries.filter { !$0.phase.isEnded }
        let request: PlanRequest
        if let ended = random.pickAny(summaries.filter { $0.phase.isEnded }), random.chance(150),
            let rollout = database.rollout(ended.name)
        {
            guard let undo = try? PlanRequest.undo(of: rollout, name: name, createdBy: "operator") else { return }
            request = undo
        } else {
            let isFirst = rolloutCount == 1
            if !isFirst { versions += random.chance(800) ? 1 : 0 }
            let version = isFirst || random.chance(850) ? versions : Int(random.number(1...Int64(versions)))
            var select = ClusterSelector()
            if random.chance(250) { select.regions = [random.pick(agents).cluster.region] }
            request = PlanRequest(
                name: name, application: Self.application, release: Self.release(version),
                policy: isFirst ? RolloutPlanner.firstPolicy : policy(), strategy: application.strategy,
                createdBy: "operator", startsAt: random.chance(100) ? now + seconds(5...60) : nil, select: select)
        }
        guard let surroundings = try? database.surroundings(for: Self.application),
            let rollout = try? RolloutPlanner.plan(request, surroundings: surroundings, now: now)
        else { return }
        // Held clusters: supersede what holds them, or do without.
        let holders = Set(rollout.targets.keys.compactMap { surroundings.fleet[$0]?.heldBy })
        guard holders.isEmpty || random.chance(300) else { return }
        do {
            try database.createRollout(
                rollout, superseding: active.map(\.name).filter { holders.contains($0) }, by: "operator")
            checker.planned(rollout)
            note(
                "rollout \(name): \(rollout.policy.stages.map { "\($0.name)" }.joined(separator: ", ")), \(rollout.policy.onFailure)"
            )
        } catch {
            note("rollout \(name) was refused: \(error)")
        }
    }

    /// Some policy over the fleet's regions: one to three stages.
    private mutating func policy() -> RolloutPolicy {
        let regions = Set(agents.map(\.cluster.region)).sorted().shuffled(using: &random)
        let cuts = Int(random.number(1...Int64(min(3, regions.count))))
        var stages: [PolicyStage] = []
        for index in 0..<cuts {
            let isLast = index == cuts - 1
            let part = isLast ? Array(regions[index...]) : [regions[index]]
            stages.append(
                PolicyStage(
                    name: StageName(stringLiteral: "stage-\(index + 1)"), select: ClusterSelector(regions: part),
                    maxConcurrent: random.pick([.count(1), .count(2), .percent(50), .percent(100)]),
                    maxConcurrentInStage: random.chance(250) ? .count(Int(random.number(1...3))) : nil,
                    soak: random.pick([.zero, .seconds(20), .seconds(60)]),
                    failureBudget: random.pick([.count(0), .count(0), .count(1), .percent(30)]),
                    approval: ApprovalRule(before: random.chance(150), after: random.chance(100))))
        }
        return RolloutPolicy(
            name: "some", stages: stages, maxConcurrent: random.chance(250) ? .count(Int(random.number(2...5))) : nil,
            minHealthyTime: random.pick([.zero, .seconds(5), .seconds(10)]),
            progressDeadline: .seconds(random.number(60...180)), unreachableAfter: .seconds(30),
            onFailure: FailurePolicy(
                action: random.pick([.rollback, .rollback, .pause, .continue]),
                scope: random.pick(FailurePolicy.Scope.allCases)),
            pausedRegion: random.pick(PausedRegionRule.allCases))
    }

    mutating func operatorActs() {
        if !isCalm {
            schedule(.operatorActs, in: settings.faults.contains(.operators) ? seconds(5...60) : .seconds(20))
        }
        let active = database.rolloutSummaries(of: nil, limit: 20).filter { !$0.phase.isEnded }
        guard let summary = random.pickAny(active), let rollout = database.rollout(summary.name) else { return }
        if let stage = rollout.stages.first(where: { $0.phase == .gated || $0.phase == .verifying }), random.chance(600)
        {
            return order(.approve(stage: stage.name, digest: rollout.release.digest), rollout.name)
        }
        guard settings.faults.contains(.operators) else { return }
        coverage.met(.operators)
        let target = random.pick(rollout.targets.values.sorted { $0.cluster < $1.cluster })
        let stage = random.pick(rollout.stages).name
        switch random.number(0...15) {
        case 0: order(.pause(.rollout, reason: nil), rollout.name)
        case 1, 2: order(.resume(.rollout), rollout.name)
        case 3: order(.pause(.region(target.region), reason: nil), rollout.name)
        case 4, 5:
            for region in rollout.pausedRegions.keys.sorted() { order(.resume(.region(region)), rollout.name) }
        case 6: order(.pause(.cluster(target.cluster), reason: nil), rollout.name)
        case 7:
            for cluster in rollout.pausedClusters.keys.sorted() { order(.resume(.cluster(cluster)), rollout.name) }
        case 8: if random.chance(150) { order(.abort(reason: nil), rollout.name) }
        case 9, 10: order(.retry(clusters: random.chance(500) ? [] : [target.cluster]), rollout.name)
        case 11:
            let scopes: [RollbackScope] = [
                .cluster(target.cluster), .cluster(target.cluster), .region(target.region), .stage(stage), .rollout,
            ]
            order(.rollback(random.pick(scopes), reason: nil), rollout.name)
        case 12: order(.promote(stage: stage), rollout.name)
        case 13:
            database.setRegionPause(target.region, Pause(by: "operator", at: now), by: "operator")
        case 14:
            for region in database.allRegionPauses().keys.sorted() {
                database.setRegionPause(region, nil, by: "operator")
            }
        default:
            _ = try? database.setFleetLimit(random.chance(500) ? nil : Int(random.number(2...6)), by: "operator")
        }
    }

    private mutating func order(_ command: RolloutCommand, _ name: RolloutName) {
        let record = try? database.submit(command, to: name, by: "operator") {
            DecisionMaker.refusal(of: command, on: $0)
        }
        coverage.noteCommand(command, isAccepted: record != nil)
        if record != nil { note("  \(name) ordered: \(command)") }
    }

    mutating func changeMembership() {
        coverage.met(.membership)
        again(.membershipChanges, in: 60...240)
        let members = agents.indices.filter { agents[$0].isMember }
        if members.count > 3, random.chance(500) {
            let agent = random.pick(members)
            agents[agent].isMember = false
            _ = try? database.removeCluster(agents[agent].cluster.name, by: "operator")
            if let session = agents[agent].session { schedule(.breakSession(agent, session), in: .milliseconds(10)) }
        } else if let agent = random.pickAny(agents.indices.filter { !agents[$0].isMember }), random.chance(500) {
            agents[agent].isMember = true
            apply(FleetDocuments(clusters: [agents[agent].cluster]))
        } else {
            let cluster = Cluster(
                name: Self.name(agents.count), region: random.pick(agents).cluster.region, environment: "production")
            apply(FleetDocuments(clusters: [cluster]))
            add(cluster)
        }
    }

    /// Faults stop: everybody is back, connected and left alone.
    mutating func becomeCalm() throws(Violation) {
        isCalm = true
        earlier = nil
        for index in replicas.indices { wakeReplica(index) }
        for agent in agents.indices {
            agents[agent].isAway = false
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
    }
}

extension RolloutPlanner {
    /// The policy that brings the first release to an empty fleet.
    static let firstPolicy = RolloutPolicy(
        name: "first", stages: [PolicyStage(name: "all", select: ClusterSelector())], minHealthyTime: .seconds(5),
        progressDeadline: .minutes(3), unreachableAfter: .seconds(30),
        onFailure: FailurePolicy(action: .continue, scope: .cluster))
}
