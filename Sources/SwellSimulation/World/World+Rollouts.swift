internal import SwellEngine
internal import SwellModel
internal import SwellStore

// Releases, and the rollouts that people start.
extension World {
    /// A new release of an application, stored with its content.
    mutating func release(_ application: ApplicationName) -> ReleaseReference? {
        let version = "\(releases[application, default: []].count + 1)"
        let content = Array("\(application) \(version)".utf8)
        let reference = ReleaseReference(version: version, digest: ContentDigest(of: content))
        let release = Release(
            application: application, reference: reference, createdBy: "operator", createdAt: database.now,
            objectCount: 1, size: content.count)
        let document = ContentDocument(content: content)
        guard (try? database.createRelease(release, documents: [document])) != nil else { return nil }
        releases[application, default: []].append(reference)
        return reference
    }

    /// Somebody rolls out: to whatever comes to mind, or to these clusters.
    mutating func startRollout(of name: ApplicationName, to clusters: [ClusterName] = []) throws(Violation) {
        guard !isStoreAway, let application = database.allApplications().first(where: { $0.name == name }),
            let snapshot = try? database.snapshot(for: name)
        else { return }
        guard var request = request(application) else { return }
        if !clusters.isEmpty { request.select = ClusterSelector(clusters: clusters) }
        guard let first = plan(request, snapshot) else { return }
        // Held clusters: supersede what holds them, do without them, or try all the same.
        var rollout = first
        let holders = Set(rollout.targets.keys.compactMap { snapshot.fleet[$0]?.heldBy }).sorted()
        var superseded: [RolloutName] = []
        if !holders.isEmpty {
            switch random.number(0...9) {
            case 0...4:
                guard has(.superseding) else { return }
                superseded = holders
            case 5, 6:
                request.select.clusters = rollout.targets.keys.filter { snapshot.fleet[$0]?.heldBy == nil }.sorted()
                guard request.kind == .release, !request.select.clusters.isEmpty,
                    let narrowed = plan(request, snapshot)
                else { return }
                rollout = narrowed
            case 7: break
            default: return
            }
        }
        do {
            try database.createRollout(rollout, superseding: superseded, by: "operator")
        } catch {
            return note("rollout \(rollout.name) was refused: \(error)")
        }
        rolloutCount += 1
        if !superseded.isEmpty { coverage.met(.superseding) }
        try checker.planned(rollout, superseding: superseded)
        note(
            "rollout \(rollout.name) of \(rollout.release.version) to \(rollout.targets.count) clusters: "
                + "\(rollout.policy.stages.map { "\($0.name)" }.joined(separator: ", ")), \(rollout.policy.onFailure)"
                + (superseded.isEmpty
                    ? "" : ", superseding \(superseded.map(\.rawValue).joined(separator: ", "))"))
    }

    private func plan(_ request: PlanRequest, _ snapshot: FleetSnapshot) -> Rollout? {
        try? RolloutPlanner.plan(request, snapshot: snapshot, now: database.now)
    }

    private mutating func request(_ application: Application) -> PlanRequest? {
        let name = RolloutName(stringLiteral: "\(application.name)-\(rolloutCount + 1)")
        let ended = database.rolloutSummaries(of: application.name, limit: 20).filter { $0.phase.isEnded }
        if let undone = random.pickAny(ended), random.chance(150), let rollout = database.rollout(undone.name) {
            return try? PlanRequest.undo(of: rollout, name: name, createdBy: "operator")
        }
        let known = releases[application.name] ?? []
        let release: ReleaseReference?
        if known.isEmpty || random.chance(700) {
            release = self.release(application.name)
        } else {
            // A failover may have taken a release away: nobody can roll that out.
            let chosen = random.chance(850) ? known[known.count - 1] : random.pick(known)
            release = database.document(chosen.digest) == nil ? nil : chosen
        }
        guard let release else { return nil }
        var select = ClusterSelector()
        if random.chance(250) { select.regions = [random.pick(Self.regions)] }
        let policy = known.isEmpty ? RolloutPlanner.firstPolicy : (stored(for: application) ?? policy(for: application))
        return PlanRequest(
            name: name, application: application.name, release: release, policy: policy,
            strategy: application.strategy, createdBy: "operator",
            startsAt: random.chance(100) ? database.now + seconds(5...60) : nil, select: select)
    }

    /// The stored policy of an application, now and then, as it stands after whoever changed it last.
    private mutating func stored(for application: Application) -> RolloutPolicy? {
        guard random.chance(300) else { return nil }
        return database.allPolicies().first { $0.name.rawValue == application.name.rawValue }
    }

    /// Some policy over the fleet's regions: one to three stages.
    mutating func policy(for application: Application) -> RolloutPolicy {
        let present = Set(
            agents.lazy.filter(\.isMember).map(\.cluster).filter(application.select.matches).map(\.region))
        let regions = present.sorted().shuffled(using: &random)
        let cuts = max(1, Int(random.number(1...Int64(max(1, min(3, regions.count))))))
        var stages: [PolicyStage] = []
        for index in 0..<cuts {
            let isLast = index == cuts - 1
            let part = isLast ? Array(regions.dropFirst(index)) : [regions[index]]
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
            name: PolicyName(stringLiteral: application.name.rawValue), stages: stages,
            maxConcurrent: random.chance(250) ? .count(Int(random.number(2...5))) : nil,
            minHealthyTime: random.pick([.zero, .seconds(5), .seconds(10)]),
            progressDeadline: .seconds(random.number(60...180)), unreachableAfter: .seconds(30),
            maxUnreachable: random.chance(250) ? random.pick([.count(1), .percent(30)]) : nil,
            onFailure: FailurePolicy(
                action: random.pick([.rollback, .rollback, .pause, .continue]),
                scope: random.pick(FailurePolicy.Scope.allCases)),
            pausedRegion: random.pick(PausedRegionRule.allCases))
    }
}

extension RolloutPlanner {
    /// The policy that brings the first release to an empty fleet.
    static let firstPolicy = RolloutPolicy(
        name: "first", stages: [PolicyStage(name: "all", select: ClusterSelector())], minHealthyTime: .seconds(5),
        progressDeadline: .minutes(3), unreachableAfter: .seconds(30),
        onFailure: FailurePolicy(action: .continue, scope: .cluster))
}
