internal import PostgresTesting
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Histories of one client whose connections are cut while its calls are under way.
///
/// A call whose outcome is not known may have been done or not: the model goes both ways, until an answer tells which was right.
struct BrokenHistory {
    /// What a history came to.
    struct Report {
        var operations = 0
        var unavailable = 0
        var unknown = 0
        /// How many of the unknown turned out to have been done.
        var done = 0
        var cuts = 0
        /// How many answers to COMMIT were lost though it was carried out.
        var lostAnswers = 0
        var divergence: String?
    }

    /// One way in which things may have gone.
    private struct Candidate {
        var memory: MemoryStore
        var client: StoreClient
        var wasDone: Bool?
    }

    private let database: HistoryDatabase
    private let relay: CuttingRelay
    private let store: PostgresStore
    private let clock = HistoryClock()
    private var random: SplitMix
    private var real = StoreClient()
    private var candidates: [Candidate]
    private var report = Report()

    private init(_ database: HistoryDatabase, _ relay: CuttingRelay, _ store: PostgresStore, seed: UInt64) {
        self.database = database
        self.relay = relay
        self.store = store
        self.random = SplitMix(seed: seed ^ 0xC0FF_EE00)
        let clock = clock
        self.candidates = [Candidate(memory: MemoryStore { clock.now }, client: StoreClient())]
    }

    static func run(seed: UInt64, length: Int) async throws -> Report {
        try await HistoryDatabase.with { database in
            let relay = try CuttingRelay(to: database.configuration)
            defer { relay.close() }
            return try await withPool(relay.configuration(database.configuration)) { pool in
                try await database.delayCommits(milliseconds: 2)
                relay.loseCommitAnswers(oneIn: 11)
                var history = BrokenHistory(database, relay, PostgresStore(pool: pool), seed: seed)
                try await history.live(seed: seed, length: length)
                history.report.lostAnswers = relay.lostAnswers
                return history.report
            }
        }
    }

    private mutating func live(seed: UInt64, length: Int) async throws {
        var generator = OperationGenerator(seed: seed)
        var made: [StoreOperation] = []
        // Each call of unknown outcome may double the ways; a history that has too many ends early.
        while made.count < length, candidates.count <= 16 {
            let operation = generator.next(await candidates[0].memory.snapshot)
            // Two transactions: what came of the first when the second was lost is not told.
            if case .maintain = operation { continue }
            made.append(operation)
            report.operations += 1
            if case .timePasses(let interval) = operation { try await database.setClock(clock.advance(by: interval)) }
            let given = try await performAmidCuts(operation)
            try await follow(operation, given)
            if given.code == StoreError.Code.outcomeUnknown.rawValue { try await look() }
            guard report.divergence == nil else {
                let list = made.enumerated().map { "  \($0.offset + 1). \($0.element)" }.joined(separator: "\n")
                report.divergence = "\(report.divergence ?? "")\nafter\n\(list)"
                return
            }
        }
        try await look()
    }

    /// Performs it, and cuts every connection at some moment meanwhile, now and then.
    private mutating func performAmidCuts(_ operation: StoreOperation) async throws -> StoreOutcome {
        guard random.next() % 3 == 0 else { return await real.perform(operation, on: store) }
        let delays = (0...Int(random.next() % 2)).map { _ in Duration.microseconds(Int64(random.next() % 6_000)) }
        // On the server's side or on the way.
        let isOnServer = random.next() % 2 == 0
        let (database, relay) = (database, relay)
        async let cuts = {
            var cuts = 0
            for delay in delays {
                try await Task.sleep(for: delay)
                cuts += try await isOnServer ? database.cutConnections() : relay.cut()
            }
            return cuts
        }()
        let outcome = await real.perform(operation, on: store)
        report.cuts += try await cuts
        return outcome
    }

    /// Lets the candidates follow, and drops those that would have answered otherwise.
    private mutating func follow(_ operation: StoreOperation, _ given: StoreOutcome) async throws {
        switch given.code {
        case StoreError.Code.unavailable.rawValue:
            report.unavailable += 1
        case StoreError.Code.outcomeUnknown.rawValue:
            report.unknown += 1
            let grantedEpoch = try await database.highestEpoch()
            var others: [Candidate] = []
            for index in candidates.indices {
                candidates[index].wasDone = false
                var other = candidates[index]
                let clock = clock
                other.memory = MemoryStore(state: await candidates[index].memory.snapshot) { clock.now }
                other.wasDone = true
                // The caller learnt nothing, so neither does the model's client.
                var client = other.client
                if grantedEpoch > client.highestEpoch { try await other.memory.raiseEpochs(above: grantedEpoch - 1) }
                _ = await client.perform(operation, on: other.memory)
                others.append(other)
            }
            candidates += others
        default:
            var agreeing: [Candidate] = []
            var expected = ""
            for var candidate in candidates {
                if real.highestEpoch > candidate.client.highestEpoch {
                    try await candidate.memory.raiseEpochs(above: real.highestEpoch - 1)
                }
                let outcome = await candidate.client.perform(operation, on: candidate.memory)
                if outcome == given { agreeing.append(candidate) } else { expected = outcome.description }
            }
            guard agreeing.isEmpty else {
                candidates = agreeing
                return
            }
            report.divergence = "\(operation)\npostgres: \(given)\nmemory:   \(expected)"
        }
    }

    /// Reads everything, until one way is left in which things may have gone.
    private mutating func look() async throws {
        try await database.settled()
        let rollouts = await candidates[0].memory.snapshot.rolloutSummaries(of: nil, limit: 100).map(\.name)
        for operation in StoreOperation.everyReading(rollouts: rollouts) where report.divergence == nil {
            try await follow(operation, await real.perform(operation, on: store))
        }
        // What is left agrees in all that can be read, and may differ in leases and tokens, which later calls tell.
        if candidates.allSatisfy({ $0.wasDone == true }), report.divergence == nil { report.done += 1 }
        for index in candidates.indices { candidates[index].wasDone = nil }
    }
}
