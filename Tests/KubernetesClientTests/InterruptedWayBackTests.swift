internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// What a way back leaves to another application stays that one's, however often the way back is cut, and as long as it takes.
@Suite(.timeLimit(.minutes(2))) struct InterruptedWayBackTests {
    private func key(_ server: SimulatedServer) async throws -> String? {
        try await server.live("v1", "ConfigMap", "x")?.value(at: ["data", "key"])?.stringValue
    }

    private func run(_ body: @escaping @Sendable (SimulatedServer) async throws -> Void) async throws {
        try await SimulatedServer.run { server in
            for object in try Sample.manifest(Sample.namespace) { _ = try await server.api.create(object) }
            // Application d had x and has it no longer, and e made one of its own since.
            #expect(
                try await applier(server, of: "d") { $0.waitsForHealth = false }.apply(try Self.former()).succeeded)
            #expect(try await applier(server, of: "d").apply(try Sample.manifest(Sample.configMap("own"))).succeeded)
            #expect(try await applier(server, of: "e").apply(try Self.theirs("e")).succeeded)
            try await body(server)
        }
    }

    /// What d goes back to: nothing ends the wait for its workload.
    private static func former() throws -> [KubernetesObject] {
        try Sample.manifest(
            Sample.configMap("x", "d") + Sample.configMap("own")
                + Sample.deployment("web", image: "web:never-ready", wave: 1))
    }

    private static func theirs(_ value: String) throws -> [KubernetesObject] {
        try Sample.manifest(Sample.configMap("x", value) + Sample.configMap("theirs"))
    }

    /// Begins the way back, and cuts it where it waits.
    private func cutWayBack(_ server: SimulatedServer, meanwhile: () async throws -> Void = {}) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await applier(server, of: "d") { $0.isReturn = true }.apply(try Self.former()) }
            try await server.api.poll(every: .milliseconds(20), atMost: .seconds(20), what: "the workload") {
                try await server.exists("apps/v1", "Deployment", "web")
            }
            try await meanwhile()
            group.cancelAll()
        }
    }

    @Test func whatItLeftIsNotHeldByTheNextTry() async throws {
        try await run { server in
            try await cutWayBack(server)
            let result = try await applier(server, of: "d") { ($0.isReturn, $0.waitsForHealth) = (true, false) }.apply(
                try Self.former())
            #expect(result.succeeded && result.report("x")?.outcome == .kept, "\(result.objects)")
            #expect(result.objects.count { $0.reference.name == "x" } == 1, "it is told once: \(result.objects)")
            let kept = try await record(server, of: "d")
            #expect(kept.inventory.references.map(\.name).sorted() == ["own", "web"])
            #expect(kept.losses.values.map(\.taker) == ["e"])
            let next = try await applier(server, of: "e").apply(try Self.theirs("e2"))
            #expect(next.succeeded, "\(next.objects)")
            #expect(try await key(server) == "e2")
        }
    }

    @Test func whatItLeftIsNotHeldByATryThatFails() async throws {
        try await run { server in
            try await cutWayBack(server)
            let broken = try Sample.manifest(Sample.configMap("broken").replacing("\ndata:", with: "\ndat:"))
            let failed = try await applier(server, of: "d") { ($0.isReturn, $0.waitsForHealth) = (true, false) }.apply(
                try Self.former() + broken)
            #expect(!failed.succeeded && failed.report("x")?.outcome == .kept, "\(failed.objects)")
            #expect(try await record(server, of: "d").inventory.references.allSatisfy { $0.name != "x" })
            #expect(try await record(server, of: "d").losses.values.map(\.taker) == ["e"])
        }
    }

    @Test func whoHasItChangesItWhileTheWayBackWaits() async throws {
        try await run { server in
            try await cutWayBack(server) {
                let looked = try await applier(server, of: "e").preview(try Self.theirs("e2"))
                #expect(looked.report("x")?.outcome == .configured, "\(looked.objects)")
                let next = try await applier(server, of: "e").apply(try Self.theirs("e2"))
                #expect(next.succeeded, "\(next.objects)")
                #expect(try await key(server) == "e2")
            }
        }
    }

    /// Who only means to bring an object, and was refused it, is not in the way of who has it either.
    @Test func whatWasRefusedIsNotHeldByTheNextTry() async throws {
        try await run { server in
            let wanted = try Sample.manifest(Sample.configMap("x", "d") + Sample.configMap("own"))
            let store = InventoryStore(api: server.api, options: applier(server, of: "d").options)
            // As an agent leaves it that was killed on the way.
            var cut = try await store.read()
            cut.inventory = cut.inventory.union(Inventory(wanted.map(\.placed.reference)))
            cut.pending = Inventory(wanted.filter { $0.name == "x" }.map(\.placed.reference))
            try await store.write(cut)
            let refused = try await applier(server, of: "d").apply(wanted)
            #expect(refused.message("x").contains("application e holds it"), "\(refused.objects)")
            #expect(try await record(server, of: "d").inventory.references.map(\.name) == ["own"])
        }
    }

    @Test func whatIsGivenUpWhileTheWayBackWaitsIsBrought() async throws {
        try await run { server in
            let removal = applier(server, of: "e") { ($0.allowsEmpty, $0.isRemoval) = (true, true) }
            var gone: BundleResult?
            let back = applier(server, of: "d") { ($0.isReturn, $0.waitsForHealth) = (true, false) }
            let result = try await back.apply(try Self.former()) { report in
                guard report.reference.name == "web", gone == nil else { return }
                gone = try? await removal.apply([])
            }
            #expect(gone?.message("x") == "d is bringing it, too", "\(gone?.objects ?? [])")
            #expect(result.succeeded && result.report("x")?.outcome == .configured, "\(result.objects)")
            #expect(try await key(server) == "d")
            let kept = try await record(server, of: "d")
            #expect(kept.applied.references.map(\.name).sorted() == ["own", "web", "x"])
            #expect(kept.losses.isEmpty)
        }
    }
}

extension KubernetesObject {
    fileprivate var placed: KubernetesObject {
        var object = self
        object.namespace = "shop"
        return object
    }
}
