internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("Who is connected and who was seen, until it is written")
struct PresenceLedgerTests {
    private static func connection(_ cluster: ClusterName, _ isConnected: Bool = true) -> PresenceLedger.Connection {
        PresenceLedger.Connection(cluster: cluster, agentVersion: "1", isConnected: isConnected)
    }

    /// A ledger whose first write is behind it.
    private static func begun(at now: Tick = LoopFixture.at(0)) -> PresenceLedger {
        var ledger = PresenceLedger()
        if let first = ledger.batch(now: now) { ledger.answered(first, .written, now: now) }
        return ledger
    }

    @Test("The first write clears what an earlier life left, until it succeeds") func clears() throws {
        var ledger = PresenceLedger()
        ledger.note(Self.connection("a"))
        let found1 = ledger.batch(now: LoopFixture.at(0))
        let first = try #require(found1)
        #expect(first.clearsConnections && first.connections == [Self.connection("a")] && first.seen == [:])
        ledger.answered(first, .failed, now: LoopFixture.at(0))
        let found2 = ledger.batch(now: LoopFixture.at(1))
        let again = try #require(found2)
        #expect(again.clearsConnections && again.connections == [Self.connection("a")])
        ledger.answered(again, .written, now: LoopFixture.at(1))
        ledger.note(Self.connection("b"))
        let found3 = ledger.batch(now: LoopFixture.at(1))
        let second = try #require(found3)
        #expect(!second.clearsConnections && second.connections == [Self.connection("b")] && second.seen == nil)
    }

    @Test("Who is seen and connected is heard, and nobody who has left") func heard() throws {
        var ledger = Self.begun()
        ledger.note(Self.connection("a"))
        ledger.note(Self.connection("b"))
        ledger.note(Self.connection("b", false))
        for cluster in ["a", "b", "c"] as [ClusterName] { ledger.see(cluster, at: LoopFixture.at(1)) }
        let found = ledger.batch(now: LoopFixture.at(2))
        #expect(found?.heard == ["a"] && found?.seen?.count == 3)
    }

    @Test("Who was seen is in flight until it is answered, and due again where the write failed") func failed() throws {
        var ledger = Self.begun()
        ledger.see("a", at: LoopFixture.at(1))
        ledger.see("b", at: LoopFixture.at(1))
        let found4 = ledger.batch(now: LoopFixture.at(2))
        let first = try #require(found4)
        #expect(first.seen == ["a": .seconds(1), "b": .seconds(1)])
        let found5 = ledger.batch(now: LoopFixture.at(9))
        #expect(found5 == nil, "one at a time")
        ledger.see("b", at: LoopFixture.at(8))
        ledger.answered(first, .failed, now: LoopFixture.at(9))
        let found6 = ledger.batch(now: LoopFixture.at(9))
        let second = try #require(found6)
        #expect(second.seen == ["a": .seconds(8), "b": .seconds(1)])
        ledger.answered(second, .written, now: LoopFixture.at(9))
        let found7 = ledger.batch(now: LoopFixture.at(9))
        #expect(found7 == nil)
        let found8 = ledger.batch(now: LoopFixture.at(11))
        #expect(found8?.seen == [:], "the store is asked for a word all the same")
    }

    @Test("Of two words on a connection the later one counts, also where the first could not be written")
    func connections()
        throws
    {
        var ledger = Self.begun()
        ledger.note(Self.connection("a"))
        ledger.note(Self.connection("b"))
        let found9 = ledger.batch(now: LoopFixture.at(0))
        let first = try #require(found9)
        ledger.note(Self.connection("a", false))
        ledger.answered(first, .failed, now: LoopFixture.at(0))
        let found10 = ledger.batch(now: LoopFixture.at(0))
        let second = try #require(found10)
        #expect(second.connections == [Self.connection("a", false), Self.connection("b")])
    }

    @Test("An answer to another batch changes nothing") func stranger() throws {
        var ledger = PresenceLedger()
        let found11 = ledger.batch(now: LoopFixture.at(0))
        let first = try #require(found11)
        ledger.answered(first, .failed, now: LoopFixture.at(0))
        ledger.see("a", at: LoopFixture.at(1))
        let found12 = ledger.batch(now: LoopFixture.at(2))
        let second = try #require(found12)
        ledger.answered(first, .written, now: LoopFixture.at(2))
        let found13 = ledger.batch(now: LoopFixture.at(9))
        #expect(found13 == nil, "the second is under way still")
        ledger.answered(second, .failed, now: LoopFixture.at(9))
        let found14 = ledger.batch(now: LoopFixture.at(9))
        #expect(found14?.seen == ["a": .seconds(8)])
    }

