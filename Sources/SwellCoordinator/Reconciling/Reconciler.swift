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
/// earliest stored wake-up, and a poll behind both; what is decided when, ``DecisionQueue`` says. A decision is read, thought outside of any
/// transaction, and committed if what was read still stands.
package struct Reconciler: Service {
    /// How it goes about it.
    package struct Settings: Sendable {
        /// How long a lease lasts unless renewed: what a killed replica's rollouts wait at most before another takes over.
        package var leaseLifetime: Interval = .seconds(6)
        /// How often it looks for due rollouts without any signal.
        package var poll: Interval = .seconds(1)
        /// How many rollouts are decided at once; see ``DecisionQueue``, which keeps one place for what is urgent.
        package var concurrency = 8
        /// How often it looks for assignments that agents are ahead of.
        package var orphanPoll: Interval = .seconds(5)
        /// How many due rollouts are read in one look, beside those that are known.
        package var batch = 64

        package init() {}
    }

    private let store: any Store
    private let signals: FleetSignals
    private let settings: Settings
    private let holder: String
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
        self.holder = holder
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
                group.addTask { await self.decideWhatIsDue() }
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

    private func decideWhatIsDue() async {
        let loop = DecisionLoop(
            store: store, looks: signals.rollouts, holder: holder, settings: settings, presence: presence, tick: tick,
            logger: logger
        ) { await self.decide($0) }
        await loop.run()
    }

    /// One decision on one rollout.
    private func decide(_ rollout: RolloutName) async -> Result<DecisionQueue.Outcome, StoreError> {
        do throws(StoreError) {
            guard let lease = try await leases.lease(on: rollout) else { return .success(.elsewhere) }
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
            guard decision.rollout.phase.isEnded else { return .success(.decided) }
            try await leases.release(rollout)
            return .success(.ended)
        } catch  where error.code == .leaseLost {
            await leases.forget(rollout)
            logger.notice("lost a lease", metadata: ["rollout": "\(rollout)"])
            return .success(.elsewhere)
        } catch  where error.code == .notFound {
            // Else what was claimed would be renewed for as long as this process lives.
            try? await leases.release(rollout)
            return .success(.ended)
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
