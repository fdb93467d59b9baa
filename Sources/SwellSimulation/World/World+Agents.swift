internal import SwellEngine
internal import SwellModel

// The agents' part: their machines' actions carried out on played clusters and disks.
extension World {
    mutating func feed(_ agent: Int, _ event: AgentEvent) throws(Violation) {
        guard agents[agent].isRunning else { return }
        let clock = agents[agent].clock.reading(at: now)
        let bug = settings.plantedBug
        var actions = agents[agent].machine.handle(event, now: clock)
        if let bug { actions += bug.work(beyond: actions, after: event, journal: agents[agent].machine.journal) }
        for (index, action) in actions.enumerated() {
            try carryOut(action, agent, clock)
            // Power may go between any two actions; what follows from the journal must be taken up again.
            if index + 1 < actions.count, happens(.agentCrash, 2) { return crash(agent) }
        }
    }

    private mutating func carryOut(_ action: AgentAction, _ agent: Int, _ clock: Timestamp) throws(Violation) {
        let process = agents[agent].process
        switch action {
        case .persist(let journal):
            try checker.checkJournal(agents[agent].cluster.name, from: agents[agent].disk, to: journal)
            coverage.note(journal, after: agents[agent].disk)
            if has(.agentRestored), random.chance(20) { agents[agent].backup = agents[agent].disk }
            agents[agent].disk = journal
        case .acknowledge: break
        case .fetch(let digest):
            if agents[agent].content.contains(digest) {
                schedule(.contentArrives(agent, process, digest), in: .milliseconds(1))
            } else {
                schedule(.contentAsked(agent, process, digest), in: .milliseconds(random.number(20...2_000)))
            }
        case .apply(let work), .remove(let work):
            try checker.started(work, agent: agent, process: process)
            beginWork(work.application, agent)
            schedule(
                .workEnds(agent, process, work, agents[agent].workNumber), in: .milliseconds(random.number(100...5_000))
            )
        case .cancel(let work), .giveUp(let work):
            checker.stopped(work, agent: agent)
            agents[agent].current[work.application] = nil
        case .watch(let work, _):
            beginWork(work.application, agent)
            schedule(
                .look(agent, process, work, agents[agent].workNumber), in: .milliseconds(random.number(10...1_000)))
        case .report(let outgoing): send(outgoing, fromAgent: agent)
        // As the agent's alarm does it: it sleeps for the time that its clock says is left.
        case .wake(let moment):
            let wait = max(.zero, moment - clock)
            agents[agent].wakeAt = now + wait
            schedule(.agentTick(agent, process), in: wait)
        case .note(let note):
            coverage.noteAgent(note.what)
            if note.why.hasPrefix("CoordinatorUnreachable") {
                blame.abandoned(
                    ClusterApplication(agents[agent].cluster.name, note.application), generation: note.generation)
            }
        }
    }

    /// The alarm rings, unless another moment was asked for meanwhile.
    mutating func tick(_ agent: Int, _ process: Int) throws(Violation) {
        guard agents[agent].process == process, agents[agent].wakeAt == now else { return }
        agents[agent].wakeAt = nil
        try feed(agent, .tick)
    }

    private mutating func beginWork(_ application: ApplicationName, _ agent: Int) {
        agents[agent].workNumber += 1
        agents[agent].current[application] = agents[agent].workNumber
    }

