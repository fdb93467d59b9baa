internal import KubernetesClient
internal import KubernetesObjects
internal import NIOHTTP1
internal import SwellEngine
internal import SwellModel
internal import Synchronization
internal import Testing

@testable internal import SwellAgent

/// A removal is told as done once all is gone, says what it left, and leaves nothing held by an application that is gone.
@Suite(.timeLimit(.minutes(2))) struct ClusterRemovalTests {
    private static let finalizer = "example.com/hold"

    private static func settings(_ name: String, annotations: String = "{}") -> String {
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \(name), annotations: \(annotations)}\ndata: {a: b}\n---\n"
    }

    private static let claim = """
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: data}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
        ---

        """

    private static func removal(
        _ release: AgentWorld.DesiredRelease, _ generation: Int64, deadline: Interval = .seconds(30)
    ) -> Assignment {
        var assignment = release.assignment(generation, deadline: deadline)
        assignment.goal = .remove
        return assignment
    }

    private static let rules = AgentRules(
        awayGrace: .milliseconds(200), retryDelay: .milliseconds(20), retryDelayLimit: .milliseconds(300),
        sightDelay: .zero)

    @Test func whatIsStillThereIsNotRemovedAndSaysWhatHoldsIt() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.settings("held"))
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent(rules: Self.rules) {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
                let held = try #require(try await lab.object("v1", "ConfigMap", "held"))
                _ = try await lab.api.patch(
                    held.reference, .merge(["metadata": ["finalizers": [.string(Self.finalizer)]]]))
                try await lab.world.coordinator.assign(Self.removal(one, 2, deadline: .seconds(3)))
                try await lab.waitFor("it says what it waits for") {
                    $0.phase == .applying && $0.message?.contains("waits for \(Self.finalizer)") == true
                }
                try await lab.waitFor("failed") { $0.generation == 2 && $0.phase == .failed }
                let report = await lab.report()
                #expect(
                    report?.message
                        == "not gone within 3s: v1 ConfigMap shop/held: terminating, waits for example.com/hold")
                _ = try await lab.api.patch(held.reference, .merge(["metadata": ["finalizers": []]]))
                try await lab.waitFor("removed") { $0.phase == .removed }
                #expect(try await lab.object("v1", "ConfigMap", "held") == nil)
                #expect(await lab.report()?.message == nil)
            }
        }
    }

    @Test func whatIsLeftIsToldWithWhy() async throws {
        try await SimulatedLab.run { lab in
            let kept = Self.settings("kept", annotations: "{swell.dev/prune: keep}")
            let one = try await lab.world.release("1.0.0", extra: ShopManifest.namespace + "\n" + kept + Self.claim)
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent(rules: Self.rules) {
                try await lab.waitFor("applied") { [.verifying, .healthy].contains($0.phase) }
                try await lab.world.coordinator.assign(Self.removal(one, 2))
                try await lab.waitFor("removed") { $0.phase == .removed }
                let told = await lab.report()?.message ?? ""
                #expect(told.hasPrefix("left in the cluster: "), "\(told)")
                for words in [
                    "ConfigMap shop/kept (annotated swell.dev/prune: keep)",
                    "PersistentVolumeClaim shop/data (data go with a PersistentVolumeClaim",
                    "Namespace shop (it holds v1 ",
                ] {
                    #expect(told.contains(words), "\(told)")
                }
            }
        }
    }

    @Test func whatIsLeftIsHeldByNobody() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.claim)
            let labelled = Self.claim.replacing("{name: data}", with: "{name: data, labels: {of: next}}")
            let next = try await lab.world.release("1.0.0", application: "next", extra: labelled)
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent(rules: Self.rules) {
                try await lab.waitFor("applied") { [.verifying, .healthy].contains($0.phase) }
                try await lab.world.coordinator.assign(Self.removal(one, 2))
                try await lab.waitFor("removed") { $0.phase == .removed }
                try await lab.world.coordinator.assign(next.assignment(1))
                try await eventually("another has it") {
                    try await lab.object("v1", "PersistentVolumeClaim", "data")?.labels["of"] == "next"
                }
                // It was there before: the other one does not take its data along.
                try await lab.world.coordinator.assign(Self.removal(next, 2))
                try await eventually("removed, too") {
                    await lab.world.coordinator.last("next")?.phase == .removed
                }
                #expect(try await lab.object("v1", "PersistentVolumeClaim", "data")?.deletionTimestamp == nil)
            }
        }
    }

    @Test func whoComesBackHasItAgain() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.claim)
            let allowed = Self.claim.replacing(
                "{name: data}", with: "{name: data, annotations: {swell.dev/prune: allow}}")
            let two = try await lab.world.release("2.0.0", extra: allowed)
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent(rules: Self.rules) {
                try await lab.waitFor("applied") { [.verifying, .healthy].contains($0.phase) }
                try await lab.world.coordinator.assign(Self.removal(one, 2))
                try await lab.waitFor("removed") { $0.phase == .removed }
                try await lab.world.coordinator.assign(two.assignment(3))
                try await lab.waitFor("applied") { $0.generation == 3 && [.verifying, .healthy].contains($0.phase) }
                try await lab.world.coordinator.assign(Self.removal(two, 4))
                try await lab.waitFor("removed") { $0.generation == 4 && $0.phase == .removed }
                #expect(try await lab.object("v1", "PersistentVolumeClaim", "data") == nil)
            }
        }
    }

    /// The inventory is empty by then, and does not say it a second time.
    @Test(arguments: [false, true]) func whatWasLeftIsToldThoughTheRecordOfItWasLostAtFirst(byRestart: Bool)
        async throws
    {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.claim)
            let isShut = Mutex(true)
            let tap = RequestTap { request in
                guard isShut.withLock({ $0 }), request.method == .PATCH,
                    request.path.hasSuffix("/configmaps/swell-record-shop"),
                    String(decoding: request.body ?? [], as: UTF8.self).contains("\"removed\"")
                else { return nil }
                return RequestTap.Answer(
                    status: 500,
                    body: [
                        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "InternalError",
                        "message": "etcdserver: request timed out", "code": 500,
                    ])
            }
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent(tap: tap, rules: Self.rules, retry: RetryPolicy(maximumAttempts: 1)) {
                try await lab.waitFor("applied") { [.verifying, .healthy].contains($0.phase) }
                try await lab.world.coordinator.assign(Self.removal(one, 2))
                try await lab.waitFor("it meets the error") { $0.message?.contains("request timed out") == true }
                if !byRestart {
                    isShut.withLock { $0 = false }
                    try await lab.waitFor("removed") { $0.phase == .removed }
                }
            }
            if byRestart {
                try await lab.withAgent(rules: Self.rules) {
                    try await lab.waitFor("removed") { $0.phase == .removed }
                }
            }
            let told = await lab.report()?.message ?? ""
            #expect(told.contains("PersistentVolumeClaim shop/data (data go with"), "\(told)")
        }
    }
}
