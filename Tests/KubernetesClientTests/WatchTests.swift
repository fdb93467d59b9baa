internal import KubernetesObjects
internal import Synchronization
internal import Testing

@testable internal import KubernetesClient

@Suite struct WatchTests {
    private static func event(_ type: String, _ object: KubernetesObject) -> String {
        JSONValue.object(["type": .string(type), "object": object.json]).serialized() + "\n"
    }

    private static let selection = ObjectSelection(type: configMapType, namespace: "shop")

    private static func list(_ objects: [KubernetesObject], version: String) -> ScriptedTransport.Answer {
        .json(["metadata": ["resourceVersion": .string(version)], "items": .array(objects.map(\.json))])
    }

    @Test func splitsLinesWhereverChunksEnd() {
        var splitter = LineSplitter(maximumLine: 10)
        let first = splitter.append(Array("ab\ncd".utf8))
        #expect(first)
        #expect(splitter.next() == Array("ab".utf8))
        #expect(splitter.next() == nil)
        let second = splitter.append(Array("e\n\nf".utf8))
        #expect(second)
        #expect(splitter.next() == Array("cde".utf8))
        #expect(splitter.next() == [])
        splitter.end()
        #expect(splitter.next() == Array("f".utf8))
        #expect(splitter.next() == nil)
        let tooLong = splitter.append(Array("0123456789a".utf8))
        #expect(!tooLong)
    }