    mutating func endWork(_ agent: Int, _ process: Int, _ work: AgentWork, _ number: Int) throws(Violation) {
        guard agents[agent].process == process, agents[agent].current[work.application] == number else { return }
        if isBlind(agent) {
            checker.stopped(work, agent: agent)
            return try feed(
                agent,
                .workFailed(
                    work,
                    WorkFailure(
                        isTransient: true, isBlind: true, reason: "ConnectionRefused", message: "the API server is away"
                    )
                ))
        }
        if happens(.applyFails, 60) {
            checker.stopped(work, agent: agent)
            if let digest = work.release?.digest { blame.hit(agents[agent].cluster.name, digest) }
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
        let isNew = now - (agents[agent].appliedAt[work.application] ?? now) < .minutes(2)
        schedule(.look(agent, process, work, number), in: isNew ? seconds(2...6) : seconds(4...20))
        if isBlind(agent) {
            return try feed(
                agent, .healthObserved(work, ObservedHealth(.unknown, reason: "ConnectionRefused")))
        }
        if happens(.drift, 5) { return try feed(agent, .driftObserved(work, finding(agent, work.application))) }
        // After a restart the cluster still runs what was applied; what it runs is what is looked at.
        let age = now - (agents[agent].appliedAt[work.application] ?? now)
        let fate = fate(of: digest, application: work.application, agent)
        if !isCalm, let fault = fate.fault { coverage.met(fault) }
        let health = agents[agent].running[work.application] == digest ? fate.health(age, isCalm: isCalm) : .degraded
        try feed(
            agent, .healthObserved(work, ObservedHealth(health, reason: health == .failed ? "CrashLoopBackOff" : nil)))
    }

    /// What others changed, put back or left as the application says.
    private mutating func finding(_ agent: Int, _ application: ApplicationName) -> DriftFinding {
        let policy = agents[agent].machine.journal.applications[application]?.assignment?.settings.drift
        let objects = (1...random.number(1...3)).map { number in
            ObjectChange(apiVersion: "apps/v1", kind: "Deployment", name: "part-\(number)", action: .delete)
        }
        return DriftFinding(objects: objects, isCorrected: policy == .correct)
    }

    mutating func fate(of digest: ContentDigest, application: ApplicationName, _ agent: Int) -> Fate {
        if let known = agents[agent].fates[digest] { return known }
        let fate = Fate.of(
            digest, isFirst: releases[application]?.first?.digest == digest, on: agents[agent].cluster.name,
            settings: settings)
        agents[agent].fates[digest] = fate
        return fate
    }

    // MARK: Processes

    mutating func start(_ agent: Int) throws(Violation) {
        // A clone that has ended stays away.
        guard !agents[agent].isRunning, agents[agent].isMember || !agents[agent].isClone else { return }
        agents[agent].isRunning = true
        agents[agent].process += 1
        let journal = settings.plantedBug?.distort(agents[agent].disk) ?? agents[agent].disk
        agents[agent].machine = AgentMachine(journal: journal)
        try feed(agent, .restarted)
        schedule(.connect(agent), in: seconds(0...3))
    }

    mutating func crash(_ agent: Int) {
        stop(agent)
        schedule(.agentStarts(agent), in: seconds(0...30))
    }

    private mutating func stop(_ agent: Int) {
        agents[agent].isRunning = false
        agents[agent].session = nil
        agents[agent].current = [:]
        agents[agent].wakeAt = nil
        agents[agent].frozenUntil = now
        agents[agent].process += 1
    }

    mutating func crashAnyAgent() {
        if let agent = random.pickAny(agents.indices.filter { agents[$0].isRunning }) {
            coverage.met(.agentCrash)
            crash(agent)
        }
        again(.agentCrash, in: 10...60)
    }

    mutating func restoreAgent() {
        if let agent = random.pickAny(agents.indices.filter { agents[$0].backup != nil && agents[$0].isRunning }) {
            coverage.met(.agentRestored)
            crash(agent)
            if let backup = agents[agent].backup { agents[agent].disk = backup }
            // Until it has been reissued, the database alone remembers what it did: that is not lost too.
            earlier = nil
        }
        again(.agentRestored, in: 200...600)
    }

    /// A cluster is copied with all that is on it, its agent's journal and certificate too, and runs beside the first for a while.
    mutating func cloneAgent() {
        let candidates = agents.indices.filter { agents[$0].isMember && !agents[$0].isClone }
        if agents.count < 2 * settings.fleet + 8, let agent = random.pickAny(candidates) {
            coverage.met(.agentCloned)
            var clone = SimulatedAgent(cluster: agents[agent].cluster, at: now)
            clone.isClone = true
            blame.doubt(clone.cluster.name)
            clone.disk = random.chance(700) ? agents[agent].disk : agents[agent].backup ?? agents[agent].disk
            clone.running = agents[agent].running
            clone.appliedAt = agents[agent].appliedAt
            clone.content = agents[agent].content
            agents.append(clone)
            schedule(.agentStarts(agents.count - 1), in: seconds(0...5))
            schedule(.cloneEnds(agents.count - 1), in: seconds(20...300))
        }
        again(.agentCloned, in: 60...600)
    }

    mutating func endClone(_ agent: Int) {
        stop(agent)
        agents[agent].isMember = false
    }
}
