internal import AsyncSupport
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Synchronization

/// Does as ``DecisionQueue`` says: looks into the store, hands out what is due to as many workers as there are places, and waits for none of them.
///
/// A look follows each signal, the poll, the earliest stored wake-up and each decision. Nothing is handed out while the store does not answer, or
/// while nobody can know which agents are silent.
final class DecisionLoop: Sendable {
    /// What one decision came to; an error stands for `stopped` where the store is away, and for `failed` else.
    typealias Decide = @Sendable (RolloutName) async -> Result<DecisionQueue.Outcome, StoreError>

    private struct State {
        var queue: DecisionQueue
        var isAway = false
        var isWaiting = false
        /// The rollouts that cannot be decided, with the error last logged, so that each is logged once. Bounded by the queue: what that
        /// forgets is forgotten here.
        var broken: [RolloutName: String] = [:]
    }

    private let store: any Store
    private let looks: Signal
    private let holder: String
    private let settings: Reconciler.Settings
    private let presence: FleetPresence?
    private let tick: @Sendable () -> Tick
    private let logger: Logger
    private let decide: Decide
    private let state: Mutex<State>
    /// There may be something to hand out.
    private let work = Signal()

    /// - Parameter looks: sent where something may be due; nobody else waits for it.
    init(
        store: any Store, looks: Signal, holder: String, settings: Reconciler.Settings, presence: FleetPresence?,
        tick: @escaping @Sendable () -> Tick, logger: Logger, decide: @escaping Decide
    ) {
        self.store = store
        self.looks = looks
        self.holder = holder
        self.settings = settings
        self.presence = presence
        self.tick = tick
        self.logger = logger
        self.decide = decide
        self.state = Mutex(State(queue: DecisionQueue(concurrency: settings.concurrency)))
    }

    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.lookForEver() }
            while !Task.isCancelled {
                while !Task.isCancelled, let rollout = take() { group.addTask { await self.work(on: rollout) } }
                await work.wait(upTo: pause().duration)
            }
        }
    }

    // MARK: Looking

    private func lookForEver() async {
        while !Task.isCancelled {
            var rest = settings.poll
            do throws(StoreError) {
                let (look, known) = state.withLock { ($0.queue.beginLook(now: tick()), $0.queue.known) }
                let found = try await store.dueRollouts(for: holder, limit: known + settings.batch)
                state.withLock { state in
                    state.queue.offer(found.rollouts, from: look, now: tick())
                    state.broken = state.broken.filter { state.queue.knows($0.key) }
                }
                if let wait = found.untilWakeUp { rest = max(.milliseconds(10), min(rest, wait)) }
                note(isAway: nil)
                work.send()
            } catch {
                presence?.storeFailed()
                note(isAway: error)
            }
            await looks.wait(upTo: rest.duration)
        }
    }

    private func note(isAway error: StoreError?) {
        guard !Task.isCancelled, state.withLock({ exchange(&$0.isAway, with: error != nil) }) != (error != nil) else {
            return
        }
        if let error {
            logger.error("rollouts wait for the database", metadata: ["error": "\(error)"])
        } else {
            logger.info("the database is back")
        }
    }

    // MARK: Working

    private func take() -> RolloutName? {
        let now = tick()
        // In the store's absence the gate is not asked: waiting for presence that nobody can write is no waiting.
        guard state.withLock({ $0.isAway ? nil : $0.queue.wait(now: now) }) == .zero else { return nil }
        let mayDecide = presence?.mayDecide() ?? true
        let wasWaiting = state.withLock { exchange(&$0.isWaiting, with: !mayDecide) }
        if !mayDecide, !wasWaiting {
            logger.notice("rollouts wait until it is known again which agents are silent")
        }
        return mayDecide ? state.withLock { $0.queue.next(now: now) } : nil
    }

    /// Until something may be handed out that cannot be now, or what holds everything up is asked for again.
    private func pause() -> Interval {
        let now = tick()
        let wait = state.withLock { $0.isWaiting || $0.isAway ? nil : $0.queue.wait(now: now) }
        return max(.milliseconds(1), min(settings.poll, wait ?? settings.poll))
    }

    private func work(on rollout: RolloutName) async {
        let outcome: DecisionQueue.Outcome
        switch await decide(rollout) {
        case .success(let reached):
            outcome = reached
            if reached != .elsewhere { state.withLock { $0.broken[rollout] = nil } }
        case .failure(let error):
            outcome = error.code == .unavailable || error.code == .outcomeUnknown ? .stopped : .failed
            if outcome == .stopped { presence?.storeFailed() }
            note(error, of: rollout)
        }
        state.withLock { $0.queue.done(rollout, outcome, now: tick()) }
        work.send()
        looks.send()
    }

    private func note(_ error: StoreError, of rollout: RolloutName) {
        let text = "\(error)"
        guard !Task.isCancelled, state.withLock({ exchange(&$0.broken[rollout], with: text) }) != text else { return }
        if error.code == .unavailable || error.code == .outcomeUnknown {
            logger.notice("a decision was not finished", metadata: ["rollout": "\(rollout)", "error": "\(text)"])
        } else {
            logger.error("a rollout cannot be decided", metadata: ["rollout": "\(rollout)", "error": "\(text)"])
        }
    }

    private func exchange<Value>(_ value: inout Value, with new: Value) -> Value {
        defer { value = new }
        return value
    }
}
