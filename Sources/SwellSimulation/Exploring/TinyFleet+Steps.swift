internal import SwellEngine
internal import SwellModel
internal import SwellStore

// What may happen next, and what comes of it.
extension TinyFleet {
    /// Everything that may happen now, in a fixed order. What would change nothing is left out where that is plain.
    func steps() -> [ExplorerStep] {
        var steps: [ExplorerStep] = []
        let isDue = !database.dueRollouts(limit: 1).isEmpty
        for index in replicas.indices {
            if replicas[index].isStalled {
                steps.append(.wakes(replica: index))
            } else if replicas[index].thought != nil {
                steps.append(.commits(replica: index))
            } else if isDue, mayDecide(index) {
                steps.append(.decides(replica: index))
                if budget.thoughts > 0 { steps.append(.thinks(replica: index)) }
            }
        }
        if budget.stalls > 0, !replicas[0].isStalled, replicas[0].lease != nil { steps.append(.stalls(replica: 0)) }
        for index in agents.indices { addSteps(ofAgent: index, &steps) }
        let isDelay = steps.contains(where: \.isPrompt)
        if !isDelay || budget.delays > 0 { steps.append(.timePasses(isDelay: isDelay)) }
        if budget.orders > 0 { steps += ExplorerOrder.allCases.filter(makesSense).map { .orders($0) } }
        return steps
    }

    /// The replicas are alike: the first is the one that claims first, and the other claims once that one has stalled.
    private func mayDecide(_ index: Int) -> Bool {
        guard replicas[index].lease == nil else { return true }
        let other = replicas[1 - index]
        let isFree = other.lease.map { $0.expiresAt <= now } ?? true
        return isFree && (index == 0 || ledger.hasStalled)
    }

    private func addSteps(ofAgent index: Int, _ steps: inout [ExplorerStep]) {
        let agent = agents[index]
        if let work = agent.record?.work, agent.record?.isApplied == true, work.release != nil {
            if agent.record?.observed.health != .healthy { steps.append(.looks(agent: index, .healthy)) }
            if budget.badLooks > 0, work.release == Self.release {
                steps += [Health.failed, .degraded].filter { $0 != agent.record?.observed.health }
                    .map { .looks(agent: index, $0) }
            }
        }
        guard !agent.isUnreachable else {
            steps.append(.returns(agent: index))
            return
        }
        let assignment = database.assignments(of: Self.clusters[index].name).first
        if assignment != agent.record?.assignment { steps.append(.assignmentArrives(agent: index)) }
        if agent.record?.outgoing != nil { steps.append(.reportArrives(agent: index)) }
        if agent.lateAssignment != nil { steps.append(.lateAssignmentArrives(agent: index)) }
        if agent.lateReport != nil { steps.append(.lateReportArrives(agent: index)) }
        if budget.lateMessages > 0 {
            if agent.lateAssignment == nil, assignment?.digest == Self.release.digest {
                steps.append(.assignmentLingers(agent: index))
            }
            if agent.lateReport == nil, agent.record?.outgoing != nil { steps.append(.reportLingers(agent: index)) }
        }
        if budget.silences > 0 { steps.append(.goesSilent(agent: index)) }
    }

    private func makesSense(_ order: ExplorerOrder) -> Bool {
        guard let rollout = database.rollout(Self.rollout) else { return false }
        let isPausedForAll = database.allRegionPauses()[Self.farRegion] != nil
        switch order {
        case .pauseRollout: return rollout.pause == nil
        case .pauseRegion: return rollout.pausedRegions.isEmpty
        case .pauseRegionForAll: return !isPausedForAll
        case .resumeRegionForAll: return isPausedForAll
        case .resumeRollout, .resumeRegion, .rollBack, .abort, .retry:
            return order.command.map { DecisionMaker.refusal(of: $0, on: rollout) == nil } ?? false
        }
    }

