internal import SwellModel

/// Runs worlds and says what broke.
public enum Proof {
    /// What one world came to.
    public struct Outcome: Sendable {
        public var settings: WorldSettings
        public var violation: Violation?
        /// What happened, where it was asked for: one line an event, the milliseconds since the beginning first.
        public var trace: [String]
        /// The part of it that concerns the clusters that the violation names, and what concerns no cluster alone.
        public var focusedTrace: [String]
        public var events: Int
        public var rollouts: Int
        public var coverage: Coverage
        /// How many minutes of its own time it lived, rounded up.
        public var minutes: Int64
    }

    /// Lives through one world.
    public static func run(_ settings: WorldSettings, keepsTrace: Bool = false) -> Outcome {
        var world = World(settings, keepsTrace: keepsTrace)
        var violation: Violation?
        do { try world.run() } catch { violation = error }
        let age = (world.now - world.checker.startedAt).milliseconds
        let named = Set(world.agents.map(\.cluster.name)).filter { violation?.message.contains($0.rawValue) ?? false }
        let focus = world.trace.filter { named.isEmpty || $0.cluster.map(named.contains) ?? true }
        return Outcome(
            settings: settings, violation: violation, trace: world.trace.map(text), focusedTrace: focus.map(text),
            events: world.eventCount, rollouts: world.rolloutCount, coverage: world.coverage,
            minutes: (age + 59_999) / 60_000)
    }

    private static func text(_ line: TraceLine) -> String {
        let time = "\(line.after.milliseconds)"
        return String(repeating: " ", count: max(0, 8 - time.count)) + time + " " + line.text
    }

    /// Looks for a smaller world that breaks the same invariant, within so many tries: small ones of other seeds first, then with a
    /// shorter storm, fewer kinds of faults, applications, replicas and clusters, each tried once more after another helped.
    public static func shrink(_ found: Outcome, attempts: Int = 300) -> Outcome {
        guard let violation = found.violation else { return found }
        var best = found
        var left = attempts
        @discardableResult
        func tries(_ change: (inout WorldSettings) -> Void) -> Bool {
            var settings = best.settings
            change(&settings)
            guard settings != best.settings, left > 0 else { return false }
            left -= 1
            let outcome = run(settings)
            guard outcome.violation?.invariant == violation.invariant, outcome.events < best.events else {
                return false
            }
            best = outcome
            return true
        }
        let seed = found.settings.seed
        for (fleet, minutes) in [(2, 4), (3, 8)] where fleet < found.settings.fleet {
            for other in seed...(seed + UInt64(attempts / 4)) {
                let isFound = tries {
                    $0.seed = other
                    $0.fleet = fleet
                    $0.applications = 1
                    $0.stormyMinutes = min(Int64(minutes), $0.stormyMinutes)
                }
                if isFound { break }
            }
            if best.settings.fleet == fleet { break }
        }
        var isSmaller = true
        while isSmaller, left > 0 {
            let before = best.settings
            if best.minutes < best.settings.stormyMinutes { tries { $0.stormyMinutes = best.minutes } }
            tries { $0.applications = 1 }
            for fault in Fault.allCases where best.settings.faults.contains(fault) {
                tries { $0.faults.remove(fault) }
            }
            tries { $0.replicas = 1 }
            for size in [2, 3, 4, 6, 8, 12, 16] where size < best.settings.fleet { tries { $0.fleet = size } }
            isSmaller = best.settings != before
        }
        return run(best.settings, keepsTrace: true)
    }
}
