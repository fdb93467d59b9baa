internal import Logging
internal import SwellEngine
internal import SwellModel

/// Carries out orders on the cluster: one task for each application, one order at a time, a newer one ending the older.
struct ClusterDriver: Sendable {
    let cluster: any ClusterPort
    let content: ReleaseContent
    let placement: PlacementFile
    let board: OrderBoard
    let inbox: Mailbox<MachineEvent>
    /// How many applies and removals may be under way at once; watching is not counted.
    let turns: Turns
    /// How long between two looks for drift.
    let driftInterval: Duration
    let now: @Sendable () -> Timestamp
    let logger: Logger

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
        // What was being applied when another order came.
        var cutShort: (work: AgentWork, epoch: Int64)?
        while let current = order {
            if let failed = cutShort, current.follows(failureOf: failed.work) {
                cutShort = nil
                order = await runFailureHooks(of: failed.work, epoch: failed.epoch, before: current, slot)
                continue
            }
            let (next, isTold) = await carryOut(current, untilNextOf: slot)
            switch current {
            case .apply(let work, let epoch): cutShort = isTold ? nil : (work, epoch)
            case .idle, .giveUp: break
            case .remove, .watch: cutShort = nil
            }
            order = next
        }
    }

    /// Carries an order out until the next one comes, and says whether it ended by itself.
    private func carryOut(
        _ order: ClusterOrder, untilNextOf slot: LatestSlot<ClusterOrder>
    ) async -> (next: ClusterOrder?, isTold: Bool) {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await carryOut(order) }
            let next = await slot.next()
            group.cancelAll()
            return (next, await group.next() ?? true)
        }
    }

    /// Runs what a release has for its failure, and returns the order that comes then. One of another generation does not wait
    /// for it: whoever sends another release is not to be held up by a hook of the one before.
    private func runFailureHooks(
        of work: AgentWork, epoch: Int64, before next: ClusterOrder, _ slot: LatestSlot<ClusterOrder>
    ) async -> ClusterOrder? {
        await withTaskGroup(of: ClusterOrder?.self) { group in
            group.addTask {
                do {
                    let release = try await prepare(work, epoch: epoch)
                    try await turns.run { try await cluster.runFailureHooks(of: release) }
                } catch {
                    guard !Task.isCancelled, !(error is CancellationError) else { return nil }
                    logger.warning(
                        "hooks for a failure did not succeed",
                        metadata: [
                            "application": "\(work.application)", "generation": "\(work.generation)",
                            "reason": "\(Self.failure(of: error).message)",
                        ])
                }
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

    /// Carries an order out, and says whether how it went was told: not where it was cut short.
    private func carryOut(_ order: ClusterOrder) async -> Bool {
        switch order {
        case .idle, .giveUp: return true
        case .apply(let work, let epoch):
            return await report(work) {
                let release = try await prepare(work, epoch: epoch)
                try await turns.run { try await apply(release, for: work) }
            }
        case .remove(let work, let epoch):
            return await report(work) {
                try await turns.run {
                    try await tellingReach(work) { sight in
                        try await cluster.remove(work.application, generation: work.generation, epoch: epoch) {
                            await sight.take(holdUp: $1, of: $0)
                        }
                    }
                }
            }
        case .watch(let work, let drift, let epoch):
            await watch(work, drift, epoch: epoch)
            return true
        }
    }

    /// Applies, and tells what holds it up meanwhile.
    private func apply(_ release: ClusterRelease, for work: AgentWork) async throws {
        try await tellingReach(work) { sight in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await cluster.apply(release) { await sight.take(holdUp: $1, of: $0) }
                    return true
                }
                group.addTask {
                    // Only for people: a watch that fails harms nothing.
                    repeat {
                        await watch(release, until: sight)
                    } while !Task.isCancelled
                    return false
                }
                defer { group.cancelAll() }
                while let isApplied = try await group.next() { if isApplied { return } }
            }
        }
    }

    /// Watches until the API server comes back from an outage, which may have cut watches without their noticing.
    private func watch(_ release: ClusterRelease, until sight: ReleaseSight) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    try? await cluster.watch(release, isApplying: true) { health in
                        await sight.take(health: health)
                    } onChange: {
                    }
                    // What is there to see may have changed, as when a kind came to be served.
                    try? await Task.sleep(for: .milliseconds(500))
                }
            }
            _ = await sight.recovered.next()
            group.cancelAll()
        }
    }

    /// Does something with a sight of health that an API server out of reach makes unknown at once.
    private func tellingReach<Result: Sendable>(
        _ work: AgentWork, isEvidence: Bool = false,
        _ body: @escaping @Sendable (ReleaseSight) async throws -> Result
    ) async throws -> Result {
        let sight = ReleaseSight(work: work, inbox: inbox, isEvidence: isEvidence)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body(sight) }
            group.addTask {
                await cluster.watchReach { await sight.take(outage: $0) }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() { if let result { return result } }
            throw CancellationError()
        }
    }

    private func prepare(_ work: AgentWork, epoch: Int64) async throws -> ClusterRelease {
        guard let release = work.release else {
            throw AgentError(.refusedByCluster, "a removal has no release")
        }
        let place = try await placement.place()
        let (bundle, objects) = try await content.render(release.digest, for: place)
        return ClusterRelease(
            application: bundle.application, release: release, generation: work.generation, epoch: epoch,
            objects: objects)
    }

    /// Does the work, and tells how it went unless it was cut short; whether it was told.
    private func report(_ work: AgentWork, _ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            guard !Task.isCancelled else { return false }
            await inbox.send(.workFinished(work))
        } catch {
            guard !Task.isCancelled, !(error is CancellationError) else { return false }
            await inbox.send(.workFailed(work, Self.failure(of: error)))
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

    private func watch(_ work: AgentWork, _ drift: DriftPolicy, epoch: Int64) async {
        while !Task.isCancelled {
            do {
                let release = try await prepare(work, epoch: epoch)
                try await tellingReach(work, isEvidence: true) { sight in
                    let changes = LatestSlot<Void>()
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask {
                            try await cluster.watch(release, isApplying: false) { health in
                                await sight.take(health: health)
                            } onChange: {
                                changes.put(())
                            }
                        }
                        group.addTask { try await lookForDrift(of: release, work, drift, changes) }
                        // A watch may have been cut without its noticing: all is listed anew.
                        group.addTask { _ = await sight.recovered.next() }
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
        of release: ClusterRelease, _ work: AgentWork, _ policy: DriftPolicy, _ changes: LatestSlot<Void>
    ) async throws {
        let interval = Interval(milliseconds: Int64(driftInterval / .milliseconds(1)))
        var watch = DriftWatch(
            base: min(.seconds(1), Interval(milliseconds: interval.milliseconds / 4)), ceiling: interval)
        var teller = StateTeller()
        var isFirst = true
        while !Task.isCancelled {
            // Spread, so that the applications of a cluster are not looked at in step.
            try await Task.sleep(for: watch.pause.duration * Double.random(in: 0.8..<1.2))
            if !isFirst { _ = await changes.next(within: driftInterval * Double.random(in: 0.8..<1.2)) }
            isFirst = false
            do {
                let isCorrecting = policy == .correct
                let objects = try await cluster.drift(of: release, isCorrecting: isCorrecting)
                if let finding = watch.note(objects, isCorrected: isCorrecting, now: now()) {
                    await inbox.send(.driftObserved(work, finding))
                }
                _ = teller.isNews("")
            } catch let error as ClusterError {
                guard !error.isAway, teller.isNews(error.message) else { continue }
                logger.warning(
                    "drift cannot be looked for or corrected, trying again",
                    metadata: ["application": "\(work.application)", "reason": "\(error)"])
            }
        }
    }
}
