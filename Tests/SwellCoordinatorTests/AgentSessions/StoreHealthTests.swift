internal import Logging
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

@Suite struct StoreHealthTests {
    private struct Recorder: LogHandler {
        let lines: Journal<String>
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.add("\(event.level): \(event.message)") }
    }

    private let away = StoreError(code: .unavailable, message: "the database is away")
    private let lines = Journal<String>()

    private func health() -> StoreHealth {
        StoreHealth(what: "assignments", logger: Logger(label: "test") { _ in Recorder(lines: lines) })
    }

    @Test func tellsOnceThatTheStoreIsAwayAndOnceThatItIsBack() {
        var health = health()
        for error in [nil, away, away, nil, nil] { health.note(error) }
        #expect(lines.entries == ["error: the store does not answer, trying again", "info: the store answers again"])
    }

    @Test func saysNothingOfAttemptsThatTheEndCutShort() async {
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask {
                var health = health()
                health.note(away)
            }
        }
        #expect(lines.entries.isEmpty)
    }
}
