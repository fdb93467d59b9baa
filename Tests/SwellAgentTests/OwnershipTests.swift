internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// What an agent keeps on its disk belongs to one cluster: started with another one's folder or kubeconfig, it touches nothing.
@Suite(.timeLimit(.minutes(2))) struct OwnershipTests {
    /// Brings a release to health as `east-1` on a cluster with the uid `uid-1`, and kills the agent.
    private func fill(_ world: AgentWorld) async throws {
        let one = try await world.release("1.0.0")
        try await world.coordinator.assign(one.assignment(1))
        try await world.withAgent {
            try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
        }
    }

    /// The same disk, coordinator and place with another cluster behind them.
    private func elsewhere(_ world: AgentWorld, _ cluster: FakeCluster) -> AgentWorld {
        AgentWorld(directory: world.directory, coordinator: world.coordinator, cluster: cluster, place: world.place)
    }

    /// Runs the agent until it ends by itself or has been left alone for a while; returns what it ended with.
    private func ending(
        _ world: AgentWorld, _ settings: AgentSettings, within limit: Duration = .seconds(60),
        unless isTouched: @escaping @Sendable () async -> Bool
    ) async throws -> String? {
        do {
            try await world.withAgent(settings) {
                let deadline = ContinuousClock.now + limit
                while ContinuousClock.now < deadline {
                    if await isTouched() { return }
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            return nil
        } catch let error as AgentError {
            return error.message
        }
    }

    @Test(arguments: [true, false])
    func withTheKubeconfigOfAnotherClusterItTouchesNothingAndEnds(isCoordinatorThere: Bool) async throws {
        try await withDirectory { directory in
            let world = try await AgentWorld(directory: directory, cluster: FakeCluster())
            try await world.coordinator.serve { try await fill(world) }
            let other = FakeCluster(uid: "uid-2")
            await other.setDrift(3)
            let settings = try await world.settings()
            let body: @Sendable () async throws -> String? = {
                try await ending(elsewhere(world, other), settings) {
                    if await other.corrections > 0 { return true }
                    return await !other.applied.isEmpty
                }
            }
            let message = isCoordinatorThere ? try await world.coordinator.serve(body) : try await body()
            #expect(await other.corrections == 0)
            #expect(await other.applied.isEmpty)
            #expect(message?.contains("uid-2") == true, "\(message ?? "it did not end")")
            #expect(message?.contains("uid-1") == true, "\(message ?? "it did not end")")
        }
    }

    /// A folder from before says by its certificate only whose it is.
    @Test(arguments: [(false, "of cluster 'east-1', not 'east-2'"), (true, "'east-2'")])
    func withTheFolderOfAnotherClusterItTouchesNothingAndEnds(isFromBefore: Bool, saying words: String) async throws {
        try await withDirectory { directory in
            let world = try await AgentWorld(directory: directory, cluster: FakeCluster())
            try await world.coordinator.serve { try await fill(world) }
            if isFromBefore { AtomicFile.remove(directory + "/state/cluster.json") }
            let other = FakeCluster()
            await other.setDrift(3)
            var settings = try await world.settings()
            settings.link.cluster = "east-2"
            let message = try await ending(elsewhere(world, other), settings) { await other.corrections > 0 }
            #expect(await other.corrections == 0)
            #expect(message?.contains(words) == true, "\(message ?? "it did not end")")
        }
    }

    @Test func whatTheCoordinatorTakesForAnotherClusterStopsUntilItIsWelcome() async throws {
        try await withDirectory { directory in
            let cluster = FakeCluster()
            let world = try await AgentWorld(directory: directory, cluster: cluster)
            try await world.coordinator.serve {
                try await fill(world)
                await world.coordinator.setOtherCluster(true)
                let settings = try await world.settings()
                await cluster.setDrift(0)
                let message = try await ending(world, settings) { false }
                #expect(message?.contains("another cluster") == true, "\(message ?? "it did not end")")
                // Started again it waits for the coordinator's word.
                await cluster.setDrift(3)
                let before = await cluster.corrections
                _ = try await ending(world, settings, within: .seconds(5)) { await cluster.corrections > before }
                #expect(await cluster.corrections == before)
                await world.coordinator.setOtherCluster(false)
                try await world.withAgent(settings) {
                    try await eventually("put right") { await cluster.corrections > before }
                }
            }
        }
    }

    @Test func whatWasLearntOfAClusterThatNobodyWelcomedIsForgotten() async throws {
        try await withDirectory { directory in
            let wrong = FakeCluster(uid: "uid-2")
            let world = try await AgentWorld(directory: directory, cluster: wrong)
            try await world.coordinator.serve {
                let one = try await world.release("1.0.0")
                try await world.coordinator.assign(one.assignment(1))
                await world.coordinator.setOtherCluster(true)
                let settings = try await world.settings()
                let message = try await ending(world, settings) { await !wrong.applied.isEmpty }
                #expect(message?.contains("start the agent again") == true, "\(message ?? "it did not end")")
                #expect(await wrong.applied.isEmpty)
                // With the right kubeconfig it is who it should be.
                await world.coordinator.setOtherCluster(false)
                let right = FakeCluster()
                try await elsewhere(world, right).withAgent(settings) {
                    try await eventually("applied") { await !right.applied.isEmpty }
                }
            }
        }
    }

    /// The token stays good, and so does the agent that has joined before under this name.
    @Test func beforeAnotherClusterItIsToldSoBeforeItJoins() async throws {
        try await withDirectory { directory in
            let wrong = FakeCluster(uid: "uid-2")
            let world = try await AgentWorld(directory: directory, cluster: wrong)
            try await world.coordinator.serve {
                let one = try await world.release("1.0.0")
                try await world.coordinator.assign(one.assignment(1))
                await world.coordinator.setOtherUID("uid-2")
                let settings = try await world.settings()
                let message = try await ending(world, settings) { await world.coordinator.isConnected }
                #expect(message?.contains("The token is not spent") == true, "\(message ?? "it did not end")")
                let right = FakeCluster()
                try await elsewhere(world, right).withAgent(settings) {
                    try await eventually("applied") { await !right.applied.isEmpty }
                }
            }
        }
    }

    @Test func whoMayNotSeeTheNamespaceThatTellsItsClusterWorksAsBefore() async throws {
        let forbidden = ClusterError(isTransient: false, reason: "Forbidden", message: "it may not see kube-system")
        try await withDirectory { directory in
            let cluster = FakeCluster()
            await cluster.failUID(with: forbidden)
            let world = try await AgentWorld(directory: directory, cluster: cluster)
            try await world.coordinator.serve { try await fill(world) }
            #expect(await !cluster.applied.isEmpty)
        }
        // Confined to namespaces, it sees kube-system no more.
        try await withDirectory { directory in
            let world = try await AgentWorld(directory: directory, cluster: FakeCluster())
            try await world.coordinator.serve {
                try await fill(world)
                let confined = FakeCluster(uid: "team/uid-9")
                await confined.failUID(with: forbidden)
                let two = try await world.release("2.0.0")
                try await world.coordinator.assign(two.assignment(2))
                try await elsewhere(world, confined).withAgent(try await world.settings()) {
                    try await eventually("applied") { await !confined.applied.isEmpty }
                }
            }
        }
    }
}
