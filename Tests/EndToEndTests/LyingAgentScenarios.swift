internal import Foundation
internal import GRPCCore
internal import SwellEngine
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import SwiftProtobuf
internal import Testing

/// An agent that lies, with a certificate of its own, beside honest ones: whatever it says, it says of its own cluster alone
/// (invariants 15 and 22).
@Suite(.serialized) struct LyingAgentScenarios {
    private static let liar = "usw1-liar"
    private static let regions = [
        "us-east-1": ["use1-a"], "us-west-1": ["usw1-a", liar], "eu-central-1": ["euc1-a", "euc1-b"],
    ]

    /// One cluster may fail, and is taken back alone; `shop` is not for the liar's region.
    private static let documents = """
        apiVersion: swell.dev/v1
        kind: Application
        metadata: {name: web}
        spec: {namespace: web}
        ---
        apiVersion: swell.dev/v1
        kind: Application
        metadata: {name: shop}
        spec: {namespace: shop, select: {regions: [us-east-1]}}
        ---
        apiVersion: swell.dev/v1
        kind: RolloutPolicy
        metadata: {name: east-only}
        spec: {stages: [{name: all, select: {regions: [us-east-1]}}], minHealthyTime: 1s}
        ---
        apiVersion: swell.dev/v1
        kind: RolloutPolicy
        metadata: {name: waves}
        spec:
          stages:
            - {name: canary, select: {regions: [us-east-1]}, maxConcurrent: 1, soak: 2s}
            - {name: rest, select: {regions: [us-west-1, eu-central-1]}, maxConcurrent: 100%, failureBudget: 1}
          minHealthyTime: 1s
          progressDeadline: 20s
          unreachableAfter: 15s
          onFailure: {action: rollback, scope: cluster}
        """

    @Test func anAgentThatLiesChangesNothingForAnyOtherCluster() async throws {
        try await withFleet(Self.regions) { fleet in
            try await fleet.apply(Self.documents)
            for version in ["1.0.0", "2.0.0", "3.0.0"] {
                try await fleet.release(
                    "web", version, manifests: Documents.manifests(image: "registry.example/web:\(version)"))
            }
            try await fleet.release("shop", "1.0.0", manifests: Documents.manifests(image: "registry.example/shop:1"))
            try await fleet.withStore { store in try await play(fleet, store) }
        }
    }

    private func play(_ fleet: Fleet, _ store: PostgresStore) async throws {
        try await fleet.start("1.0.0", of: "shop", under: "east-only", name: "shop")
        try await store.awaited("shop", "succeeded") { $0.phase == .succeeded }
        let honest = try await Self.timed {
            try await fleet.start("1.0.0", name: "first")
            try await store.awaited("first", "succeeded") { $0.phase == .succeeded }
        }

        let agent = try await ForgedAgent(inPlaceOf: Self.liar, fleet)
        let before = try await others(store)
        try await tellEveryLie(agent)
        try await reachForOthers(agent, store)
        #expect(try await others(store) == before, "another cluster's rows changed")

        // While a rollout goes on, with all of them again and again.
        let lying = Task { try await Self.keepLying(agent) }
        let beside = try await Self.timed {
            try await fleet.start("2.0.0", name: "second")
            let second = try await store.awaited("second", "settled where agents are honest") { rollout in
                rollout.targets.values.allSatisfy { $0.cluster.rawValue == Self.liar || $0.isSettled }
            }
            for target in second.targets.values where target.cluster.rawValue != Self.liar {
                #expect(target.phase == .healthy && target.generation == 2 && target.attempts == 1, "\(target)")
            }
        }
        let told = try await told(of: "second", store)
        lying.cancel()
        let lies = try await lying.value
        for (place, assignment) in try await others(store) where assignment.generation > 0 {
            #expect(assignment.epoch < 1_000, "\(place): the epoch followed the liar's: \(assignment.epoch)")
        }

        // The honest agent of that cluster comes back, to whatever numbers were used up in its name.
        try await fleet.startAgent(Self.liar)
        try await fleet.start("3.0.0", name: "third", superseding: true)
        let third = try await store.awaited("third", "over") { $0.phase.isEnded }
        #expect(third.phase == .succeeded, "\(third.phase): \(third.reason ?? "")")
        #expect(third.targets.values.allSatisfy { $0.phase == .healthy }, "\(third.targets.values)")
        print("judgement: \(try await judge(fleet))")
        print("liar: a rollout took \(honest) before, \(beside) beside \(lies) lies; it was then \(told)")
    }

