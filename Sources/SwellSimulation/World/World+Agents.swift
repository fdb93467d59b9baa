internal import SwellEngine
internal import SwellModel

// The agents' part: their machines' actions carried out on played clusters, disks and sessions.
extension World {
    mutating func feed(_ agent: Int, _ event: AgentEvent) throws(Violation) {
        guard agents[agent].isRunning else { return }
        let actions = agents[agent].machine.handle(event, now: now)
        for (index, action) in actions.enumerated() {
            try carryOut(action, agent)
            // Power may go between any two actions; what follows from the journal must be taken up again.
            if has(.agentCrash), index + 1 < actions.count, random.chance(2) {
                coverage.met(.agentCrash)
                return crash(agent)
            }
        }
    }

    private mutating func carryOut(_ action: AgentAction, _ agent: Int) throws(Violation) {
        let process = agents[agent].process
        switch action {
        case .persist(let journal):
            try checker.checkJournal(agents[agent].cluster.name, from: agents[agent].disk, to: journal)
            if has(.agentRestored), random.chance(20) { agents[agent].backup = agents[agent].disk }
            agents[agent].disk = journal
        case .acknowledge: break
        case .fetch(let digest):
            if agents[agent].content.contains(digest) {
                schedule(.contentArrives(agent, process, digest), in: .milliseconds(1))
            } else if agents[agent].session != nil, !agents[agent].isAway {
                schedule(.contentArrives(agent, process, digest), in: .milliseconds(random.number(20...2_000)))
            }
        case .apply(let work), .remove(let work):
            agents[agent].workNumber += 1
            agents[agent].current[work.application] = agents[agent].workNumber
            schedule(
                .workEnds(agent, process, work, agents[agent].workNumber), in: .milliseconds(random.number(100...5_000))
            )
        case .cancel(let work): agents[agent].current[work.application] = nil
        case .watch(let work, _):
            agents[agent].workNumber += 1
            agents[agent].current[work.application] = agents[agent].workNumber
            schedule(
                .look(agent, process, work, agents[agent].workNumber), in: .milliseconds(random.number(10...1_000)))
        case .report(let outgoing):
            guard let session = agents[agent].session, !agents[agent].isAway else { return }
            let arrival = max(now + transit(), agents[agent].lastToCoordinator)
            agents[agent].lastToCoordinator = arrival
            schedule(.reportArrives(agent, session, outgoing), at: arrival)
        case .wake(let moment): schedule(.agentTick(agent, process), at: moment)
        case .note(let note): coverage.noteAgent(note.what)
        }
    }

    mutating func endWork(_ agent: Int, _ process: Int, _ work: AgentWork, _ number: Int) throws(Violation) {
        guard agents[agent].process == process, agents[agent].current[work.application] == number else { return }
        if has(.applyFails), random.chance(60) {
            coverage.met(.applyFails)
            let isTransient = random.chance(900)
            return try feed(
                agent,
                .workFailed(
                    work, WorkFailure(isTransient: isTransient, reason: "Forbidden", message: "apply was refused")))
        }
        agents[agent].running[work.application] = work.release?.digest
        agents[agent].appliedAt[work.application] = now
        try feed(agent, .workFinished(work))
    }

    mutating func look(_ agent: Int, _ process: Int, _ work: AgentWork, _ number: Int) throws(Violation) {
        guard agents[agent].process == process, agents[agent].current[work.application] == number,
            let digest = work.release?.digest
        else { return }
        schedule(.look(agent, process, work, number), in: .milliseconds(random.number(2_000...6_000)))
        // After a restart the cluster still runs what was applied; what it runs is what is looked at.
        let age = now - (agents[agent].appliedAt[work.application] ?? now)
        let fate = Fate.of(digest, on: agents[agent].cluster.name, settings: settings)
        if fate == .flapping { coverage.met(.flapping) }
        let health = agents[agent].running[work.application] == digest ? fate.health(age, isCalm: isCalm) : .degraded
        if health == .failed { coverage.met(.badRelease) }
        try feed(
            agent, .healthObserved(work, ObservedHealth(health, reason: health == .failed ? "CrashLoopBackOff" : nil)))
    }

    mutating func start(_ agent: Int) throws(Violation) {
        guard !agents[agent].isRunning else { return }
        agents[agent].isRunning = true
        agents[agent].process += 1
        agents[agent].machine = AgentMachine(journal: agents[agent].disk)
        try feed(agent, .restarted)
        schedule(.connect(agent), in: seconds(0...3))
    }

    mutating func connect(_ agent: Int) throws(Violation) {
        guard agents[agent].isRunning, agents[agent].session == nil, !agents[agent].isAway else { return }
        guard agents[agent].isMember,
            let replica = random.pickAny(replicas.indices.filter { replicas[$0].isRunning && !replicas[$0].isFrozen })
        else { return schedule(.connect(agent), in: .seconds(5)) }
        agents[agent].lastSession += 1
        let session = agents[agent].lastSession
        agents[agent].session = session
        agents[agent].replica = replica
        let journal = agents[agent].machine.journal
        let arrival = max(now + transit(), agents[agent].lastToCoordinator)
        agents[agent].lastToCoordinator = arrival
        schedule(.helloArrives(agent, session, journal.statuses, journal.highestEpoch), at: arrival)
        try feed(agent, .connected)
    }

    mutating func breakSession(_ agent: Int, _ session: Int) throws(Violation) {
        guard agents[agent].session == session else { return }
        agents[agent].session = nil
        try feed(agent, .disconnected)
        schedule(.connect(agent), in: seconds(0...10))
    }

    mutating func crash(_ agent: Int) {
        agents[agent].isRunning = false
        agents[agent].session = nil
        agents[agent].current = [:]
        schedule(.agentStarts(agent), in: seconds(0...30))
    }

    mutating func restoreAgent() {
        if let agent = random.pickAny(agents.indices.filter { agents[$0].backup != nil }) {
            coverage.met(.agentRestored)
            crash(agent)
            if let backup = agents[agent].backup { agents[agent].disk = backup }
        }
        again(.agentRestored, in: 200...600)
    }

    mutating func vanish() throws(Violation) {
        if let agent = random.pickAny(agents.indices.filter { !agents[$0].isAway && agents[$0].isRunning }) {
            coverage.met(.clusterVanishes)
            agents[agent].isAway = true
            schedule(.reappear(agent), in: seconds(20...400))
            if let session = agents[agent].session { schedule(.breakSession(agent, session), in: seconds(1...20)) }
        }
        again(.vanish, in: 60...240)
    }
}
