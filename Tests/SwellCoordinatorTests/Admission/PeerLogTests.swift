internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Synchronization
internal import Testing

@testable internal import SwellCoordinator

@Suite struct MentionLimitTests {
    private typealias Limit = MentionLimit<String, Int>

    private func at(_ seconds: Int64) -> Tick { Tick(milliseconds: seconds * 1_000) }

    @Test func whatIsLeftOutIsToldWithTheNextLine() {
        var limit = Limit(burst: 2, interval: .minutes(1))
        let flood = (0..<100).map { _ in limit.note(1, of: "a", at: at(0)) }
        #expect(flood.prefix(2) == [.told(leftOut: 0), .told(leftOut: 0)])
        #expect(flood.dropFirst(2).allSatisfy { $0 == .leftOut })
        // Another kind, and another peer, have allowances of their own.
        #expect(
            [limit.note(2, of: "a", at: at(0)), limit.note(1, of: "b", at: at(0))]
                == .init(repeating: .told(leftOut: 0), count: 2))
        #expect(limit.note(1, of: "a", at: at(60)) == .told(leftOut: 98))
        #expect(limit.note(1, of: "a", at: at(180)) == .told(leftOut: 0))
    }

    @Test func aFloodOfPeersIsOne() {
        var limit = Limit(burst: 1, interval: .minutes(1), keyLimit: 10)
        let told = (0..<1_000).filter { limit.note(1, of: "peer \($0)", at: at(0)) != .leftOut }
        // Ten that are known, and the strangers together.
        #expect(told.count == 11)
        #expect(limit.count == 11)
        // Those that are quiet make room; what was left out is not forgotten.
        #expect(limit.note(1, of: "new", at: at(120)) == .told(leftOut: 0))
        #expect(limit.count <= 11)
    }

    @Test func whatWasLeftOutOfAPeerThatIsForgottenIsTheStrangers() {
        var limit = Limit(burst: 1, interval: .minutes(1), keyLimit: 1)
        _ = limit.note(1, of: "a", at: at(0))
        _ = limit.note(1, of: "a", at: at(1))
        _ = limit.note(1, of: "b", at: at(120))
        let strangers = limit.note(1, of: "c", at: at(120))
        #expect(strangers == .told(leftOut: 1))
    }
}

@Suite struct PeerLogTests {
    private final class Lines: Sendable {
        private let list = Mutex<[String]>([])
        var all: [String] { list.withLock { $0 } }
        func add(_ line: String) { list.withLock { $0.append(line) } }
    }

    private struct Recorder: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let extra = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            lines.add(([event.message.description] + extra).joined(separator: " "))
        }
    }

    @Test func anAgentCannotFillTheLog() {
        let lines = Lines()
        let clock = Mutex<Int64>(0)
        let log = PeerLog(
            logger: Logger(label: "test") { _ in Recorder(lines: lines) },
            tick: { Tick(milliseconds: clock.withLock { $0 }) }, limit: MentionLimit(burst: 1))
        for _ in 0..<50 { log.note(.contentLacking, of: "east-1" as ClusterName, ["digests": "x"]) }
        // Below the logger's level nothing is told, and nothing is spent.
        for _ in 0..<50 { log.note(.callRefused, of: "east-1" as ClusterName, level: .debug) }
        log.note(.callRefused, of: "east-1" as ClusterName)
        clock.withLock { $0 = 61_000 }
        log.note(.contentLacking, of: "east-1" as ClusterName, ["digests": "x"])
        #expect(
            lines.all == [
                "the agent cannot get at documents cluster=east-1 digests=x", "call refused cluster=east-1",
                "the agent cannot get at documents cluster=east-1 digests=x suppressed=49",
            ])
    }
}