    private static func timed(_ body: () async throws -> Void) async throws -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        try await body()
        return clock.now - start
    }

    private func told(of rollout: String, _ store: PostgresStore) async throws -> String {
        guard let rollout = try await store.rollout(RolloutName(rollout)) else { return "gone" }
        let liar = rollout.targets[try ClusterName(Self.liar)]
        return "\(try await store.told(of: rollout)); the liar's cluster: \(liar?.phase.rawValue ?? "none") "
            + "(\(liar?.reason ?? "")), generation \(liar?.generation ?? 0), attempts \(liar?.attempts ?? 0)"
    }

    private struct Place: Hashable {
        var cluster: ClusterName
        var application: ApplicationName

        init(_ cluster: ClusterName, _ application: ApplicationName) {
            self.cluster = cluster
            self.application = application
        }
    }

    /// What a cluster runs, by the database's assignments and its agent's last words.
    private struct Standing: Hashable {
        var generation: Int64 = 0
        var epoch: Int64 = 0
        var report: ApplicationReport?
    }

    /// How every other cluster stands.
    private func others(_ store: PostgresStore) async throws -> [Place: Standing] {
        var all: [Place: Standing] = [:]
        for cluster in Self.regions.values.joined() where cluster != Self.liar {
            let name = try ClusterName(cluster)
            for assignment in try await store.assignments(of: name) {
                all[Place(name, assignment.application), default: Standing()].generation =
                    assignment.generation
                all[Place(name, assignment.application), default: Standing()].epoch = assignment.epoch
            }
        }
        for status in try await store.statuses(of: nil) where status.cluster.rawValue != Self.liar {
            all[Place(status.cluster, status.report.application), default: Standing()].report =
                status.report
        }
        return all
    }

    // MARK: Lies

    /// Tells each lie once while nothing is under way, and checks whether it is refused or only taken note of.
    private func tellEveryLie(_ agent: ForgedAgent) async throws {
        for lie in Lie.all {
            var heard = try await tell(lie, agent)
            // One cluster greets so often and no more; then it is told to come back.
            let deadline = ContinuousClock.now + .seconds(30)
            while heard.sentAway != nil, ContinuousClock.now < deadline {
                try await ContinuousClock().sleep(for: .seconds(1))
                heard = try await tell(lie, agent)
            }
            let code = heard.refusal?.code
            if lie.isRefused {
                #expect(code == .invalidArgument, "\(lie.name): \(String(describing: heard.refusal))")
            } else {
                #expect(heard.acknowledged == [1], "\(lie.name): \(heard)")
            }
        }
    }

    private func tell(_ lie: Lie, _ agent: ForgedAgent) async throws -> ForgedSession.Heard {
        try await agent.converse(journal: lie.isRefused ? [] : lie.statuses(Lie.start)) { session in
            try await session.welcomed()
            let assignment = session.heard.assignments["web"] ?? Lie.start
            try await session.report(1, lie.statuses(assignment))
            try await session.acknowledged(1)
        }
    }

    /// What would be another cluster's to have.
    private func reachForOthers(_ agent: ForgedAgent, _ store: PostgresStore) async throws {
        let shop = try #require(
            try await store.assignments(of: ClusterName("use1-a")).first { $0.application.rawValue == "shop" })
        let digest = try #require(shop.digest)
        try await agent.withClient { client in
            let refusal = await #expect(throws: RPCError.self) {
                try await client.fetchDocuments(.with { $0.digests = [digest.rawValue] }) { response in
                    for try await _ in response.messages {}
                }
            }
            #expect(refusal?.code == .notFound, "\(String(describing: refusal))")
        }
    }

    /// Lies until cancelled; returns how often.
    private static func keepLying(_ agent: ForgedAgent) async throws -> Int {
        var count = 0
        while !Task.isCancelled {
            for lie in Lie.all where !Task.isCancelled {
                count += 1
                _ = try? await agent.converse(journal: lie.isRefused ? [] : lie.statuses(Lie.start)) { session in
                    try await session.welcomed()
                    for id in 1...20 as ClosedRange<UInt64> {
                        let assignment = session.heard.assignments["web"] ?? Lie.start
                        try await session.report(id, lie.statuses(assignment))
                        try await session.acknowledged(id)
                        guard !Task.isCancelled else { return }
                    }
                }
            }
        }
        return count
    }
}

