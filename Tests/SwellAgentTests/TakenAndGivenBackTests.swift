internal import KubernetesObjects
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import Testing

@testable internal import KubernetesClient
@testable internal import SwellAgent

/// What one application takes from another, and gives back, by the agent that runs both.
@Suite(.serialized, .timeLimit(.minutes(3))) struct TakenAndGivenBackTests {
    private static func map(_ name: String, _ value: String, _ annotations: String = "") -> String {
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \(name), annotations: {\(annotations)}}\ndata: {key: \"\(value)\"}\n---\n"
    }

    private static let force = "swell.dev/adopt: force"

    private func key(_ lab: SimulatedLab, _ name: String) async throws -> String? {
        try await lab.object("v1", "ConfigMap", name)?.value(at: ["data", "key"])?.stringValue
    }

    private func last(_ lab: SimulatedLab, _ name: ApplicationName) async -> ApplicationReport? {
        await lab.world.coordinator.last(name)
    }

    private func healthy(_ lab: SimulatedLab, _ name: ApplicationName, _ generation: Int64) async throws {
        try await eventually("\(name.rawValue) is healthy", within: .seconds(30)) {
            await last(lab, name).map { $0.generation == generation && $0.phase == .healthy } ?? false
        }
    }

    /// Application `taker` has what c has by force with a release that fails, and goes back to one that lacks it.
    private func takeAndGoBack(_ lab: SimulatedLab) async throws {
        let good = try await lab.world.release("1.0.0", application: "taker")
        let bad = try await lab.world.release(
            "2.0.0", application: "taker",
            extra: Self.map("shared", "taker", Self.force) + ShopManifest.deployment("web", image: "web:missing"))
        try await lab.world.coordinator.assign(good.assignment(1))
        try await healthy(lab, "taker", 1)
        try await lab.world.coordinator.assign(bad.assignment(2, fallback: good))
        try await eventually("reverted", within: .seconds(40)) { await last(lab, "taker")?.phase == .reverted }
    }

    /// What is left alone by the drift setting is what others changed, not what Swell itself did.
    @Test(arguments: DriftPolicy.allCases) func whatIsGivenBackIsAsItsOwnerWantsIt(drift: DriftPolicy) async throws {
        try await SimulatedLab.run { lab in
            let theirs = try await lab.world.release(
                "1.0.0", application: "c", extra: Self.map("shared", "c") + Self.map("other", "c"))
            try await lab.withAgent {
                try await lab.world.coordinator.assign(theirs.assignment(1, drift: drift))
                try await healthy(lab, "c", 1)
                if drift == .report {
                    let other = try #require(try await lab.object("v1", "ConfigMap", "other"))
                    _ = try await lab.api.patch(
                        other.reference, .merge(["data": ["key": "by hand"]]), fieldManager: "kubectl-edit")
                }
                try await takeAndGoBack(lab)
                let message = await last(lab, "taker")?.message ?? ""
                #expect(message.contains("goes back to application c"), "\(message)")
                try await eventually("shared is c's again") { try await key(lab, "shared") == "c" }
                #expect(try await key(lab, "other") == (drift == .report ? "by hand" : "c"))
            }
        }
    }

    /// Where nobody puts it right, it is said, and what to do.
    @Test func whatNobodyHerePutsRightIsSaid() async throws {
        try await SimulatedLab.run { lab in
            // As an application that the agent is not told to run any more.
            var options = BundleOptions(
                fieldManager: KubernetesCluster.fieldManager, inventoryNamespace: "swell-system",
                inventoryName: "\(KubernetesCluster.inventoryPrefix)c", defaultNamespace: "shop",
                now: { KubernetesTime(.wall) })
            options.inventoryPrefix = KubernetesCluster.inventoryPrefix
            for name in ["shop", "swell-system"] {
                try await lab.api.ensureNamespace(name, fieldManager: KubernetesCluster.fieldManager)
            }
            let theirs = try Manifest.objects(in: Self.map("shared", "c"))
            #expect(try await BundleApplier(api: lab.api, options: options).apply(theirs).succeeded)
            try await lab.withAgent {
                try await takeAndGoBack(lab)
                let message = await last(lab, "taker")?.message ?? ""
                #expect(message.contains("with what was made of it: roll c out again"), "\(message)")
            }
        }
    }

    // MARK: A release that was healthy here before

    private func answer(_ id: Int64, _ lab: SimulatedLab) async throws -> PreviewAnswer {
        try await eventually("answered") { await lab.world.coordinator.previews[id] != nil }
        return try #require(await lab.world.coordinator.previews[id]?.first)
    }

    /// Application a had x, and b has it by now; a's first release comes again.
    private func comeAgain(
        _ lab: SimulatedLab, _ annotations: String,
        _ body: @escaping @Sendable (AgentWorld.DesiredRelease, AgentWorld.DesiredRelease) async throws -> Void
    ) async throws {
        let one = try await lab.world.release("1.0.0", application: "a", extra: Self.map("x", "a", annotations))
        let two = try await lab.world.release("2.0.0", application: "a")
        let theirs = try await lab.world.release("1.0.0", application: "b", extra: Self.map("x", "b", annotations))
        try await lab.withAgent {
            try await lab.world.coordinator.assign(one.assignment(1))
            try await healthy(lab, "a", 1)
            try await lab.world.coordinator.assign(two.assignment(2))
            try await healthy(lab, "a", 2)
            try await lab.world.coordinator.assign(theirs.assignment(1))
            try await healthy(lab, "b", 1)
            try await body(one, two)
        }
    }

    @Test func aPreviewOfItSaysThatOthersKeepWhatTheyHave() async throws {
        try await SimulatedLab.run { lab in
            try await comeAgain(lab, "") { one, two in
                try await lab.world.coordinator.ask(
                    PreviewQuestion(id: 1, application: "a", release: one.reference, timeLimit: .seconds(20)))
                let change = try await answer(1, lab).objects.first { $0.name == "x" }
                #expect(change?.action == .keep, "\(String(describing: change))")
                #expect(change?.message?.contains("application b has it by now") == true)
                try await lab.world.coordinator.assign(one.assignment(3))
                try await healthy(lab, "a", 3)
                #expect(try await key(lab, "x") == "b")
                let message = await last(lab, "a")?.message ?? ""
                #expect(message.contains("ConfigMap shop/x is left to application b"), "\(message)")
            }
        }
    }

    @Test func whatItTakesByForceIsSaidWhereItIsHealthy() async throws {
        try await SimulatedLab.run { lab in
            try await comeAgain(lab, Self.force) { one, two in
                try await lab.world.coordinator.assign(one.assignment(3, fallback: two))
                try await healthy(lab, "a", 3)
                #expect(try await key(lab, "x") == "a")
                let words = "ConfigMap shop/x is taken over from application b"
                try await eventually("it is said") { await last(lab, "a")?.message?.contains(words) == true }
            }
        }
    }

    /// As the coordinator's own rollback comes, which names nothing to go back to: it is a way back, whoever goes it.
    @Test func whatTheCoordinatorTakesBackTakesNothingByForce() async throws {
        try await SimulatedLab.run { lab in
            try await comeAgain(lab, Self.force) { one, two in
                try await lab.world.coordinator.assign(one.assignment(3))
                try await healthy(lab, "a", 3)
                #expect(try await key(lab, "x") == "b")
                let message = await last(lab, "a")?.message ?? ""
                #expect(message.contains("ConfigMap shop/x is left to application b"), "\(message)")
            }
        }
    }

    /// The first release of all is ordered once more: there is no other to go back to, and it takes nothing back.
    @Test func whatIsOrderedOnceMoreTakesOverByForceThoughThereIsNoOther() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", application: "a", extra: Self.map("x", "a", Self.force))
            let theirs = try await lab.world.release("1.0.0", application: "b", extra: Self.map("x", "b", Self.force))
            try await lab.withAgent {
                try await lab.world.coordinator.assign(one.assignment(1))
                try await healthy(lab, "a", 1)
                try await lab.world.coordinator.assign(theirs.assignment(1))
                try await healthy(lab, "b", 1)
                #expect(try await key(lab, "x") == "b")
                var again = one.assignment(2)
                again.rollout = "shop-2"
                try await lab.world.coordinator.assign(again)
                try await healthy(lab, "a", 2)
                #expect(try await key(lab, "x") == "a")
            }
        }
    }

    /// What was applied whole is known from the cluster's record where the journal is lost.
    @Test func whoLostItsJournalTakesNothingBackByForce() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", application: "a", extra: Self.map("x", "a", Self.force))
            let theirs = try await lab.world.release("1.0.0", application: "b", extra: Self.map("x", "b", Self.force))
            try await lab.withAgent {
                try await lab.world.coordinator.assign(one.assignment(1))
                try await healthy(lab, "a", 1)
                try await lab.world.coordinator.assign(theirs.assignment(1))
                try await healthy(lab, "b", 1)
                #expect(try await key(lab, "x") == "b")
            }
            let known = await lab.world.coordinator.reports.count
            try await lab.withAgent(state: "another") {
                for name in ["a", "b"] as [ApplicationName] {
                    try await eventually("\(name) is healthy again", within: .seconds(40)) {
                        await lab.world.coordinator.reports.dropFirst(known).contains {
                            $0.application == name && $0.phase == .healthy
                        }
                    }
                }
                #expect(try await key(lab, "x") == "b")
                let message = await last(lab, "a")?.message ?? ""
                #expect(message.contains("ConfigMap shop/x is left to application b"), "\(message)")
                #expect(!message.contains("taken over"), "\(message)")
            }
        }
    }

    /// What was given back and cannot be put back is shown, whatever is to become of drift.
    @Test func whatCannotBePutBackIsSaidWhereDriftIsOnlyReported() async throws {
        try await SimulatedLab.run { lab in
            let shared = ShopManifest.deployment("x", image: "x:1")
            let taking = shared.replacing("app: x}", with: "app: other}").replacing(
                "{name: x}", with: "{name: x, annotations: {swell.dev/adopt: force, swell.dev/replace: allow}}")
            let theirs = try await lab.world.release("1.0.0", application: "c", extra: shared)
            let one = try await lab.world.release("1.0.0", application: "b", extra: taking)
            let two = try await lab.world.release("2.0.0", application: "b")
            try await lab.withAgent {
                try await lab.world.coordinator.assign(theirs.assignment(1, drift: .report))
                try await healthy(lab, "c", 1)
                try await lab.world.coordinator.assign(one.assignment(1))
                try await healthy(lab, "b", 1)
                try await lab.world.coordinator.assign(two.assignment(2))
                try await healthy(lab, "b", 2)
            }
            // It is given back by now, and the server takes no other selector.
            let cluster = KubernetesCluster(
                api: lab.api, namespace: "swell-system", now: { .wall }, logger: Logger(label: "test"))
            let release = ClusterRelease(
                application: Application(name: "c", namespace: "shop"), release: theirs.reference, generation: 1,
                epoch: 1,
                objects: try Manifest.objects(in: shared).map { object in
                    var placed = object
                    placed.namespace = "shop"
                    return placed
                })
            let failure = await #expect(throws: UncorrectedDrift.self) {
                try await cluster.drift(of: release, isCorrecting: false, leaving: [])
            }
            #expect(failure?.left.map(\.name) == ["x"], "\(String(describing: failure))")
            let live = try await lab.object("apps/v1", "Deployment", "x")
            #expect(live?.spec?["selector"]?["matchLabels"]?["app"] == "other")
        }
    }

    /// What is said of an object is not said by the next look of a process that finds it otherwise.
    @Test func whatIsTakenBackIsNotSaidAnyMore() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", application: "a", extra: Self.map("x", "a", Self.force))
            let theirs = try await lab.world.release("1.0.0", application: "b", extra: Self.map("x", "b", Self.force))
            let words = "ConfigMap shop/x is taken over from application a"
            try await lab.withAgent {
                try await lab.world.coordinator.assign(one.assignment(1))
                try await healthy(lab, "a", 1)
                try await lab.world.coordinator.assign(theirs.assignment(1))
                try await healthy(lab, "b", 1)
                try await eventually("it is said") { await last(lab, "b")?.message?.contains(words) == true }
                try await lab.world.coordinator.assign(one.assignment(2, fallback: one))
                try await healthy(lab, "a", 2)
                #expect(try await key(lab, "x") == "a")
            }
            let known = await lab.world.coordinator.reports.count
            try await lab.withAgent {
                try await eventually("b is healthy again", within: .seconds(30)) {
                    await lab.world.coordinator.reports.dropFirst(known).contains {
                        $0.application == "b" && $0.health == .healthy
                    }
                }
                let message = await last(lab, "b")?.message ?? ""
                #expect(!message.contains(words), "\(message)")
            }
        }
    }
}
