internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Histories of one client, run against PostgreSQL and against the model, call by call.
enum StoreHistory {
    /// Where the two forms first came to different things.
    struct Divergence: CustomStringConvertible {
        var operations: [StoreOperation]
        var postgres: String
        var memory: String

        var description: String {
            let list = operations.enumerated().map { "  \($0.offset + 1). \($0.element)" }.joined(separator: "\n")
            return "\(operations.count) operations:\n\(list)\npostgres: \(postgres)\nmemory:   \(memory)"
        }
    }

    /// What a history came to.
    struct Report {
        var operations = 0
        var failed = 0
        var failures: Int64 = 0
        var divergence: Divergence?
    }

    /// Draws so many operations from the seed and runs them; a divergence comes shrunk.
    static func run(seed: UInt64, length: Int, faultShare: Int64 = 1) async throws -> Report {
        var generator = OperationGenerator(seed: seed)
        var report = try await play(faultShare: faultShare) { made, model in
            made < length ? generator.next(model) : nil
        }
        if let found = report.divergence, faultShare == 1 { report.divergence = try await shrink(found) }
        return report
    }

    /// Leaves out operations as long as the two still diverge: halves first, then smaller parts, then each.
    private static func shrink(_ found: Divergence) async throws -> Divergence {
        var best = found
        var part = max(1, best.operations.count / 2)
        while true {
            var start = 0
            while start < best.operations.count {
                var fewer = best.operations
                fewer.removeSubrange(start..<min(start + part, fewer.count))
                let given = fewer
                let tried = try await play(faultShare: 1) { made, _ in made < given.count ? given[made] : nil }
                if let smaller = tried.divergence { best = smaller } else { start += part }
            }
            if part == 1 { return best }
            part = max(1, part / 2)
        }
    }

    /// Runs operations until there is none or the forms diverge; every so many, everything that can be read is compared.
    private static func play(
        faultShare: Int64, _ next: (_ made: Int, MemoryState) -> StoreOperation?
    ) async throws -> Report {
        try await HistoryDatabase.with { database in
            try await withPool(database.configuration) { pool in
                try await database.failOne(in: faultShare)
                let clock = HistoryClock()
                let memory = MemoryStore { clock.now }
                var pair = Pair(database: database, postgres: PostgresStore(pool: pool), memory: memory, clock: clock)
                var report = Report()
                var made: [StoreOperation] = []
                while let operation = next(made.count, await memory.snapshot) {
                    made.append(operation)
                    report.operations += 1
                    let (outcome, difference) = try await pair.perform(operation)
                    if outcome.code != nil { report.failed += 1 }
                    report.divergence = difference.map {
                        Divergence(operations: made, postgres: $0.postgres, memory: $0.memory)
                    }
                    if report.divergence != nil { return report }
                    guard made.count.isMultiple(of: 40) else { continue }
                    if let difference = try await pair.compareAll() {
                        report.divergence = Divergence(
                            operations: made, postgres: difference.postgres, memory: difference.memory)
                        return report
                    }
                }
                report.failures = try await database.failures()
                if let difference = try await pair.compareAll() {
                    report.divergence = Divergence(
                        operations: made, postgres: difference.postgres, memory: difference.memory)
                }
                return report
            }
        }
    }

    /// Both forms side by side.
    private struct Pair {
        let database: HistoryDatabase
        let postgres: PostgresStore
        let memory: MemoryStore
        let clock: HistoryClock
        var real = StoreClient()
        var model = StoreClient()

        mutating func perform(_ operation: StoreOperation) async throws -> (
            StoreOutcome, (postgres: String, memory: String)?
        ) {
            if case .timePasses(let interval) = operation { try await database.setClock(clock.advance(by: interval)) }
            let given = await real.perform(operation, on: postgres)
            // The database may say that it could not do it now; then nothing was done.
            if given.code == StoreError.Code.unavailable.rawValue { return (given, nil) }
            // Epochs must rise; how many are drawn in vain is each form's own affair. So the model draws the one that was granted,
            // unless it should have been higher.
            if real.highestEpoch > model.highestEpoch { try await memory.raiseEpochs(above: real.highestEpoch - 1) }
            let expected = await model.perform(operation, on: memory)
            return (given, given == expected ? nil : (given.description, expected.description))
        }

        /// Reads everything there is to read, from both.
        mutating func compareAll() async throws -> (postgres: String, memory: String)? {
            for operation in StoreOperation.everyReading(
                rollouts: await memory.snapshot.rolloutSummaries(of: nil, limit: 100).map(\.name))
            {
                if let difference = try await perform(operation).1 {
                    return ("\(operation)\n\(difference.postgres)", difference.memory)
                }
            }
            return nil
        }
    }
}

extension StoreOperation {
    /// Readings that together tell everything that is stored.
    static func everyReading(rollouts: [RolloutName]) -> [StoreOperation] {
        var readings: [StoreOperation] = [
            .readFleet, .readRollouts(nil, limit: 100), .readDue(limit: 100), .readStrays(limit: 100),
            .readStatuses(nil), .readChanges(place: 0), .readEvents(place: 0, EventFilter(), limit: 10_000),
            .readTrust(OperationGenerator.serials, OperationGenerator.clusters),
        ]
        for name in OperationGenerator.applications {
            readings += [.readSurroundings(name), .readReleases(name, limit: 100)]
        }
        for name in OperationGenerator.clusters { readings.append(.readAssignments(name)) }
        for name in rollouts { readings += [.readRollout(name), .readTransitions(name)] }
        for version in OperationGenerator.versions {
            for document in Fixtures.documents(version) {
                readings.append(.readDocument(document.digest))
                readings += OperationGenerator.clusters.map { .readRight(document.digest, $0) }
            }
        }
        return readings
    }
}
