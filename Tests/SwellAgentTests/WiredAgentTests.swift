internal import Crypto
internal import Logging
internal import SwellEngine
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import Synchronization
internal import Testing

@testable internal import SwellAgent

/// The agent without disk and cluster, against a scripted coordinator over TLS.
@Suite(.timeLimit(.minutes(2))) struct WiredAgentTests {
    /// Applies at once, and sees what the test says.
    private actor Worker: AgentWorker {
        private(set) var applied: [String] = []
        private let failing: Set<String>

        init(failing: Set<String> = []) { self.failing = failing }

        func carryOut(_ order: AgentAction, say: @escaping @Sendable (MachineEvent) async -> Void) async {
            switch order {
            case .apply(let work):
                guard let version = work.release?.version else { return }
                applied.append(version)
                if failing.contains(version) {
                    await say(
                        .workFailed(work, WorkFailure(isTransient: false, reason: "Script", message: "it is to fail")))
                } else {
                    await say(.workFinished(work))
                }
            case .watch(let work, _): await say(.healthObserved(work, ObservedHealth(.healthy)))
            case .remove(let work): await say(.workFinished(work))
            default: break
            }
        }
    }

    private func world(
        _ worker: Worker, source: String? = nil, content: WiredAgent.Content = .assumed,
        onWelcome: @escaping @Sendable () async -> Void = {},
        onJournal: @escaping @Sendable (AgentJournal) -> Void = { _ in },
        _ body: @escaping @Sendable (AgentWorld) async throws -> Void
    ) async throws {
        try await withDirectory { directory in
            let world = try await AgentWorld(directory: directory, cluster: FakeCluster())
            try await world.coordinator.serve {
                let authority = world.coordinator.authority
                let key = P256.Signing.PrivateKey()
                let issued = try authority.issueAgentCertificate(
                    cluster: "east-1", for: SigningRequest(key: key), now: .wall)
                var logger = Logger(label: "test.agent")
                logger.logLevel = .error
                let agent = WiredAgent(
                    .init(
                        cluster: "east-1", coordinator: try Endpoint("127.0.0.1:\(await world.coordinator.fleetPort)"),
                        credential: try Credential(chain: issued.chain, key: key), authorities: [authority.certificate],
                        clusterUID: "uid-7", source: source, content: content),
                    worker: worker, onWelcome: onWelcome, onJournal: onJournal, now: { .wall }, chance: { 0.2 },
                    logger: logger)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await agent.run() }
                    defer { group.cancelAll() }
                    try await body(world)
                }
            }
        }
    }

    @Test func itBringsAReleaseToHealthAndGoesBackByItself() async throws {
        let worker = Worker(failing: ["2.0.0"])
        try await world(worker) { world in
            let one = try await world.release("1.0.0")
            let two = try await world.release("2.0.0")
            try await world.coordinator.assign(one.assignment(1))
            try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
            #expect(await world.coordinator.acknowledged.contains { $0.generation == 1 })
            #expect(await world.coordinator.hellos.first?.clusterUID == "uid-7")
            #expect(await world.coordinator.fetches.isEmpty)
            try await world.coordinator.assign(two.assignment(2, fallback: one))
            try await eventually("reverted") { await world.coordinator.last("shop")?.phase == .reverted }
            #expect(await worker.applied == ["1.0.0", "2.0.0", "1.0.0"])
        }
    }

    @Test func itDialsFromTheAddressThatItIsGiven() async throws {
        try await world(Worker(), source: "127.1.2.3") { world in
            try await eventually("connected") { await world.coordinator.isConnected }
            let peer = try #require(await world.coordinator.peers.first)
            #expect(peer.hasPrefix("ipv4:127.1.2.3:"), "\(peer)")
        }
    }

    @Test func itFetchesEachDocumentOnce() async throws {
        let taken = Mutex<[ContentDigest]>([])
        let content = WiredAgent.Content.fetched { document in taken.withLock { $0.append(document.digest) } }
        try await world(Worker(), content: content) { world in
            let same = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: same}\n"
            let one = try await world.assembledRelease("1.0.0", extra: same)
            let two = try await world.assembledRelease("2.0.0", extra: same)
            for (number, release) in [one, two].enumerated() {
                try await world.coordinator.assign(release.assignment.assignment(Int64(number) + 1))
                try await eventually("healthy") {
                    let last = await world.coordinator.last("shop")
                    return last?.generation == Int64(number) + 1 && last?.phase == .healthy
                }
            }
            let all = Set((one.release.documents + two.release.documents).map(\.digest))
            #expect(Set(taken.withLock { $0 }) == all)
            #expect(await world.coordinator.fetches.count == all.count)
        }
    }

    @Test func itComesBackAfterTheCoordinator() async throws {
        let welcomes = Mutex(0)
        let journals = Mutex<[AgentJournal]>([])
        let onWelcome: @Sendable () async -> Void = { welcomes.withLock { $0 += 1 } }
        let onJournal: @Sendable (AgentJournal) -> Void = { journal in journals.withLock { $0.append(journal) } }
        try await world(Worker(), onWelcome: onWelcome, onJournal: onJournal) { world in
            let one = try await world.release("1.0.0")
            try await world.coordinator.assign(one.assignment(1))
            try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
            await world.coordinator.setRetryLater(.milliseconds(50))
            try await world.coordinator.endSessions()
            try await eventually("sent away") { await world.coordinator.hellos.count >= 2 }
            await world.coordinator.setRetryLater(nil)
            try await eventually("back") { welcomes.withLock { $0 } >= 2 }
            let hello = try #require(await world.coordinator.hellos.last)
            #expect(hello.journal.first?.generation == 1, "it remembers while it lives")
            try await eventually("away, there, away and there again") {
                let sights = journals.withLock { $0.map { $0.awaySince == nil } }
                return zip(sights, sights.dropFirst()).count { $0 != $1 } == 3
            }
        }
    }
}
