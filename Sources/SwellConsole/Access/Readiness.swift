internal import SwellStore
internal import Synchronization

/// Whether the database answers, found out once a second, so that whoever asks `/readyz` costs a look into memory: anybody may ask, as
/// often as they like, and the database's connections are for decisions.
final class Readiness: Sendable {
    /// How often the database is asked.
    static let interval = Duration.seconds(1)
    /// How long an answer may take before the database counts as away.
    static let patience = Duration.seconds(2)

    private let store: any Store
    /// When the database last answered; nil where the last answer was an error, or none came yet.
    private let answeredAt = Mutex<ContinuousClock.Instant?>(nil)
    /// Whether it could be written to when it last answered.
    private let isWritable = Mutex(true)

    init(store: any Store) { self.store = store }

    /// Why nobody should be sent here; nil for nothing.
    var problem: String? {
        guard hasAnswered else { return "the database is away" }
        return isWritable.withLock { $0 } ? nil : "the database is read-only"
    }

    private var hasAnswered: Bool {
        answeredAt.withLock { $0 }.map { ContinuousClock.now - $0 <= Self.interval + Self.patience } ?? false
    }

    /// Asks the database once.
    func check() async {
        let answer = await Result { try await store.isWritable() }
        if case .success(let value) = answer { isWritable.withLock { $0 = value } }
        answeredAt.withLock { $0 = (try? answer.get()) == nil ? nil : .now }
    }

    /// Asks again and again, until it is cancelled.
    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            await check()
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
