internal import KubernetesObjects
internal import NIOHTTP1
internal import Synchronization
internal import Testing

@testable internal import KubernetesClient

/// Watches that are shared, and a server that is slow, silent or away.
@Suite(.timeLimit(.minutes(2))) struct SharedWatchesTests {
    private static let maps = ObjectSelection(type: configMapType, namespace: "shop")

    /// One who wants two ConfigMaps, so that all of the namespace is listed.
    private static func follow(
        _ watches: SharedWatches, written: [String: String] = [:], _ told: Told
    ) async throws {
        var sent = SentEvidence()
        for (name, version) in written {
            let identity = ObjectIdentity(type: configMapType.groupKind, namespace: "shop", name: name)
            sent.marks[identity] = SentMark(configMap(name, version: version))
        }
        let interest = WatchInterest(selection: maps, names: ["a", "b"])
        try await watches.follow(
            [interest], sent: sent, .init(onUpdate: { update, _ in told.note(update) }, onEnd: { _, _ in }))
    }

    private static func running(
        _ server: SlowServer, backoff: RetryPolicy = RetryPolicy(base: .seconds(1), ceiling: .seconds(30)),
        _ body:
            @Sendable @escaping (SharedWatches, KubernetesAPI, inout ThrowingTaskGroup<Void, any Error>) async throws ->
            Void
    ) async throws {
        var options = KubernetesAPI.Options()
        options.retry = .none
        let api = KubernetesAPI(transport: server, options: options)
        let watches = SharedWatches(api: api, backoff: backoff)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await watches.run() }
            defer { group.cancelAll() }
            try await body(watches, api, &group)
        }
    }

    @Test func aListThatTakesLongerThanOnesPatienceIsNotAskedForAgain() async throws {
        let server = SlowServer(listing: .seconds(2))
        try await Self.running(server) { watches, _, group in
            let all = (0..<20).map { _ in Told() }
            for told in all { group.addTask { try await Self.follow(watches, told) } }
            try await reached("all have it") { all.allSatisfy { $0.lists > 0 } }
            #expect(server.lists == 1)
        }
    }

    @Test func whatWasWrittenIsListedAgainWhereTheWatchDoesNotTellOfIt() async throws {
        let server = SlowServer(listing: .seconds(2))
        try await Self.running(server) { watches, _, group in
            let first = Told()
            group.addTask { try await Self.follow(watches, first) }
            try await reached("the first has it") { first.lists > 0 }
            let others = (0..<20).map { _ in Told() }
            for told in others { group.addTask { try await Self.follow(watches, written: ["a": "50"], told) } }
            try await reached("the others have it") { others.allSatisfy { $0.lists > 0 } }
            #expect(server.lists <= 3)
        }
    }

    @Test func aListThatIsNeverAnsweredIsAskedForAgain() async throws {
        let server = SlowServer(listing: .zero, silentLists: 1)
        try await Self.running(server) { watches, _, group in
            let told = Told()
            group.addTask { try await Self.follow(watches, told) }
            try await reached("it has it") { told.lists > 0 }
            #expect(server.lists == 2)
        }
    }

    @Test func aServerInNeedIsNotAskedByEachWhoComes() async throws {
        let server = SlowServer(listing: .zero)
        server.isAway = true
        try await Self.running(server) { watches, _, group in
            let began = ContinuousClock.now
            for number in 0..<200 {
                group.addTask {
                    try await Task.sleep(for: .milliseconds(20 * number))
                    try await Self.follow(watches, Told())
                }
            }
            try await reached("some have come") { began.duration(to: .now) > .seconds(4) }
            let seconds = began.duration(to: .now).components.seconds
            #expect(server.lists <= 2 * seconds + 3, "about once a second, and not once for each")
        }
    }

    @Test func whoComesWhileAWatchHoldsBackHasTheServerAskedAgain() async throws {
        let server = SlowServer(listing: .zero)
        server.isAway = true
        try await Self.running(server, backoff: RetryPolicy(base: .seconds(3_600), ceiling: .seconds(3_600))) {
            watches, _, group in
            let first = Told()
            group.addTask { try await Self.follow(watches, first) }
            try await reached("the first is told that it is away") { first.interruptions > 0 }
            server.isAway = false
            let second = Told()
            group.addTask { try await Self.follow(watches, second) }
            try await reached("both have it") { first.lists > 0 && second.lists > 0 }
        }
    }

    @Test func afterAnOutageNobodyWaitsForABackoffsEnd() async throws {
        let server = SlowServer(listing: .zero)
        try await Self.running(server, backoff: RetryPolicy(base: .seconds(3_600), ceiling: .seconds(3_600))) {
            watches, api, group in
            let (told, outage) = (Told(), Told())
            group.addTask {
                await api.watchOutages { if $0 != nil { outage.note(.interrupted(SlowServer.away)) } }
            }
            server.isAway = true
            group.addTask { try await Self.follow(watches, told) }
            try await reached("it is told that the server is away") { told.interruptions > 0 }
            try await reached("so it is said") { outage.interruptions > 0 }
            server.isAway = false
            try await reached("it has it") { told.lists > 0 }
        }
    }

    @Test func aHundredWhoAskWhetherTheServerAnswersAskItOnce() async throws {
        let server = SlowServer(listing: .zero, versions: .milliseconds(500))
        let api = KubernetesAPI(transport: server)
        _ = try await api.version()
        let since = ContinuousClock.now
        try await reached("nothing was heard for a while") { since.duration(to: .now) > .seconds(3) }
        let before = server.versions
        let seen = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 { group.addTask { await api.isInSight() } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(seen == 100)
        // Who was late to ask asks once more.
        #expect(server.versions - before <= 3)
    }
}

