internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Goes through everything that can happen to a tiny fleet, breadth first: every order of every step from the first state on, until
/// no state is left whose steps were not taken.
///
/// States are told apart by their ``CanonicalForm``. That a state which was met before goes on as the one it was taken for is checked
/// where it was reached by another way: its steps are taken too, and must lead to the same states. The end of a rollout ends a path.
public struct Explorer {
    /// What an exploration came to.
    public struct Outcome: Sendable {
        public var settings: ExplorerSettings
        public var states = 0
        public var transitions = 0
        /// The number of steps of the longest shortest path.
        public var depth = 0
        /// Whether no state was left; false where it broke off at a violation or the limit.
        public var isComplete = false
        /// How many states that were met again were gone on from, to see that they are what they were taken for.
        public var comparisons = 0
        /// How many states each end was met in.
        public var ends: [String: Int] = [:]
        public var violation: Violation?
        /// The steps that lead to the violation, and no fewer do.
        public var path: [String] = []
    }

    private let settings: ExplorerSettings
    private var outcome: Outcome
    private var graph = StateGraph()
    private let initial: TinyFleet
    private var next: [(place: UInt32, fleet: TinyFleet)] = []
    /// One in so many states that are met again is gone on from.
    private static let comparedShare = 16

    private init(_ settings: ExplorerSettings) throws(Violation) {
        self.settings = settings
        self.outcome = Outcome(settings: settings)
        self.initial = try TinyFleet(settings)
    }

    /// Explores; `progress` hears of each depth that is done, with the states met so far and those to go on from.
    public static func run(
        _ settings: ExplorerSettings, progress: (_ depth: Int, _ states: Int, _ frontier: Int) -> Void = { _, _, _ in }
    ) -> Outcome {
        do throws(Violation) {
            var explorer = try Explorer(settings)
            explorer.explore(progress)
            return explorer.outcome
        } catch {
            var outcome = Outcome(settings: settings)
            outcome.violation = error
            return outcome
        }
    }

    private mutating func explore(_ progress: (Int, Int, Int) -> Void) {
        var frontier = [(place: StateGraph.root, fleet: initial)]
        _ = graph.add(CanonicalForm(initial).fingerprint, from: StateGraph.root, by: 0)
        while !frontier.isEmpty {
            for (place, fleet) in frontier {
                do {
                    try expand(fleet, at: place)
                } catch {
                    return finish(error, at: place)
                }
                guard graph.count <= settings.stateLimit else { return finish(nil, at: nil) }
            }
            frontier = next
            next = []
            if !frontier.isEmpty { outcome.depth += 1 }
            progress(outcome.depth, graph.count, frontier.count)
        }
        outcome.isComplete = true
        if let stuck = graph.stuckState() {
            let violation = Violation(
                invariant: 19,
                message: "the rollout can neither end nor wait at a gate without a further fault or order")
            return finish(Found(violation: violation, step: nil), at: stuck)
        }
        finish(nil, at: nil)
    }

    /// A violation, with the step that led to it from the state that was gone on from.
    private struct Found: Error {
        var violation: Violation
        var step: ExplorerStep?
    }

    /// Takes every step of a state.
    private mutating func expand(_ fleet: TinyFleet, at place: UInt32) throws(Found) {
        if let end = fleet.restingPlace {
            outcome.ends[end, default: 0] += 1
            graph.noteRest(place)
            if fleet.hasEnded { return }
        }
        var reached = StepOutcomes()
        for (ordinal, step) in fleet.steps().enumerated() {
            let (after, state) = try take(step, in: fleet)
            outcome.transitions += 1
            reached.add(step, state)
            let (other, isNew) = graph.add(state, from: place, by: ordinal)
            if !step.isCounted { graph.connect(place, to: other) }
            if isNew {
                do throws(Violation) { try after.ledger.check(after) } catch {
                    throw Found(violation: error, step: step)
                }
                next.append((other, after))
            } else {
                try compare(after, with: other)
            }
        }
        graph.noteOutcome(reached.value, of: place)
    }

    private func take(_ step: ExplorerStep, in fleet: TinyFleet) throws(Found) -> (TinyFleet, Fingerprint) {
        var after = fleet
        do throws(Violation) { try after.take(step) } catch { throw Found(violation: error, step: step) }
        return (after, CanonicalForm(after).fingerprint)
    }

    /// Goes on from a state that was met before, now and then, and expects what was met then.
    private mutating func compare(_ fleet: TinyFleet, with place: UInt32) throws(Found) {
        guard outcome.transitions.isMultiple(of: Self.comparedShare), let expected = graph.outcome(of: place) else {
            return
        }
        outcome.comparisons += 1
        var reached = StepOutcomes()
        for step in fleet.steps() { reached.add(step, try take(step, in: fleet).1) }
        guard reached.value == expected else {
            throw Found(
                violation: Violation(
                    invariant: 0, message: "two states that the explorer takes for one go on differently"), step: nil)
        }
    }

    private mutating func finish(_ found: Found?, at place: UInt32?) {
        outcome.states = graph.count
        outcome.violation = found?.violation
        guard let found, let place else { return }
        outcome.isComplete = false
        var fleet = initial
        var steps: [ExplorerStep] = []
        for ordinal in graph.path(to: place) {
            let step = fleet.steps()[ordinal]
            steps.append(step)
            // It was taken before without a violation.
            try? fleet.take(step)
        }
        if let step = found.step { steps.append(step) }
        outcome.path = steps.map(\.description)
    }
}

/// What a state's steps lead to, in one number that is never 0.
private struct StepOutcomes {
    private(set) var value: UInt64 = 1

    mutating func add(_ step: ExplorerStep, _ state: Fingerprint) {
        value = (value &* 0x9E37_79B9_7F4A_7C15 ^ state.high) &* 0xD6E8_FEB8_6659_FD93 ^ (state.low << 1)
        value |= 1
    }
}

extension TinyFleet {
    var hasEnded: Bool { database.rollout(Self.rollout)?.phase.isEnded ?? true }

    /// The end that the rollout has come to, or the gate that it waits at and names; nil where it should go on by itself.
    var restingPlace: String? {
        guard let input = database.decisionInput(of: Self.rollout, epoch: 0) else { return nil }
        let rollout = input.rollout
        guard !rollout.phase.isEnded else { return rollout.phase.rawValue }
        let gates: Set<Blocker.Kind> = [.pause, .regionPause, .failure]
        let isGated =
            rollout.phase == .paused || rollout.pause != nil || !rollout.pausedRegions.isEmpty
            || !input.snapshot.pausedRegions.isEmpty
        guard isGated else { return nil }
        return Blockers.of(rollout, snapshot: input.snapshot, now: now).map(\.what).first(where: gates.contains)
            .map { "waiting: \($0.rawValue)" }
    }
}