    @Test("Batches are bounded, and what is left follows at once") func bounded() throws {
        var settings = PresenceLedger.Settings()
        settings.connectionLimit = 2
        var ledger = PresenceLedger(settings)
        for name in ["c", "a", "b"] as [ClusterName] { ledger.note(Self.connection(name)) }
        var sizes: [Int] = []
        while let batch = ledger.batch(now: LoopFixture.at(0)) {
            sizes.append(batch.connections.count)
            ledger.answered(batch, .written, now: LoopFixture.at(0))
        }
        #expect(sizes == [2, 1])
    }
}

@Suite("Whether silence in the store is silence in truth")
struct PresenceGateTests {
    enum Step: Sendable {
        case written(Int64)
        /// Whether a decision may be made.
        case decides(Int64, Bool)
        /// Asked every second of a span, in vain.
        case waits(ClosedRange<Int64>)
        case storeFails
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var steps: [Step]
    }

    /// Writes every second of a span.
    private static func writes(_ seconds: ClosedRange<Int64>) -> [Step] { seconds.map { .written($0) } }

    static let cases: [Case] = [
        Case(
            testDescription: "closed at the start, open after a heartbeat of writes",
            steps: [.decides(0, false)] + writes(0...4) + [.decides(4, false), .written(5), .decides(5, true)]),
        Case(
            testDescription: "a write that is late by less than a gap closes nothing",
            steps: writes(0...5) + [.decides(15, true), .written(15), .decides(15, true)]),
        Case(
            testDescription: "the store was away: closed till a heartbeat has been written again",
            steps: writes(0...5) + [.decides(16, false), .written(65), .decides(65, false)] + writes(66...69)
                + [.decides(69, false), .written(70), .decides(70, true)]),
        Case(
            testDescription: "the replica stood still: its first question after it is answered with no",
            steps: writes(0...10) + [.decides(10, true), .decides(130, false), .written(130), .decides(131, false)]
                + writes(131...135) + [.decides(135, true)]),
        Case(
            testDescription: "where presence alone cannot be written, decisions go on after six heartbeats",
            steps: writes(0...5) + [.decides(5, true), .waits(20...49), .decides(50, true), .decides(51, true)]),
        Case(
            testDescription: "time in which nobody could ask is no waiting",
            steps: writes(0...5) + [.waits(16...40), .decides(200, false), .decides(201, false)]),
        Case(
            testDescription: "asked while the store fails: no waiting either, whoever asked",
            steps: writes(0...5) + [.waits(16...44), .storeFails] + [.waits(45...74), .decides(75, true)]),
        Case(
            testDescription: "a write begins the wait again",
            steps: writes(0...5) + [.waits(16...44), .written(45)] + [.waits(46...60)]),
    ]

    @Test(arguments: cases) func opens(_ example: Case) {
        var gate = PresenceGate(heartbeat: .seconds(5))
        for step in example.steps {
            switch step {
            case .storeFails: gate.storeFailed()
            case .written(let second): gate.written(at: LoopFixture.at(second))
            case .decides(let second, let expected):
                let found15 = gate.mayDecide(now: LoopFixture.at(second))
                #expect(found15 == expected, "at \(second) s")
            case .waits(let seconds):
                for second in seconds {
                    let found16 = gate.mayDecide(now: LoopFixture.at(second))
                    #expect(!found16, "at \(second) s")
                }
            }
        }
    }
}

@Suite("Whose session is silent")
struct SilenceWatchTests {
    @Test("Who is not heard for the limit, until it is heard or has ended") func silent() {
        var watch = SilenceWatch(limit: .seconds(60), pace: .seconds(5))
        watch.heard("a", at: LoopFixture.at(0))
        watch.heard("b", at: LoopFixture.at(0))
        watch.heard("c", at: LoopFixture.at(0))
        var found: [Int64: [ClusterName]] = [:]
        for second in stride(from: 0 as Int64, through: 70, by: 5) {
            if second == 30 { watch.heard("b", at: LoopFixture.at(30)) }
            if second == 70 { watch.ended("c") }
            found[second] = watch.silent(now: LoopFixture.at(second))
        }
        #expect(found[60] == [])
        #expect(found[65] == ["a", "c"])
        #expect(found[70] == ["a"])
    }

    @Test("A replica that stood still holds it against nobody") func stoodStill() {
        var watch = SilenceWatch(limit: .seconds(60), pace: .seconds(5))
        watch.heard("a", at: LoopFixture.at(0))
        for second in stride(from: 0 as Int64, through: 30, by: 5) {
            let found17 = watch.silent(now: LoopFixture.at(second))
            #expect(found17 == [])
        }
        // Stopped from 30 to 150: all it has read of "a" was at 0, so 35 seconds of silence count.
        for second in stride(from: 150 as Int64, through: 180, by: 5) {
            let silent = watch.silent(now: LoopFixture.at(second))
            #expect(silent == (second == 180 ? ["a"] : []), "at \(second) s")
        }
    }
}