/// Waits until a condition holds.
private func reached(
    _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while try await !condition() {
        if ContinuousClock.now > deadline {
            Issue.record("not in time: \(what)", sourceLocation: sourceLocation)
            throw CancellationError()
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// What a follower was told.
private final class Told: Sendable {
    private let state = Mutex((lists: 0, interruptions: 0))

    var lists: Int { state.withLock { $0.lists } }
    var interruptions: Int { state.withLock { $0.interruptions } }

    func note(_ update: Reflector.Update) {
        state.withLock { state in
            switch update {
            case .listed: state.lists += 1
            case .interrupted: state.interruptions += 1
            case .changed, .watching: break
            }
        }
    }
}

/// A server whose watches tell nothing, and whose lists take their time.
private final class SlowServer: KubernetesTransport {
    private struct State {
        var lists = 0
        var versions = 0
        var isAway = false
    }

    static let away = KubernetesError(code: .noAnswer, message: "away")

    private let state = Mutex(State())
    private let listing: Duration
    private let answering: Duration
    private let silentLists: Int

    /// - Parameters:
    ///   - listing: How long a list takes.
    ///   - versions: How long the question for the server's version takes.
    ///   - silentLists: How many lists are never answered.
    init(listing: Duration, versions: Duration = .zero, silentLists: Int = 0) {
        self.listing = listing
        self.answering = versions
        self.silentLists = silentLists
    }

    var lists: Int { state.withLock { $0.lists } }
    var versions: Int { state.withLock { $0.versions } }
    var isAway: Bool {
        get { state.withLock { $0.isAway } }
        set { state.withLock { $0.isAway = newValue } }
    }

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        if let answer = ScriptedTransport.discovery(request) {
            return KubernetesResponse(
                status: answer.status, headers: ["content-type": "application/json"], body: ResponseBody(answer.body))
        }
        let isAway = isAway
        if isAway {
            if !request.isWatch, request.path != "/version" { state.withLock { $0.lists += 1 } }
            throw Self.away
        }
        if request.isWatch {
            try await Task.sleep(for: .seconds(3_600))
        } else if request.path == "/version" {
            state.withLock { $0.versions += 1 }
            try await Task.sleep(for: answering)
        } else {
            let number = state.withLock { state in
                state.lists += 1
                return state.lists
            }
            try await Task.sleep(for: number <= silentLists ? .seconds(3_600) : listing)
        }
        let list: JSONValue = [
            "gitVersion": "v1.36.0", "metadata": ["resourceVersion": "60"],
            "items": [configMap("a", version: "55").json, configMap("b").json],
        ]
        return KubernetesResponse(
            status: 200, headers: ["content-type": "application/json"], body: ResponseBody(list.serializedBytes()))
    }

    func renewCredentials() async {}

    func shutdown() async {}
}
