internal import AsyncSupport
internal import Logging
internal import Metrics
internal import ServiceLifecycle
package import SwellEngine
package import SwellModel
package import SwellStore

/// Runs the engine over every rollout that is due and that this replica holds the lease of.
///
/// Any number of replicas run one each over the same database and need nothing from each other. What wakes it: the signals, the
/// earliest stored wake-up, and a poll behind both. A decision is read, thought outside of any transaction, and committed if what was read
/// still stands.
package struct Reconciler: Service {
    /// How it goes about it.
    package struct Settings: Sendable {
        /// How long a lease lasts unless renewed: what a killed replica's rollouts wait at most before another takes over.
        package var leaseLifetime: Interval = .seconds(6)
        /// How often it looks for due rollouts without any signal.
        package var poll: Interval = .seconds(1)
        /// How many rollouts are decided at once.
        package var concurrency = 8
        /// How often it looks for assignments that agents are ahead of.
        package var orphanPoll: Interval = .seconds(5)
        /// How many due rollouts are read at once.
        package var batch = 64
        /// How far apart decisions on one rollout begin at least; see ``DecisionPacing``.
        package var spacing: Interval = .milliseconds(250)

        package init() {}
    }

    private let store: any Store
    private let signals: FleetSignals
    private let settings: Settings
    private let leases: LeaseManager
    private let presence: FleetPresence?
    private let tick: @Sendable () -> Tick
    private let logger: Logger
    /// Decisions that broke an invariant, and so were not committed: any is worth waking somebody.
    private let held = Counter(label: "swell_decisions_held_total")

    /// - Parameters:
    ///   - holder: names this run of this replica; never used again by another process, so that a frozen predecessor of the same
    ///     name is fenced off.
    ///   - presence: what decisions wait for while nobody can know which agents are silent. Nil where no agent port writes it: then
    ///     they never wait.
    package init(
        store: any Store, signals: FleetSignals, holder: String, presence: FleetPresence? = nil,
        settings: Settings = Settings(), tick: @escaping @Sendable () -> Tick = MonotonicClock.live()
    ) {
        self.store = store
        self.signals = signals
        self.settings = settings
        self.presence = presence
        self.tick = tick
        self.logger = Logger(label: "swell.reconciler")
        self.leases = LeaseManager(
            store: store, holder: holder, lifetime: settings.leaseLifetime, tick: tick,
            logger: Logger(label: "swell.leases"))
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.keepLeases() }
                group.addTask { await self.decideForEver() }
                group.addTask { await self.reissueOrphans() }
            }
        }
        do { try await leases.releaseAll() } catch {
            logger.notice("leases were left to expire", metadata: ["error": "\(error)"])
        }
    }

    private func keepLeases() async {
        let pace = Interval(milliseconds: settings.leaseLifetime.milliseconds / 8)
        while (try? await Task.sleep(for: pace.duration)) != nil {
            do { try await leases.renew() } catch {
                logger.notice("leases could not be renewed", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Tells assignments again that agents are ahead of, as ``OrphanSweep`` says.
    private func reissueOrphans() async {
        var sweep = OrphanSweep(pace: settings.orphanPoll, limit: settings.batch)
        while (try? await Task.sleep(for: settings.orphanPoll.duration)) != nil {
            var step = sweep.begin(now: tick())
            while let due = step {
                do throws(StoreError) {
                    step = sweep.next(try await carryOut(due))
                } catch {
                    logger.notice("orphaned assignments were not reissued", metadata: ["error": "\(error)"])
                    step = sweep.next(.failed)
                }
            }
        }
    }

    private func carryOut(_ step: OrphanSweep.Step) async throws(StoreError) -> OrphanSweep.Outcome {
        switch step {
        case .look(let limit, let last):
            return .found(
                try await store.orphanedAssignments(limit: limit, perCluster: OrphanSweep.share, after: last))
        case .claim: return .claimed(try await leases.claim(OrphanSweep.lease))
        case .reissue(let assignments, let lease):
            let reissued = try await store.reissue(assignments, under: lease)
            for assignment in reissued {
                logger.info(
                    "reissued an assignment: the agent was ahead of it",
                    metadata: ["cluster": "\(assignment.cluster)", "generation": "\(assignment.generation)"])
            }
            if !reissued.isEmpty { signals.notifyAssignmentsChanged() }
            return .reissued(reissued.count)
        case .release(let lease):
            try await store.releaseLease(lease)
            return .released
        }
    }

    /// What became of one pass over the due rollouts.
    private enum Pass {
        /// Nothing was due.
        case idle
        /// Something was decided, so there may be more.
        case decided
        /// All that was due is another replica's, or cannot be decided: looking again at once would not help.
        case blocked
        /// All that is due was decided just now: what happens meanwhile is gathered for so long.
        case gathering(Interval)
    }

    private func decideForEver() async {
        var wasAway = false
        var isWaiting = false
        var pacing = DecisionPacing(spacing: settings.spacing)
        // The rollouts that cannot be decided, with the error last logged, so that each is logged once.
        var broken: [RolloutName: String] = [:]
        while !Task.isCancelled {
            var rest = settings.poll
            do throws(StoreError) {
                let pass = try await decideWhatIsDue(&broken, &isWaiting, &pacing)
                if wasAway { logger.info("the database is back") }
                wasAway = false
                // Straight on while there is work; else until the next stored moment, a signal or the poll.
                switch pass {
                case .decided: continue
                case .gathering(let wait): rest = min(rest, wait)
                case .blocked: break
                case .idle:
                    if let next = try await store.nextWakeUp() {
                        rest = max(.milliseconds(10), min(rest, next - (try await store.now())))
                    }
                }
            } catch {
                if !wasAway, !Task.isCancelled {
                    logger.error("rollouts wait for the database", metadata: ["error": "\(error)"])
                }
                wasAway = true
            }
            await signals.rollouts.wait(upTo: rest.duration)
        }
    }

    /// Decides every rollout that is due and ours. Throws where the database is away; a rollout that cannot be decided is named in the log, and
    /// leaves the others alone.
    private func decideWhatIsDue(
        _ broken: inout [RolloutName: String], _ isWaiting: inout Bool, _ pacing: inout DecisionPacing
    ) async throws(StoreError) -> Pass {
        let due = try await store.dueRollouts(limit: settings.batch)
        guard !due.isEmpty else { return .idle }
        guard presence?.mayDecide() ?? true else {
            if !isWaiting { logger.notice("rollouts wait until it is known again which agents are silent") }
            isWaiting = true
            return .blocked
        }
        isWaiting = false
        let now = tick()
        let ready = pacing.begin(due, now: now)
        let held = pacing.wait(of: due, beside: ready, now: now)
        guard !ready.isEmpty else { return held.map { .gathering($0) } ?? .blocked }
        let outcomes = await withTaskGroup(of: (RolloutName, Result<Bool, StoreError>).self) { group in
            var outcomes: [(RolloutName, Result<Bool, StoreError>)] = []
            for (index, rollout) in ready.enumerated() {
                if index >= settings.concurrency, let outcome = await group.next() { outcomes.append(outcome) }
                group.addTask { (rollout, await self.decide(rollout)) }
            }
            for await outcome in group { outcomes.append(outcome) }
            return outcomes
        }
        var pass = Pass.blocked
        var away: StoreError?
        for (rollout, outcome) in outcomes {
            switch outcome {
            case .success(let isDecided):
                if isDecided {
                    pass = .decided
                    broken[rollout] = nil
                }
            case .failure(let error) where error.code == .unavailable || error.code == .outcomeUnknown:
                away = error
            case .failure(let error):
                let text = "\(error)"
                guard broken.updateValue(text, forKey: rollout) != text else { continue }
                logger.error("a rollout cannot be decided", metadata: ["rollout": "\(rollout)", "error": "\(text)"])
            }
        }
        if let away { throw away }
        if case .blocked = pass, let held { return .gathering(held) }
        return pass
    }

    /// One decision on one rollout; false where another replica holds it.
    private func decide(_ rollout: RolloutName) async -> Result<Bool, StoreError> {
        do throws(StoreError) {
            guard let lease = try await leases.lease(on: rollout) else { return .success(false) }
            let decision = try await store.decide(rollout, under: lease) { input throws(StoreError) in
                // The store, or this process, may have stood still since.
                guard presence?.mayDecide() ?? true else {
                    throw StoreError(
                        code: .unavailable,
                        message: "presence was not written for a while: nobody's silence says anything")
                }
                return DecisionMaker.decideReviewed(input)
            }
            report(decision)
            guard !decision.isHeld else {
                held.increment()
                return .failure(
                    StoreError(
                        code: .internalError,
                        message: "held, nothing was done: "
                            + decision.breaches.map(\.description).joined(separator: "; ")))
            }
            if !decision.assignments.isEmpty || !decision.pauses.isEmpty { signals.notifyAssignmentsChanged() }
            if decision.rollout.phase.isEnded {
                try await leases.release(rollout)
            }
            return .success(true)
        } catch  where error.code == .leaseLost {
            await leases.forget(rollout)
            logger.notice("lost a lease", metadata: ["rollout": "\(rollout)"])
            return .success(false)
        } catch  where error.code == .notFound {
            return .success(false)
        } catch {
            return .failure(error)
        }
    }

    /// One line a change of phase: what, which rollout, stage, cluster, why.
    private func report(_ decision: Decision) {
        for transition in decision.transitions where transition.from != transition.to {
            var metadata: Logger.Metadata = [
                "rollout": "\(transition.rollout)", "to": "\(transition.to)", "by": "\(transition.by)",
            ]
            if let from = transition.from { metadata["from"] = "\(from)" }
            if let reason = transition.reason { metadata["why"] = "\(reason)" }
            switch transition.value {
            case .header: logger.info("rollout", metadata: metadata)
            case .stage(let stage):
                metadata["stage"] = "\(stage.name)"
                logger.info("stage", metadata: metadata)
            case .target(let target):
                metadata["cluster"] = "\(target.cluster)"
                if let generation = target.generation { metadata["generation"] = "\(generation)" }
                logger.info("target", metadata: metadata)
            }
        }
    }
}