    @Test func readsEvents() throws {
        let added = try WatchEvent(
            line: Array(WatchTests.event("ADDED", configMap("a")).utf8), selection: WatchTests.selection)
        #expect(added == .added(configMap("a")))
        let bookmark = #"{"type":"BOOKMARK","object":{"kind":"ConfigMap","metadata":{"resourceVersion":"9"}}}"#
        #expect(
            try WatchEvent(line: Array(bookmark.utf8), selection: WatchTests.selection)
                == .bookmark(resourceVersion: "9"))
        let gone = #"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#
        let error = #expect(throws: KubernetesError.self) {
            try WatchEvent(line: Array(gone.utf8), selection: WatchTests.selection)
        }
        #expect(error?.code == .expired)
        #expect(throws: KubernetesError.self) {
            try WatchEvent(line: Array("{\"type\"".utf8), selection: WatchTests.selection)
        }
    }

    @Test func cacheTellsWhatChanged() {
        var cache = ObjectCache()
        let first = cache.replace(with: ObjectList(objects: [configMap("a"), configMap("b")], resourceVersion: "5"))
        #expect(first.count == 2)
        #expect(cache.take(.modified(configMap("a", ["x": "1"], version: "6"))) != nil)
        #expect(cache.take(.modified(configMap("a", ["x": "1"], version: "6"))) == nil)
        #expect(cache.resourceVersion == "6")
        #expect(cache.take(.bookmark(resourceVersion: "8")) == nil)
        #expect(cache.resourceVersion == "8")
        let second = cache.replace(with: ObjectList(objects: [configMap("b")], resourceVersion: "9"))
        #expect(second == [.removed(configMap("a", ["x": "1"], version: "6"))])
    }

    @Test(.timeLimit(.minutes(1))) func reflectorListsAgainWhenTheMomentIsGone() async throws {
        let transport = ScriptedTransport { request, count in
            if let answer = ScriptedTransport.discovery(request) { return answer }
            let isWatch = request.query.contains { $0.name == "watch" }
            let from = request.query.first { $0.name == "resourceVersion" }?.value
            if !isWatch {
                return count == 1
                    ? WatchTests.list([configMap("a")], version: "5")
                    : WatchTests.list([configMap("a"), configMap("c", version: "8")], version: "9")
            }
            if from == "5" {
                return .text(WatchTests.event("ADDED", configMap("b", version: "6")))
            }
            if from == "6" {
                return .text(#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}"# + "\n")
            }
            return .text(WatchTests.event("DELETED", configMap("a", version: "10")))
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        struct Enough: Error {}
        var seen: [String] = []
        await #expect(throws: Enough.self) {
            try await Reflector(api: api, selection: WatchTests.selection).run { update in
                switch update {
                case .listed(let objects): seen.append("listed " + objects.map(\.name).joined(separator: ","))
                case .changed(.updated(let object)): seen.append("updated \(object.name)")
                case .changed(.removed(let object)):
                    seen.append("removed \(object.name)")
                    throw Enough()
                case .interrupted: seen.append("interrupted")
                case .watching: seen.append("watching")
                }
            }
        }
        #expect(seen == ["listed a", "watching", "updated b", "listed a,c", "watching", "removed a"])
    }

    @Test(.timeLimit(.minutes(1)), arguments: [(3, true), (.max, false)])
    func reflectorAwaitsAServerThatIsBehindTheOthers(answers: Int, comes: Bool) async throws {
        let transport = ScriptedTransport { request, count in
            if let answer = ScriptedTransport.discovery(request) { return answer }
            if count <= answers {
                return .failure(404, "NotFound", "the server could not find the requested resource")
            }
            return WatchTests.list([], version: "1")
        }
        let api = KubernetesAPI(transport: transport, options: .immediate(attempts: 1))
        struct Enough: Error {}
        var interruptions = 0
        let error = await #expect(throws: (any Error).self) {
            try await Reflector(api: api, selection: WatchTests.selection).run { update in
                switch update {
                case .interrupted: interruptions += 1
                case .listed: throw Enough()
                case .changed, .watching: break
                }
            }
        }
        #expect((error is Enough) == comes)
        #expect(interruptions == (comes ? 3 : 5))
    }

    @Test(.timeLimit(.minutes(1))) func reflectorSaysWhenTheServerIsAwayAndComesBack() async throws {
        let transport = ScriptedTransport { request, count in
            if let answer = ScriptedTransport.discovery(request) { return answer }
            if count < 3 { return ScriptedTransport.Answer(error: KubernetesError(code: .noAnswer, message: "away")) }
            return WatchTests.list([], version: "1")
        }
        let api = KubernetesAPI(transport: transport, options: .immediate(attempts: 1))
        struct Enough: Error {}
        var interruptions = 0
        await #expect(throws: Enough.self) {
            try await Reflector(api: api, selection: WatchTests.selection).run { update in
                switch update {
                case .interrupted: interruptions += 1
                case .listed: throw Enough()
                case .changed, .watching: break
                }
            }
        }
        #expect(interruptions == 2)
    }

    @Test(.timeLimit(.minutes(1))) func aCutWatchThatGoesOnIsToldEvenWhereNothingHappened() async throws {
        let transport = ScriptedTransport { request, count in
            if let answer = ScriptedTransport.discovery(request) { return answer }
            guard request.query.contains(where: { $0.name == "watch" }) else {
                return WatchTests.list([configMap("a")], version: "5")
            }
            if count == 2 { return ScriptedTransport.Answer(error: KubernetesError(code: .noAnswer, message: "cut")) }
            let (open, _) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
            return ScriptedTransport.Answer(stream: open)
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        struct Enough: Error {}
        var seen: [String] = []
        await #expect(throws: Enough.self) {
            try await Reflector(api: api, selection: WatchTests.selection).run { update in
                switch update {
                case .listed: seen.append("listed")
                case .changed: seen.append("changed")
                case .interrupted(let error): seen.append("interrupted: \(error)")
                case .watching: throw Enough()
                }
            }
        }
        #expect(seen == ["listed", "interrupted: cut"])
    }
}

@Suite struct RequestLimiterTests {
    @Test(.timeLimit(.minutes(1))) func neverRunsMoreThanAllowed() async throws {
        let limiter = RequestLimiter(maximumRunning: 3, maximumWaiting: 100)
        let running = Gauge()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await limiter.run {
                        running.change(by: 1)
                        for _ in 0..<5 { await Task.yield() }
                        running.change(by: -1)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(running.most == 3)
    }

    @Test(.timeLimit(.minutes(1))) func refusesWhenTheQueueIsFullAndForgetsTheCancelled() async throws {
        let limiter = RequestLimiter(maximumRunning: 1, maximumWaiting: 0)
        let error = await #expect(throws: KubernetesError.self) {
            try await limiter.run { try await limiter.run {} }
        }
        #expect(error?.code == .overloaded)
        let patient = RequestLimiter(maximumRunning: 1, maximumWaiting: 1)
        try await patient.run {
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await patient.run {} }
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.waitForAll() }
            }
        }
        try await patient.run {}
    }
}

/// Counts what runs, and remembers the most at once.
private final class Gauge: Sendable {
    private let state = Mutex((now: 0, most: 0))

    var most: Int { state.withLock { $0.most } }

    func change(by step: Int) {
        state.withLock { state in
            state.now += step
            state.most = max(state.most, state.now)
        }
    }
}
