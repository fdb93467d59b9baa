/// Many worlds, as many at once as there are cores.
public struct Campaign: Sendable {
    /// The seeds to live through, one world each.
    public var seeds: Range<UInt64>
    /// What the worlds have in common; its seed is not looked at.
    public var settings: WorldSettings
    /// How many worlds run at once.
    public var jobs: Int
    /// After this long no further world begins; nil does not limit.
    public var limit: Duration?
    /// After so many broken worlds no further world begins.
    public var brokenLimit: Int

    public init(
        seeds: Range<UInt64>, settings: WorldSettings, jobs: Int, limit: Duration? = nil, brokenLimit: Int = 10
    ) {
        self.seeds = seeds
        self.settings = settings
        self.jobs = jobs
        self.limit = limit
        self.brokenLimit = brokenLimit
    }

    /// What the worlds came to so far.
    public struct Tally: Sendable {
        public fileprivate(set) var worlds = 0
        public fileprivate(set) var rollouts = 0
        public fileprivate(set) var events = 0
        /// The worlds in which an invariant broke, in the order of their seeds.
        public fileprivate(set) var broken: [Proof.Outcome] = []
        public fileprivate(set) var coverage = Coverage()
        public fileprivate(set) var elapsed = Duration.zero

        /// How many of something there were a second.
        public func rate(of count: Int) -> Double {
            let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
            return seconds > 0 ? Double(count) / seconds : 0
        }

        fileprivate mutating func add(_ outcome: Proof.Outcome) {
            worlds += 1
            rollouts += outcome.rollouts
            events += outcome.events
            coverage.add(outcome.coverage)
            if outcome.violation != nil { broken.append(outcome) }
        }
    }

    /// Runs the worlds, telling of each that has ended.
    public func run(onWorld: (Tally) -> Void = { _ in }) async -> Tally {
        let clock = ContinuousClock()
        let start = clock.now
        var tally = Tally()
        await withTaskGroup(of: Proof.Outcome.self) { group in
            var next = seeds.lowerBound
            func begin() {
                guard next < seeds.upperBound, tally.broken.count < brokenLimit,
                    limit.map({ clock.now - start < $0 }) ?? true
                else { return }
                var settings = settings
                settings.seed = next
                next += 1
                group.addTask { [settings] in Proof.run(settings) }
            }
            for _ in 0..<max(1, jobs) { begin() }
            while let outcome = await group.next() {
                tally.add(outcome)
                tally.elapsed = clock.now - start
                onWorld(tally)
                begin()
            }
        }
        tally.broken.sort { $0.settings.seed < $1.settings.seed }
        return tally
    }
}
