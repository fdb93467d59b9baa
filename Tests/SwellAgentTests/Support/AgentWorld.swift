internal import FoundationEssentials
internal import Logging
internal import SwellEngine
internal import SwellIdentity
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

extension Timestamp {
    static var wall: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
}

/// Waits until a condition holds; records an issue when it does not within `limit`.
func eventually(
    _ what: Comment, within limit: Duration = .seconds(20), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while clock.now < deadline {
        if try await condition() { return }
        try await clock.sleep(for: .milliseconds(10))
    }
    Issue.record("not in time: \(what)", sourceLocation: sourceLocation)
    throw CancellationError()
}

/// A directory that is gone after the test.
func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let path = FileManager.default.temporaryDirectory.path + "/swell-agent-test-\(UInt64.random(in: 0...UInt64.max))"
    try AtomicFile.makeDirectory(path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

/// An agent with a scripted coordinator and a cluster of the test's.
struct AgentWorld: Sendable {
    let directory: String
    let coordinator: ScriptedCoordinator
    let cluster: any ClusterPort
    let place: Cluster

    /// The same with another cluster behind it.
    init(directory: String, coordinator: ScriptedCoordinator, cluster: any ClusterPort, place: Cluster) {
        self.directory = directory
        self.coordinator = coordinator
        self.cluster = cluster
        self.place = place
    }

    init(directory: String, cluster: any ClusterPort) async throws {
        self.directory = directory
        self.cluster = cluster
        self.place = Cluster(name: "east-1", region: "us-east-1", environment: "test", labels: ["tier": "one"])
        self.coordinator = try ScriptedCoordinator(place: place)
        var random = SystemRandomNumberGenerator()
        let token = JoinToken.generate(for: "east-1", using: &random)
        await coordinator.addToken(token)
        try AtomicFile.write(Array(token.text.utf8), to: directory + "/token", isDurable: false)
    }

    /// - Parameter rules: By default a deadline is judged at once, as if silence were always known at once.
    func settings(
        rules: AgentRules = AgentRules(
            awayGrace: .milliseconds(200), retryDelay: .milliseconds(20), sightDelay: .zero)
    ) async throws -> AgentSettings {
        let link = LinkSettings(
            cluster: "east-1", coordinator: try Endpoint("localhost:\(await coordinator.fleetPort)"),
            enrolment: try Endpoint("localhost:\(await coordinator.enrolmentPort)"),
            joinTokenFile: directory + "/token", authorityPin: coordinator.authority.fingerprint,
            helloTimeout: .seconds(5))
        return AgentSettings(
            stateDirectory: directory + "/state", link: link, rules: rules, driftInterval: .milliseconds(50))
    }

    /// Runs the agent while `body` runs, then ends it as suddenly as cancellation is.
    func withAgent<Result: Sendable>(
        _ settings: AgentSettings? = nil, logger told: Logger? = nil,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        var logger = Logger(label: "test.agent")
        logger.logLevel = .error
        logger = told ?? logger
        let chosen: AgentSettings
        if let settings { chosen = settings } else { chosen = try await self.settings() }
        let service = AgentService(
            settings: chosen, cluster: cluster, now: { .wall }, chance: { 0.2 }, logger: logger)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                try await service.run()
                return nil
            }
            group.addTask { try await body() }
            while let outcome = try await group.next() {
                if let outcome {
                    group.cancelAll()
                    while (try? await group.next()) != nil {}
                    return outcome
                }
            }
            throw CancellationError()
        }
    }

    /// Puts a release together from one ConfigMap and what else is given.
    func release(_ version: String, application: String = "shop", extra: String = "") async throws -> DesiredRelease {
        try await assembledRelease(version, application: application, extra: extra).assignment
    }

    /// The same, with what was put together.
    func assembledRelease(
        _ version: String, application: String = "shop", extra: String = ""
    ) async throws -> (assignment: DesiredRelease, release: AssembledRelease) {
        let name = try ApplicationName(application)
        let app = Application(name: name, namespace: "shop", parameters: ["greeting": "hello"])
        let manifest = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: \(application)-settings}
            data: {version: "\(version)", region: "${region}", greeting: "${greeting}"}
            ---
            \(extra)
            """
        let assembled = try ReleaseAssembler.assemble(
            app, from: [SourceFile(name: "\(application).yaml", content: manifest)])
        await coordinator.store(assembled)
        let assignment = DesiredRelease(
            application: name, reference: ReleaseReference(version: version, digest: assembled.digest))
        return (assignment, assembled)
    }

    /// A release that can be assigned.
    struct DesiredRelease: Sendable {
        var application: ApplicationName
        var reference: ReleaseReference

        func assignment(
            _ generation: Int64, epoch: Int64 = 1, fallback: DesiredRelease? = nil, selfRollback: Bool = true,
            minHealthyTime: Interval = .milliseconds(50), deadline: Interval = .seconds(30),
            drift: DriftPolicy = .correct, away: DisconnectedBehaviour = .finish,
            silent: SilentControllerRule? = nil
        ) -> Assignment {
            Assignment(
                cluster: "east-1", application: application, generation: generation, epoch: epoch, rollout: "shop-1",
                goal: .run(reference), fallback: fallback?.reference,
                settings: AssignmentSettings(
                    minHealthyTime: minHealthyTime, progressDeadline: deadline, selfRollback: selfRollback,
                    whenDisconnected: away, drift: drift, silentControllers: silent))
        }
    }
}

enum JoinTokens {
    /// A well-formed token that the coordinator does not know.
    static func other(using random: inout SystemRandomNumberGenerator) -> String {
        JoinToken.generate(for: "east-1", using: &random).text
    }
}