/// Something that an agent may say and that is not so.
private struct Lie: Sendable {
    typealias Status = Swell_V1_ApplicationStatus

    let name: String
    /// Whether the session ends over it.
    var isRefused = false
    /// What is said, given what is assigned.
    let statuses: @Sendable (Swell_V1_Assignment) -> [Status]

    /// What is taken for assigned where nothing is.
    static let start = Swell_V1_Assignment.with {
        $0.application = "web"
        $0.generation = 1
        $0.epoch = 1
    }

    private static let nowhere = "sha256:" + String(repeating: "ab", count: 32)

    /// The assignment, done and healthy, but for a change.
    private static func done(_ assignment: Swell_V1_Assignment, _ change: (inout Status) -> Void) -> [Status] {
        [
            .with {
                $0.application = "web"
                $0.generation = assignment.generation
                $0.epoch = assignment.epoch
                $0.digest = assignment.run.digest.isEmpty ? nowhere : assignment.run.digest
                $0.phase = .healthy
                $0.health = .healthy
                change(&$0)
            }
        ]
    }

    private static func ahead(by number: Int64) -> Lie {
        Lie(name: "\(number) generations ahead") { done($0) { $0.generation += number } }
    }

    private static func generation(_ number: Int64, isRefused: Bool = true) -> Lie {
        Lie(name: "generation \(number)", isRefused: isRefused) { done($0) { $0.generation = number } }
    }

    private static func epoch(_ number: Int64, isRefused: Bool) -> Lie {
        Lie(name: "epoch \(number)", isRefused: isRefused) { done($0) { $0.epoch = number } }
    }

    private static func application(_ name: String) -> Lie {
        Lie(name: "application \(name)") { done($0) { $0.application = name } }
    }

    static let all: [Lie] = [
        generation(Int64(bitPattern: .max)), generation(.max), generation(1 << 53 + 1),
        generation(1 << 53, isRefused: false), generation(1 << 40, isRefused: false), ahead(by: 1), ahead(by: 1 << 20),
        epoch(Int64(bitPattern: .max), isRefused: true), epoch(.max, isRefused: true), epoch(1 << 53, isRefused: false),
        epoch(1 << 40, isRefused: false),
        // Assigned to others, and to nobody.
        application("shop"), application("nobodys"),
        // There is no field for a cluster's name; this is where one would fit.
        application("use1-a"),
        Lie(name: "another digest") { done($0) { $0.digest = nowhere } },
        Lie(name: "healthy at once") { done($0) { _ in } },
        Lie(name: "reverted without reason") {
            done($0) {
                $0.phase = .reverted
                $0.health = .failed
                $0.digest = nowhere
            }
        },
        Lie(name: "failed") {
            done($0) {
                $0.phase = .failed
                $0.health = .failed
            }
        },
        Lie(name: "removed") {
            done($0) {
                $0.phase = .removed
                $0.digest = ""
            }
        },
        Lie(name: "no phase", isRefused: true) { done($0) { $0.phase = .unspecified } },
        Lie(name: "no digest at all", isRefused: true) { done($0) { $0.digest = "sha256:moon" } },
        Lie(name: "one application twice", isRefused: true) { done($0) { _ in } + done($0) { _ in } },
    ]
}
