internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// What one application does to what another one has, is bringing, or runs.
@Suite(.timeLimit(.minutes(2))) struct TwoApplicationsTests {
    private func run(_ body: @escaping @Sendable (SimulatedServer) async throws -> Void) async throws {
        try await SimulatedServer.run { server in
            for object in try Sample.manifest(Sample.namespace) { _ = try await server.api.create(object) }
            try await body(server)
        }
    }

    // MARK: Pruning

    @Test func whatAnotherIsBringingStaysAndGoesWithIt() async throws {
        try await run { server in
            let (one, two) = (applier(server, of: "a"), applier(server, of: "b"))
            #expect(try await one.apply(try Sample.manifest(Sample.configMap("x") + Sample.configMap("z"))).succeeded)
            var without: BundleResult?
            let bundle = try Sample.manifest(Sample.configMap("x") + Sample.configMap("w"))
            let brought = try await two.apply(bundle) { report in
                guard report.reference.name == "x", without == nil else { return }
                without = try? await one.apply(try Sample.manifest(Sample.configMap("z")))
            }
            #expect(brought.succeeded && without?.succeeded == true, "\(brought.objects)")
            #expect(without?.report("x")?.outcome == .kept)
            #expect(without?.message("x") == "b is bringing it, too")
            #expect(try await server.exists("v1", "ConfigMap", "x"))
            // It is the other's alone by now.
            #expect(try await one.apply(try Sample.manifest(Sample.configMap("z"))).succeeded)
            #expect(try await record(server, of: "a").inventory.references.map(\.name) == ["z"])
            let removed = try await applier(server, of: "b") { $0.allowsEmpty = true }.apply([])
            #expect(removed.report("x")?.outcome == .pruned, "\(removed.objects)")
        }
    }

    @Test func whatAnotherGaveUpBringingIsNotLeftBehind() async throws {
        try await run { server in
            let (one, two) = (applier(server, of: "a"), applier(server, of: "b"))
            #expect(try await one.apply(try Sample.manifest(Sample.configMap("x") + Sample.configMap("z"))).succeeded)
            let later = Sample.configMap("x", annotations: "{swell.dev/wave: \"1\"}")
            let broken = Sample.configMap("broken").replacing("\ndata:", with: "\ndat:")
            var without: BundleResult?
            let failed = try await two.apply(try Sample.manifest(broken + later)) { report in
                guard report.reference.name == "broken", without == nil else { return }
                without = try? await one.apply(try Sample.manifest(Sample.configMap("z")))
            }
            #expect(!failed.succeeded && without?.report("x")?.outcome == .kept, "\(failed.objects)")
            #expect(try await record(server, of: "b").inventory.references.allSatisfy { $0.name != "x" })
            let again = try await one.apply(try Sample.manifest(Sample.configMap("z")))
            #expect(again.report("x")?.outcome == .pruned, "\(again.objects)")
            #expect(try await server.exists("v1", "ConfigMap", "x") == false)
        }
    }

    /// Leaves an application `b` whose bundle with `x` was interrupted before `x`, and an `a` that gave `x` up meanwhile.
    private func interruptMove(on server: SimulatedServer) async throws {
        let (one, two) = (applier(server, of: "a"), applier(server, of: "b"))
        #expect(try await one.apply(try Sample.manifest(Sample.configMap("x") + Sample.configMap("z"))).succeeded)
        // By its age it was there before the other came.
        let made = try #require(
            try await server.live("v1", "ConfigMap", "x")?.creationTimestamp.flatMap(KubernetesTime.init(parsing:)))
        try await server.api.poll(every: .milliseconds(50), atMost: .seconds(20), what: "the next second") {
            KubernetesTime.current.seconds >= made.seconds + 1
        }
        let bundle = try Sample.manifest(
            Sample.deployment("web", image: "web:never-ready")
                + Sample.configMap("x", annotations: "{swell.dev/wave: \"1\"}"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await two.apply(bundle) }
            try await server.api.poll(every: .milliseconds(20), atMost: .seconds(20), what: "the other's wish") {
                try await record(server, of: "b").pending.references.contains { $0.name == "x" }
            }
            group.cancelAll()
        }
        let without = try await one.apply(try Sample.manifest(Sample.configMap("z")))
        #expect(without.message("x") == "b is bringing it, too", "\(without.objects)")
    }

    @Test func whoGaveUpAnObjectIsNotInTheWayOfWhoBringsIt() async throws {
        try await run { server in
            try await interruptMove(on: server)
            let mended = try Sample.manifest(Sample.configMap("x", annotations: "{of: b}") + Sample.configMap("w"))
            let brought = try await applier(server, of: "b").apply(mended)
            #expect(brought.report("x")?.outcome == .configured, "\(brought.objects)")
            #expect(try await applier(server, of: "a").apply(try Sample.manifest(Sample.configMap("z"))).succeeded)
            #expect(try await record(server, of: "a").inventory.references.map(\.name) == ["z"])
            // It is known, too, that it was made by a release, and not there before.
            let removed = try await applier(server, of: "b") { $0.allowsEmpty = true }.apply([])
            #expect(removed.report("x")?.outcome == .pruned, "\(removed.objects)")
        }
    }

    @Test(arguments: [true, false]) func whatBothGaveUpIsDeleted(firstByTheOther: Bool) async throws {
        try await run { server in
            try await interruptMove(on: server)
            let (one, two) = (applier(server, of: "a"), applier(server, of: "b"))
            let without = try Sample.manifest(Sample.configMap("w"))
            if !firstByTheOther { #expect(try await one.apply(try Sample.manifest(Sample.configMap("z"))).succeeded) }
            let other = try await two.apply(without)
            #expect(other.succeeded && other.report("x")?.outcome == .pruned, "\(other.objects)")
            #expect(try await server.exists("v1", "ConfigMap", "x") == false)
            #expect(try await one.apply(try Sample.manifest(Sample.configMap("z"))).succeeded)
            #expect(try await record(server, of: "a").inventory.references.map(\.name) == ["z"])
        }
    }

    @Test func whoWantsAgainWhatHeGaveUpHasIt() async throws {
        try await run { server in
            try await interruptMove(on: server)
            let (one, two) = (applier(server, of: "a"), applier(server, of: "b"))
            #expect(try await two.apply(try Sample.manifest(Sample.configMap("w"))).succeeded)
            let bundle = try Sample.manifest(Sample.configMap("x", "2") + Sample.configMap("z"))
            #expect(try await one.apply(bundle).succeeded)
            let stored = try await record(server, of: "a")
            #expect(stored.pending.references.isEmpty && stored.leaving.references.isEmpty)
            #expect(stored.applied.references.count == 2)
        }
    }

    /// Only its own inventory tells an application that another one had it meanwhile, and left it.
    @Test func whatWasTakenOverIsNotPrunedThoughNobodyHoldsItAnyMore() async throws {
        let claim = """
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: data, annotations: {swell.dev/prune: allow}}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
            ---

            """
        try await run { server in
            let one = applier(server, of: "a") { $0.waitsForHealth = false }
            #expect(try await one.apply(try Sample.manifest(claim)).succeeded)
            var left: BundleResult?
            let without = try await one.apply(try Sample.manifest(Sample.configMap("z"))) { report in
                guard report.reference.name == "z" else { return }
                let taker = applier(server, of: "b") {
                    $0.adoption = .force
                    $0.waitsForHealth = false
                }
                let theirs = claim.replacing("swell.dev/prune: allow", with: "of: b")
                _ = try? await taker.apply((try? Sample.manifest(theirs)) ?? [])
                left = try? await applier(server, of: "b") {
                    $0.allowsEmpty = true
                    $0.isRemoval = true
                }.apply([])
            }
            #expect(left?.report("data")?.outcome == .kept, "\(left?.objects ?? [])")
            #expect(without.report("data")?.outcome != .pruned, "\(without.objects)")
            let live = try await server.live("v1", "PersistentVolumeClaim", "data")
            #expect(live != nil && live?.deletionTimestamp == nil)
        }
    }

    @Test func anInventoryThatSomebodyDeletesIsNoTakeover() async throws {
        try await run { server in
            let one = applier(server, of: "a")
            let bundle = try Sample.manifest(Sample.configMap("x") + Sample.configMap("z"))
            #expect(try await one.apply(bundle).succeeded)
            let inventory = InventoryStore(api: server.api, options: one.options).reference
            let next = try Sample.manifest(Sample.configMap("w") + Sample.configMap("z"))
            let result = try await one.apply(next) { report in
                if report.reference.name == "w" { _ = try? await server.api.delete(inventory) }
            }
            #expect(result.report("x")?.outcome == .pruned, "\(result.objects)")
            let stored = try await record(server, of: "a")
            #expect(Set(stored.inventory.references.map(\.name)) == ["w", "z"])
            #expect(stored.pending.references.isEmpty)
        }
    }

    // MARK: Hooks

    @Test func noHookTakesTheRunningJobOfAnotherForItsOwn() async throws {
        try await run { server in
            let (one, two) = (applier(server, of: "e"), applier(server, of: "f"))
            let slow = try Sample.manifest(Sample.job("migrate", image: "migrate:never-ready", timeout: "10m"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await one.apply(slow) }
                try await server.api.poll(every: .milliseconds(20), atMost: .seconds(20), what: "the hook to run") {
                    try await server.exists("batch/v1", "Job", "migrate")
                }
                let running = try await server.live("batch/v1", "Job", "migrate")?.uid
                let refused = try await two.apply(try Sample.manifest(Sample.job("migrate", image: "other:1")))
                #expect(refused.report("migrate")?.outcome == .failed)
                #expect(
                    refused.message("migrate")
                        == "before hook: application e has a Job of this name; give the hook another name")
                #expect(try await server.live("batch/v1", "Job", "migrate")?.uid == running)
                group.cancelAll()
            }
            // Who was refused has no claim to it, and holds nobody up.
            let next = try await one.apply(try Sample.manifest(Sample.job("migrate", image: "migrate:2")))
            #expect(next.succeeded, "\(next.objects)")
        }
    }

    /// An interrupted hook goes on, whoever else would like to have one of its name.
    @Test func aHookThatIsUnderWayIsKnownAgain() async throws {
        try await run { server in
            let (one, two) = (applier(server, of: "e"), applier(server, of: "f"))
            let hook = try Sample.manifest(
                Sample.job("migrate", timeout: "60s").replacing(
                    "backoffLimit: 0", with: "backoffLimit: 0\n  suspend: true"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await one.apply(hook) }
                try await server.api.poll(every: .milliseconds(20), atMost: .seconds(20), what: "the hook to be made") {
                    try await server.exists("batch/v1", "Job", "migrate")
                }
                group.cancelAll()
            }
            let waiting = try Sample.manifest(
                Sample.deployment("web", image: "web:never-ready") + Sample.job("migrate", hook: "after"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await two.apply(waiting) }
                try await server.api.poll(every: .milliseconds(20), atMost: .seconds(20), what: "the other's wish") {
                    try await record(server, of: "f").pending.references.contains { $0.name == "migrate" }
                }
                group.cancelAll()
            }
            let live = try #require(try await server.live("batch/v1", "Job", "migrate"))
            _ = try await server.api.patch(
                live.reference, .merge(["spec": ["suspend": false]]), fieldManager: "queue")
            let result = try await one.apply(hook)
            #expect(result.message("migrate") == "before hook succeeded", "\(result.objects)")
            #expect(try await server.live("batch/v1", "Job", "migrate")?.uid == live.uid)
        }
    }

    @Test func noHookTakesAJobThatCameMeanwhile() async throws {
        try await run { server in
            let (one, two) = (applier(server, of: "e"), applier(server, of: "f"))
            let theirs = try Sample.manifest(Sample.job("migrate"))
            let bundle = try Sample.manifest(Sample.configMap("z") + Sample.job("migrate", hook: "after"))
            var (done, uid): (BundleResult?, String?) = (nil, nil)
            let refused = try await two.apply(bundle) { report in
                guard report.reference.name == "z" else { return }
                done = try? await one.apply(theirs)
                uid = try? await server.live("batch/v1", "Job", "migrate")?.uid
            }
            #expect(done?.succeeded == true && uid != nil)
            #expect(refused.report("migrate")?.outcome == .failed, "\(refused.objects)")
            #expect(try await server.live("batch/v1", "Job", "migrate")?.uid == uid)
        }
    }

    @Test func noFailureHookTakesTheJobOfAnother() async throws {
        try await run { server in
            let (one, two) = (applier(server, of: "e"), applier(server, of: "f"))
            #expect(try await one.apply(try Sample.manifest(Sample.job("undo"))).succeeded)
            let uid = try await server.live("batch/v1", "Job", "undo")?.uid
            let result = try await two.runFailureHooks(
                of: try Sample.manifest(Sample.job("undo", hook: "on-failure", image: "undo:2")))
            #expect(result.report("undo")?.outcome == .failed, "\(result.objects)")
            #expect(result.message("undo").contains("application e has a Job of this name"))
            #expect(try await server.live("batch/v1", "Job", "undo")?.uid == uid)
        }
    }

    @Test func aJobThatSomebodyPutInItsPlaceIsNotTheHook() async throws {
        try await run { server in
            let one = applier(server, of: "e")
            let slow = try Sample.manifest(Sample.job("migrate", image: "migrate:never-ready", timeout: "60s"))
            let report = try await withThrowingTaskGroup(of: BundleResult.self) { group in
                group.addTask { try await one.apply(slow) }
                try await server.api.poll(every: .milliseconds(20), atMost: .seconds(20), what: "the hook to run") {
                    try await server.exists("batch/v1", "Job", "migrate")
                }
                let running = try #require(try await server.live("batch/v1", "Job", "migrate"))
                _ = try await server.api.delete(running.reference)
                try await server.api.poll(every: .milliseconds(20), atMost: .seconds(20), what: "it to be gone") {
                    try await server.live("batch/v1", "Job", "migrate")?.uid != running.uid
                }
                var theirs = try #require(try Sample.manifest(Sample.job("migrate")).first)
                theirs.namespace = "shop"
                _ = try await server.api.create(theirs, fieldManager: "somebody")
                return try #require(try await group.next())
            }
            #expect(report.report("migrate")?.outcome == .failed, "\(report.objects)")
            #expect(report.message("migrate").contains("somebody else made another one"), "\(report.objects)")
        }
    }
}
