internal import AsyncSupport
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// Carries out orders on the cluster: one task for each application, one order at a time, a newer one ending the older.
struct ClusterDriver: Sendable {
    let cluster: any ClusterPort
    let content: ReleaseContent
    let placement: PlacementFile
    let board: ApplicationOrders
    let inbox: Mailbox<MachineEvent>
    /// How many applies and removals may be under way at once; watching is not counted.
    let limiter: ConcurrencyLimiter
    /// How long between two looks for drift.
    let driftInterval: Duration
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// How long hooks for a failure may hold up the way back, which is what a cluster in trouble waits for.
    private static let failureHookLimit: Duration = .seconds(30)

    /// Runs until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            while let application = await board.newcomers.receive() {
                group.addTask { await serve(application) }
            }
        }
    }

    private func serve(_ application: ApplicationName) async {
        guard let slot = await board.slot(of: application) else { return }
        var order = await slot.next()
        // The apply that has begun and not come to its end; what it may have to be undone for is still to be done.
        var unsettled: (work: AgentWork, terms: OrderTerms)?
        while let current = order {
            if let failed = unsettled, current.follows(failureOf: failed.work) {
                unsettled = nil
                order = await runFailureHooks(of: failed.work, failed.terms, before: current, slot)
                continue
            }
            let (next, isUnsettled) = await carryOut(current, untilNextOf: slot)
            switch current {
            case .apply(let work, let terms):
                if let isUnsettled {
                    unsettled = isUnsettled ? (work, terms) : nil
                } else if unsettled?.work != work {
                    unsettled = nil
                }
            case .idle, .giveUp: break
            case .remove, .watch: unsettled = nil
            }
            order = next
        }
    }

    /// Carries an order out until the next one comes, and says whether what has begun did not come to its end; nil where nothing
    /// has begun.
    private func carryOut(
        _ order: ClusterOrder, untilNextOf slot: LatestValue<ClusterOrder>
    ) async -> (next: ClusterOrder?, isUnsettled: Bool?) {
        await withTaskGroup(of: Bool?.self) { group in
            group.addTask { await carryOut(order) }
            let next = await slot.next()
            group.cancelAll()
            return (next, await group.next() ?? nil)
        }
    }

    /// Runs what a release has for its failure, and returns the order that comes then. One of another generation does not wait
    /// for it: whoever sends another release is not to be held up by a hook of the one before.
    private func runFailureHooks(
        of work: AgentWork, _ terms: OrderTerms, before next: ClusterOrder, _ slot: LatestValue<ClusterOrder>
    ) async -> ClusterOrder? {
        await withTaskGroup(of: ClusterOrder?.self) { group in
            group.addTask {
                await runFailureHooks(of: work, terms)
                return nil
            }
            group.addTask {
                // Whether it was in time or not is told by what it left.
                try? await Task.sleep(for: Self.failureHookLimit)
                return nil
            }
            group.addTask { await slot.next() }
            var order = next
            while let outcome = await group.next() {
                guard let newer = outcome else {
                    group.cancelAll()
                    continue
                }
                order = newer
                if newer.follows(failureOf: work) {
                    group.addTask { await slot.next() }
                } else {
                    group.cancelAll()
                }
            }
            return Task.isCancelled ? nil : order
        }
    }

    private func runFailureHooks(of work: AgentWork, _ terms: OrderTerms) async {
        do {
            let release = try await prepare(work, terms)
            try await limiter.run { try await cluster.runFailureHooks(of: release) }
        } catch {
            guard !Task.isCancelled, !(error is CancellationError) else { return }
            logger.warning(
                "hooks for a failure did not succeed",
                metadata: [
                    "application": "\(work.application)", "generation": "\(work.generation)",
                    "reason": "\(Self.failure(of: error).message)",
                ])
        }
    }

    /// Carries an order out, and says of an apply whether what has begun did not come to its end.
    private func carryOut(_ order: ClusterOrder) async -> Bool? {
        switch order {
        case .idle, .giveUp: return nil
        case .apply(let work, let terms):
            let hasBegun = Mutex(false)
            let isDone = await report(work) {
                let release = try await prepare(work, terms)
                return try await limiter.run {
                    // Before its turn it touches nothing, and has nothing to be undone.
                    hasBegun.withLock { $0 = true }
                    return try await apply(release, for: work)
                }
            }
            return hasBegun.withLock { $0 } ? !isDone : nil
        case .remove(let work, let epoch):
            _ = await report(work) {
                try await limiter.run {
                    try await reportingReach(work) { observer in
                        try await cluster.remove(work.application, generation: work.generation, epoch: epoch) {
                            await observer.take(holdUp: $1, of: $0)
                        }
                    }
                }
            }
            return nil
        case .watch(let work, let drift, let terms):
            await watch(work, drift, terms)
            return nil
        }
    }

    /// Applies, tells what holds it up meanwhile, and says what is left of what it takes back.
    private func apply(_ release: ClusterRelease, for work: AgentWork) async throws -> String? {
        try await reportingReach(work) { observer in
            try await withThrowingTaskGroup(of: Applied?.self) { group in
                group.addTask {
                    Applied(left: try await cluster.apply(release) { await observer.take(holdUp: $1, of: $0) })
                }
                group.addTask {
                    // Only for people: a watch that fails harms nothing.
                    repeat {
                        await watch(release, until: observer)
                    } while !Task.isCancelled
                    return nil
                }
                defer { group.cancelAll() }
                while let applied = try await group.next() { if let applied { return applied.left } }
                return nil
            }
        }
    }

    /// A release that was applied.
    private struct Applied: Sendable {
        let left: String?
    }

    /// Watches until the API server comes back from an outage, which may have cut watches without their noticing.
    private func watch(_ release: ClusterRelease, until observer: ReleaseObserver) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    try? await cluster.watch(release, isApplying: true) { health in
                        await observer.take(health: health)
                    } onChange: {
                    }
                    // What is there to see may have changed, as when a kind came to be served.
                    try? await Task.sleep(for: .milliseconds(500))
                }
            }
            await observer.recovered.wait()
            group.cancelAll()
        }
    }

    /// Does something with a observer of health that an API server out of reach makes unknown at once.
    private func reportingReach<Result: Sendable>(
        _ work: AgentWork, isEvidence: Bool = false,
        _ body: @escaping @Sendable (ReleaseObserver) async throws -> Result
    ) async throws -> Result {
        let observer = ReleaseObserver(work: work, inbox: inbox, isEvidence: isEvidence)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body(observer) }
            group.addTask {
                await cluster.watchReach { await observer.take(outage: $0) }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() { if let result { return result } }
            throw CancellationError()
        }
    }

    private func prepare(_ work: AgentWork, _ terms: OrderTerms) async throws -> ClusterRelease {
        guard let release = work.release else {
            throw AgentError(.refusedByCluster, "a removal has no release")
        }
        let place = try await placement.place()
        let (bundle, objects) = try await content.render(release.digest, for: place)
        return ClusterRelease(
            application: bundle.application, release: release, generation: work.generation,
            epoch: terms.epoch, objects: objects, proven: terms.proven, wasProven: terms.wasProven,
            takesBack: terms.takesBack, provenGeneration: terms.provenGeneration,
            silentControllers: terms.silentControllers, isReturn: work.isReturn)
    }

    /// Does the work, which says what it has left in the cluster, and tells how it went unless it was cut short. True where it was
    /// done.
    private func report(_ work: AgentWork, _ body: () async throws -> String?) async -> Bool {
        do {
            let leaving = try await body()
            guard !Task.isCancelled else { return false }
            await inbox.send(.workFinished(work, leaving: leaving))
        } catch {
            guard !Task.isCancelled, !(error is CancellationError) else { return false }
            await inbox.send(.workFailed(work, Self.failure(of: error)))
            return false
        }
        return true
    }

    static func failure(of error: any Error) -> WorkFailure {
        switch error {
        case let error as ClusterError:
            WorkFailure(
                isTransient: error.isTransient, isBlind: error.isAway, reason: error.reason, message: error.message)
        case let error as AgentError:
            WorkFailure(
                isTransient: error.code != .refusedByCluster,
                reason: error.code == .refusedByCluster ? "Unrenderable" : "ContentUnavailable",
                message: error.description)
        default: WorkFailure(isTransient: true, reason: "Unexpected", message: "\(error)")
        }
    }

    private func watch(_ work: AgentWork, _ drift: DriftPolicy, _ terms: OrderTerms) async {
        while !Task.isCancelled {
            do {
                let release = try await prepare(work, terms)
                try await reportingReach(work, isEvidence: true) { observer in
                    let changes = Signal()
                    await board.wake(changes, for: work.application)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask {
                            try await cluster.watch(release, isApplying: false) { health in
                                await observer.take(health: health)
                            } onChange: {
                                changes.send()
                            }
                        }
                        group.addTask { try await lookForDrift(of: release, work, drift, changes) }
                        // A watch may have been cut without its noticing: all is listed again.
                        group.addTask { await observer.recovered.wait() }
                        // The others do not end but by an error or cancellation.
                        try await group.next()
                        group.cancelAll()
                    }
                }
            } catch {
                guard !Task.isCancelled else { return }
                let failure = Self.failure(of: error)
                await inbox.send(
                    .healthObserved(
                        work, ObservedHealth(.unknown, reason: failure.reason, message: failure.message)))
                logger.debug("watching failed", metadata: ["application": "\(work.application)", "error": "\(error)"])
            }
            try? await Task.sleep(for: .seconds(2))
        }
    }

    /// Looks at once, now and then, and soon after somebody wrote to one of the objects.
    private func lookForDrift(
        of release: ClusterRelease, _ work: AgentWork, _ policy: DriftPolicy, _ changes: Signal
    ) async throws {
        let interval = Interval(milliseconds: Int64(driftInterval / .milliseconds(1)))
        var watch = DriftWatch(
            base: min(.seconds(1), Interval(milliseconds: interval.milliseconds / 4)), ceiling: interval)
        var stateLog = StateLog()
        var isFirst = true
        while !Task.isCancelled {
            // Spread, so that the applications of a cluster are not looked at in step.
            try await Task.sleep(for: watch.pause.duration * Double.random(in: 0.8..<1.2))
            if !isFirst { await changes.wait(upTo: driftInterval * Double.random(in: 0.8..<1.2)) }
            isFirst = false
            let look = try await DriftLook.look(
                at: cluster, for: release, isCorrecting: policy == .correct, &watch, now: now)
            if let finding = look.finding { await inbox.send(.driftObserved(work, finding)) }
            if let failure = look.failure {
                tellUncorrected(failure, work, &stateLog)
            } else {
                _ = stateLog.isNews("")
            }
        }
    }

    private func tellUncorrected(_ error: ClusterError, _ work: AgentWork, _ log: inout StateLog) {
        guard !error.isAway, log.isNews(error.message) else { return }
        logger.warning(
            "drift cannot be looked for or corrected, trying again",
            metadata: ["application": "\(work.application)", "reason": "\(error)"])
    }
}
