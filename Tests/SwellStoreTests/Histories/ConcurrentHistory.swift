internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Synchronization

/// Short histories of several clients at once: what they were told must be what one after another in some order would have been
/// told by the model, an order that keeps to what had ended before another call began (Wing and Gong's check).
enum ConcurrentHistory {
    /// A call with when it began and ended.
    struct Call: Sendable, CustomStringConvertible {
        var client: Int
        var operation: StoreOperation
        var began: Int
        var ended: Int
        var outcome: StoreOutcome
        var epoch: Int64

        var description: String { "client \(client), \(began) to \(ended): \(operation) => \(outcome)" }
    }

    struct Report {
        var calls = 0
        /// How many calls overlapped with one of another client.
        var overlapping = 0
        var unavailable = 0
        var divergence: String?
    }

    static func run(
        seed: UInt64, faultShare: Int64, prefix: Int = 40, clients: Int = 3, length: Int = 4
    ) async throws -> Report {
        try await HistoryDatabase.with { database in
            try await withPool(database.configuration) { pool in
                let store = PostgresStore(pool: pool)
                let clock = HistoryClock()
                let memory = MemoryStore { clock.now }
                var client = StoreClient()
                var model = StoreClient()
                var generator = OperationGenerator(seed: seed)
                for _ in 0..<prefix {
                    let operation = generator.next(await memory.snapshot)
                    if case .timePasses(let interval) = operation {
                        try await database.setClock(clock.advance(by: interval))
                    }
                    let given = await client.perform(operation, on: store)
                    if client.highestEpoch > model.highestEpoch {
                        try await memory.raiseEpochs(above: client.highestEpoch - 1)
                    }
                    let expected = await model.perform(operation, on: memory)
                    guard given == expected else {
                        return Report(divergence: "in the prefix: \(operation)\n\(given)\n\(expected)")
                    }
                }
                try await database.failOne(in: faultShare)
                let snapshot = await memory.snapshot
                let plans = (0..<clients).map { _ in
                    (0..<length).map { _ in generator.nextConcurrent(snapshot) }
                }
                let calls = try await perform(plans, from: client, on: store)
                try await database.failOne(in: 1)
                return try await judge(
                    calls, from: Standing(state: snapshot, clients: .init(repeating: model, count: clients)), store,
                    clock)
            }
        }
    }

    /// Lets every client go through its own plan, all at once.
    private static func perform(
        _ plans: [[StoreOperation]], from client: StoreClient, on store: PostgresStore
    ) async throws -> [Call] {
        let ticks = Ticks()
        return try await withThrowingTaskGroup(of: [Call].self) { group in
            for (index, plan) in plans.enumerated() {
                group.addTask {
                    var client = client
                    var calls: [Call] = []
                    for operation in plan {
                        let began = ticks.next()
                        let outcome = await client.perform(operation, on: store)
                        let ended = ticks.next()
                        calls.append(
                            Call(
                                client: index, operation: operation, began: began, ended: ended, outcome: outcome,
                                epoch: client.highestEpoch))
                    }
                    return calls
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    /// Numbers the beginnings and ends of calls.
    private final class Ticks: Sendable {
        private let count = Atomic(0)
        func next() -> Int { count.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }
    }

    /// How far an order of calls has got.
    private struct Standing {
        var state: MemoryState
        var clients: [StoreClient]
    }

    private static func judge(_ calls: [Call], from standing: Standing, _ store: PostgresStore, _ clock: HistoryClock)
        async throws -> Report
    {
        var report = Report(calls: calls.count)
        report.overlapping = calls.count { call in
            calls.contains { $0.client != call.client && $0.began < call.ended && call.began < $0.ended }
        }
        // What could not be done was not done.
        let done = calls.filter { $0.outcome.code != StoreError.Code.unavailable.rawValue }
        report.unavailable = calls.count - done.count
        // The last call: what everything has come to.
        var reader = StoreClient()
        let rollouts = Set(
            try await store.rollouts(of: nil, limit: 100).map(\.name)
        ).sorted()
        var endings: [(StoreOperation, StoreOutcome)] = []
        for operation in StoreOperation.everyReading(rollouts: rollouts) where operation.isReadAlike {
            endings.append((operation, await reader.perform(operation, on: store)))
        }
        var search = Search(clock: clock, endings: endings)
        if try await !search.canFollow(done, standing) {
            let list = calls.sorted { $0.began < $1.began }.map { "  \($0)" }.joined(separator: "\n")
            report.divergence = "no order explains\n\(list)\nthe best gets stuck at: \(search.stuckAt)"
        }
        return report
    }

    /// Looks for an order, depth first.
    private struct Search {
        let clock: HistoryClock
        let endings: [(StoreOperation, StoreOutcome)]
        var stuckAt = ""
        private var fewestLeft = Int.max

        init(clock: HistoryClock, endings: [(StoreOperation, StoreOutcome)]) {
            self.clock = clock
            self.endings = endings
        }

        mutating func canFollow(_ calls: [Call], _ standing: Standing) async throws -> Bool {
            guard let firstEnd = calls.map(\.ended).min() else { return try await agreesInTheEnd(standing, calls) }
            // Only what began before anything else had ended can come first.
            for (index, call) in calls.enumerated() where call.began < firstEnd {
                var next = standing
                let clock = clock
                let memory = MemoryStore(state: standing.state) { clock.now }
                if call.epoch > next.clients[call.client].highestEpoch {
                    try await memory.raiseEpochs(above: call.epoch - 1)
                }
                let outcome = await next.clients[call.client].perform(call.operation, on: memory)
                guard outcome == call.outcome else {
                    note(calls.count, "\(call)\nwhere the model says \(outcome)")
                    continue
                }
                next.state = await memory.snapshot
                var rest = calls
                rest.remove(at: index)
                if try await canFollow(rest, next) { return true }
            }
            return false
        }

        private mutating func agreesInTheEnd(_ standing: Standing, _ calls: [Call]) async throws -> Bool {
            let clock = clock
            let memory = MemoryStore(state: standing.state) { clock.now }
            var reader = StoreClient()
            for (operation, outcome) in endings {
                let expected = await reader.perform(operation, on: memory)
                guard expected == outcome else {
                    note(0, "\(operation) in the end => \(outcome)\nwhere the model says \(expected)")
                    return false
                }
            }
            return true
        }

        private mutating func note(_ left: Int, _ what: String) {
            guard left <= fewestLeft else { return }
            fewestLeft = left
            stuckAt = what
        }
    }
}

extension OperationGenerator {
    /// The next operation of a client among others: one call, whose answer does not hang on which of two that overlapped got its
    /// number first.
    mutating func nextConcurrent(_ model: MemoryState) -> StoreOperation {
        while true {
            let operation = next(model)
            switch operation {
            case .timePasses, .readFleet, .readReleases, .readRollouts, .readDue, .reissueOrphans, .readTransitions,
                .readTrust, .readEvents, .readLatestEvents, .maintain, .readStrays:
                continue
            default: return operation
            }
        }
    }
}

extension StoreOperation {
    /// Whether its answer is the same whatever numbers overlapping calls were given.
    fileprivate var isReadAlike: Bool {
        switch self {
        case .readRollouts, .readReleases, .readChanges, .readEvents, .readDue: false
        default: true
        }
    }
}
