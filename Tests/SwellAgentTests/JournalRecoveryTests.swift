internal import SwellEngine
internal import Testing

@testable internal import SwellAgent

@Suite(.timeLimit(.minutes(1))) struct JournalRecoveryTests {
    /// What the client tries by itself takes a minute, and whoever has just installed the agent looks at its log before that.
    @Test func aServerThatDoesNotAnswerIsToldOfSoon() async throws {
        try await withDirectory { directory in
            let cluster = FakeCluster()
            await cluster.setSilent(true)
            let lines = LogLines()
            let recovery = JournalRecovery(
                file: JournalFile(stateDirectory: directory), cluster: cluster, now: { .wall }, logger: lines.logger,
                patience: .milliseconds(10))
            async let journal = recovery.journal()
            try await eventually("it is told of") {
                lines.all.contains { $0.contains("API server has not answered yet") }
            }
            await cluster.setSilent(false)
            #expect(try await journal.applications.isEmpty)
        }
    }
}