    /// Lets it happen.
    mutating func take(_ step: ExplorerStep) throws(Violation) {
        switch step {
        case .timePasses(let isDelay):
            if isDelay { budget.delays -= 1 }
            try passTime()
        case .decides(let index): try decide(index)
        case .thinks(let index): think(index)
        case .commits(let index): try commit(index)
        case .stalls(let index):
            budget.stalls -= 1
            replicas[index].isStalled = true
            ledger.hasStalled = true
        case .wakes(let index): replicas[index].isStalled = false
        case .orders(let order): try obey(order)
        case .assignmentArrives(let index): try deliver(database.assignments(of: Self.clusters[index].name), to: index)
        case .assignmentLingers(let index):
            budget.lateMessages -= 1
            agents[index].lateAssignment = database.assignments(of: Self.clusters[index].name).first
        case .lateAssignmentArrives(let index):
            guard var assignment = agents[index].lateAssignment else { return }
            agents[index].lateAssignment = nil
            if plantedBug == .obeysLateAssignments {
                assignment.generation = 1 + (agents[index].record?.highestGeneration ?? 0)
            }
            try deliver([assignment], to: index)
        case .looks(let index, let health):
            if health != .healthy { budget.badLooks -= 1 }
            guard let work = agents[index].record?.work else { return }
            try feed(index, .healthObserved(work, ObservedHealth(health)))
        case .reportArrives(let index): try report(index)
        case .reportLingers(let index):
            budget.lateMessages -= 1
            agents[index].lateReport = agents[index].record?.outgoing?.report
        case .lateReportArrives(let index):
            guard let report = agents[index].lateReport else { return }
            agents[index].lateReport = nil
            // It was said in a session that has ended since, so that it comes too late.
            let late = ReceivedReport(cluster: Self.clusters[index].name, report: report, session: "ended")
            if database.ingest([late]).overtaken.isEmpty { ledger.heard(report, from: index, at: now) }
        case .goesSilent(let index):
            budget.silences -= 1
            agents[index].isUnreachable = true
            try feed(index, .disconnected)
        case .returns(let index): try connect(index)
        }
    }

    // MARK: Time and replicas

    mutating func passTime() throws(Violation) {
        now = now + Self.unit
        database.now = now
        database.touch(agents.indices.filter { !agents[$0].isUnreachable }.map { Self.clusters[$0].name })
        for index in agents.indices { try feed(index, .tick) }
        for index in replicas.indices where !replicas[index].isStalled && replicas[index].lease != nil {
            let held = database.renewLeases(holder: Self.replicaNames[index], lifetime: Self.leaseLifetime)
            replicas[index].lease = held.renewed.first
        }
    }

    private mutating func obey(_ order: ExplorerOrder) throws(Violation) {
        budget.orders -= 1
        switch order {
        case .pauseRegionForAll:
            database.setRegionPause(Self.farRegion, Pause(by: "operator", at: now), by: "operator")
        case .resumeRegionForAll: database.setRegionPause(Self.farRegion, nil, by: "operator")
        default:
            guard let command = order.command else { return }
            let isTaken =
                (try? database.submit(command, to: Self.rollout, by: "operator") {
                    DecisionMaker.refusal(of: command, on: $0)
                }) != nil
            guard isTaken else { return }
        }
        ledger.note(order)
    }

    // MARK: Agents

    /// Feeds an agent's machine and does at once what it asks for: content is at hand, and whatever is applied gets applied.
    mutating func feed(_ index: Int, _ event: AgentEvent) throws(Violation) {
        var events = [event]
        while !events.isEmpty {
            let before = agents[index].record
            let next = events.removeFirst()
            let actions = agents[index].machine.handle(next, now: now)
            try ledger.check(next, at: index, from: before, to: agents[index].record, actions)
            for action in actions {
                switch action {
                case .fetch(let digest): events.append(.contentPresent(digest))
                case .apply(let work), .remove(let work): events.append(.workFinished(work))
                case .persist, .acknowledge, .cancel, .giveUp, .watch, .report, .wake, .note: break
                }
            }
        }
    }

    mutating func deliver(_ assignments: [Assignment], to index: Int) throws(Violation) {
        try feed(index, .assigned(assignments))
    }

    /// The session begins again: the agent says how it stands.
    mutating func connect(_ index: Int) throws(Violation) {
        agents[index].isUnreachable = false
        // Every cluster is in the fleet here, which is all that this asks for.
        try? database.noteConnection(
            Self.clusters[index].name, replica: Self.replicaNames[0], agentVersion: "1", isConnected: true)
        let statuses = agents[index].machine.journal.statuses
        try feed(index, .connected)
        ingest(index, statuses)
    }

    mutating func report(_ index: Int) throws(Violation) {
        guard let outgoing = agents[index].record?.outgoing else { return }
        ingest(index, [outgoing.report])
        try feed(index, .reportAcknowledged(Self.application, sequence: outgoing.sequence))
    }

    private mutating func ingest(_ index: Int, _ reports: [ApplicationReport]) {
        _ = database.ingest(reports.map { ReceivedReport(cluster: Self.clusters[index].name, report: $0) })
        for report in reports { ledger.heard(report, from: index, at: now) }
    }
}
