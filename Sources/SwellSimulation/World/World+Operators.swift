internal import SwellEngine
internal import SwellModel
internal import SwellStore

// What operators order of rollouts under way.
extension World {
    /// Operators look closest when something has just happened: the worst moment for an order.
    mutating func tempt(_ decision: Decision) {
        guard has(.operators), decision.transitions.contains(where: { $0.from != $0.to }) else { return }
        if random.chance(15) { schedule(.operatorActs, in: .milliseconds(random.number(1...400))) }
        if random.chance(3) {
            schedule(.suddenRollout(decision.rollout.application), in: .milliseconds(random.number(1...400)))
        }
    }

    mutating func operatorActs() {
        again(.operatorActs, in: settings.faults.contains(.operators) ? 5...60 : 20...20)
        guard !isStoreAway else { return }
        let latest = database.rolloutSummaries(of: nil, limit: 20)
        let active = latest.filter { !$0.phase.isEnded }
        // Now and then somebody is late, and orders of what has ended.
        guard let summary = random.pickAny(random.chance(50) ? latest : active),
            let rollout = database.rollout(summary.name)
        else { return }
        if let stage = rollout.stages.first(where: { $0.phase == .gated || $0.phase == .verifying }), random.chance(600)
        {
            return order(.approve(stage: stage.name, digest: rollout.release.digest), rollout.name)
        }
        guard settings.faults.contains(.operators) else { return }
        coverage.met(.operators)
        guard let target = random.pickAny(rollout.targets.values.sorted(by: { $0.cluster < $1.cluster })) else {
            return
        }
        let stage = random.pick(rollout.stages).name
        switch random.number(0...18) {
        case 0: order(.pause(.rollout, reason: nil), rollout.name)
        case 1, 2: order(.resume(.rollout), rollout.name)
        case 3: order(.pause(.region(target.region), reason: nil), rollout.name)
        case 4, 5:
            for region in rollout.pausedRegions.keys.sorted() { order(.resume(.region(region)), rollout.name) }
        case 6: order(.pause(.cluster(target.cluster), reason: nil), rollout.name)
        case 7:
            for cluster in rollout.pausedClusters.keys.sorted() { order(.resume(.cluster(cluster)), rollout.name) }
        case 8: if random.chance(250) { order(.abort(reason: nil), rollout.name) }
        case 9, 10: order(.retry(clusters: random.chance(500) ? [] : [target.cluster]), rollout.name)
        case 11:
            let scopes: [RollbackScope] = [
                .cluster(target.cluster), .cluster(target.cluster), .region(target.region), .stage(stage), .rollout,
            ]
            let remove: Bool? = random.chance(250) ? true : nil
            order(.rollback(random.pick(scopes), reason: nil, remove: remove), rollout.name)
        case 12:
            order(
                random.chance(500)
                    ? .promote(
                        stage: stage, despiteHealth: random.chance(300) ? true : nil, digest: rollout.release.digest,
                        plan: rollout.planDigest)
                    : .approve(stage: stage, digest: rollout.release.digest), rollout.name)
        case 13: pauseForEverybody(target)
        case 14: resumeForEverybody()
        case 15: if random.chance(300) { order(.skip(cluster: target.cluster, reason: nil), rollout.name) }
        case 16: order(.leaveBehind(cluster: target.cluster, reason: nil), rollout.name)
        case 17:
            let approved = rollout.stages.first { $0.passedAt == nil && ($0.approvedBefore ?? $0.approvedAfter) != nil }
            order(.withdraw(stage: approved?.name ?? stage), rollout.name)
        default:
            _ = try? database.setFleetLimit(random.chance(500) ? nil : Int(random.number(2...6)), by: "operator")
        }
    }

    /// Somebody stops a rollout just while a replica thinks about going on with it.
    mutating func stop(_ name: RolloutName) {
        guard !isStoreAway, let rollout = database.rollout(name),
            let target = random.pickAny(rollout.targets.values.sorted(by: { $0.cluster < $1.cluster }))
        else { return }
        switch random.number(0...5) {
        case 0, 1: order(.pause(.rollout, reason: nil), name)
        case 2: order(.pause(.region(target.region), reason: nil), name)
        case 3: order(.rollback(.rollout, reason: nil), name)
        default: pauseForEverybody(target)
        }
    }

    private mutating func pauseForEverybody(_ target: TargetState) {
        let pause = Pause(by: "operator", at: database.now)
        if random.chance(500) {
            database.setRegionPause(target.region, pause, by: "operator")
        } else {
            _ = try? database.setClusterPause(target.cluster, pause, by: "operator")
        }
    }

    private mutating func resumeForEverybody() {
        for region in database.allRegionPauses().keys.sorted() {
            database.setRegionPause(region, nil, by: "operator")
        }
        for record in database.clusterRecords() where record.pause != nil {
            _ = try? database.setClusterPause(record.cluster.name, nil, by: "operator")
        }
    }

    private mutating func order(_ command: RolloutCommand, _ name: RolloutName) {
        let record = try? database.submit(command, to: name, by: "operator") {
            DecisionMaker.refusal(of: command, on: $0)
        }
        coverage.note(command, isAccepted: record != nil)
        if record != nil { note("  \(name) ordered: \(command)") }
    }
}
