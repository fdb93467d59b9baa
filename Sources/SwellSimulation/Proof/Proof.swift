/// Runs worlds and says what broke.
public enum Proof {
    /// What one world came to.
    public struct Outcome: Sendable {
        public var settings: WorldSettings
        public var violation: Violation?
        /// What happened, where it was asked for: one line an event.
        public var trace: [String]
        public var events: Int
        public var rollouts: Int
        public var coverage: Coverage
    }

    /// Lives through one world.
    public static func run(_ settings: WorldSettings, keepsTrace: Bool = false) -> Outcome {
        var world = World(settings, keepsTrace: keepsTrace)
        var violation: Violation?
        do { try world.run() } catch { violation = error }
        return Outcome(
            settings: settings, violation: violation, trace: world.trace, events: world.eventCount,
            rollouts: world.rolloutCount, coverage: world.coverage)
    }

    /// Looks for a smaller world that breaks the same invariant: fewer kinds of faults, then fewer clusters, then a shorter storm.
    public static func shrink(_ found: Outcome) -> Outcome {
        guard let violation = found.violation else { return found }
        var best = found
        func tries(_ settings: WorldSettings) -> Bool {
            let outcome = run(settings)
            guard outcome.violation?.invariant == violation.invariant, outcome.events <= best.events * 2 else {
                return false
            }
            best = outcome
            return true
        }
        for fault in Fault.allCases where best.settings.faults.contains(fault) {
            var settings = best.settings
            settings.faults.remove(fault)
            _ = tries(settings)
        }
        for size in [2, 3, 4, 6, 8, 12, 16] where size < best.settings.fleet {
            var settings = best.settings
            settings.fleet = size
            if tries(settings) { break }
        }
        return run(best.settings, keepsTrace: true)
    }
}
