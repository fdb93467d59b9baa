internal import KubernetesObjects
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

/// What was in a cluster before a bundle was is never deleted with it.
@Suite(.timeLimit(.minutes(2))) struct AdoptionTests {
    private static let word = "left as it is: it was there before it was first applied"

    /// A cluster with a namespace and a ConfigMap `theirs` of somebody's.
    private func cluster(_ body: @escaping @Sendable (SimulatedServer) async throws -> Void) async throws {
        try await SimulatedServer.run { server in
            for object in try Sample.manifest(Sample.namespace + Sample.configMap("theirs", "found")) {
                var placed = object
                if object.kind == "ConfigMap" { placed.namespace = "shop" }
                _ = try await server.api.create(placed, fieldManager: "kubectl-create")
            }
            try await body(server)
        }
    }

    private func bundle(_ names: String..., theirs: String = "found") throws -> [KubernetesObject] {
        let text = names.map { $0 == "theirs" ? Sample.configMap($0, theirs) : Sample.configMap($0) }.joined()
        return try Sample.manifest(Sample.namespace + text)
    }

    private func record(_ server: SimulatedServer) async throws -> InventoryStore.Record {
        try await InventoryStore(api: server.api, options: server.applier().options).read()
    }

    /// Takes the notes out of the inventory, as an earlier version has written it.
    private func forgetNotes(_ server: SimulatedServer) async throws {
        let store = InventoryStore(api: server.api, options: server.applier().options)
        _ = try await server.api.patch(store.reference, .merge(["data": ["created": nil, "adopted": nil]]))
    }

    private func expectLeft(_ server: SimulatedServer, _ result: BundleResult) async throws {
        #expect(result.report("theirs")?.outcome == .kept)
        #expect(result.report("theirs")?.message == Self.word)
        let live = try #require(try await server.live("v1", "ConfigMap", "theirs"))
        #expect(live.value(at: ["data", "key"]) == "found")
        #expect(!FieldLedger(live).isApplied(by: "swell"), "it is nobody's of ours any more")
        #expect(try await record(server).inventory.references.contains { $0.name == "theirs" } == false)
    }

    @Test func aRemovalRemovesOnlyWhatWasCreated() async throws {
        try await cluster { server in
            #expect(try await server.applier().apply(try bundle("theirs", "ours")).succeeded)
            #expect(Set(try await record(server).adopted.references.map(\.name)) == ["shop", "theirs"])
            #expect(Set(try await record(server).created.references.map(\.name)) == ["ours"])
            let remover = server.applier { $0.allowsEmpty = true }
            let told = try await remover.preview([])
            #expect(told.report("theirs")?.message == Self.word)
            #expect(told.report("shop")?.outcome == .kept)
            #expect(told.report("ours")?.outcome == .pruned)
            let result = try await remover.apply([])
            try await expectLeft(server, result)
            #expect(try await server.exists("v1", "ConfigMap", "ours") == false)
            #expect(result.report("shop")?.message == Self.word)
            #expect(try await server.exists("v1", "Namespace", "shop", namespace: nil))
        }
    }

    @Test func theNoteIsKeptOverLaterBundles() async throws {
        try await cluster { server in
            _ = try await server.applier().apply(try bundle("theirs", "ours"))
            _ = try await server.applier().apply(try bundle("theirs", "second"))
            _ = try await server.applier().apply(try bundle("theirs"))
            try await expectLeft(server, try await server.applier().apply(try bundle("third")))
            // Whoever brings it anew finds it there before.
            _ = try await server.applier().apply(try bundle("theirs"))
            try await expectLeft(server, try await server.applier().apply(try bundle("third")))
        }
    }

    @Test func aBundleThatFailedLeavesIt() async throws {
        try await cluster { server in
            let broken = Sample.configMap("broken").replacing("\ndata:", with: "\ndat:")
            let failed = try await server.applier { $0.concurrency = 1 }.apply(
                try bundle("theirs", "ours") + Sample.manifest(broken))
            #expect(!failed.succeeded)
            try await expectLeft(server, try await server.applier { $0.allowsEmpty = true }.apply([]))
            #expect(try await server.exists("v1", "ConfigMap", "ours") == false)
        }
    }

    @Test func whatIsAdoptedIsNotedBeforeItIsWritten() async throws {
        try await cluster { server in
            let cut = CutTransport(inner: server.api.transport) { request in
                request.method == .PATCH && request.path.hasSuffix("/theirs") && !request.target.contains("dryRun")
            }
            let api = KubernetesAPI(transport: cut, options: server.api.options)
            await #expect(throws: CancellationError.self) {
                try await BundleApplier(api: api, options: server.applier().options).apply(
                    try bundle("theirs", "ours"))
            }
            #expect(try await record(server).adopted.references.contains { $0.name == "theirs" })
            _ = try await server.applier().apply(try bundle("theirs", "ours"))
            try await expectLeft(server, try await server.applier { $0.allowsEmpty = true }.apply([]))
            #expect(try await server.exists("v1", "ConfigMap", "ours") == false)
        }
    }

    @Test func anInventoryOfAnEarlierVersionGoesOnPruning() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try bundle("stays", "goes"))
            try await forgetNotes(server)
            #expect(try await record(server).created == Inventory())
            let result = try await server.applier().apply(try bundle("stays"))
            #expect(result.report("goes")?.outcome == .pruned)
            #expect(try await server.exists("v1", "ConfigMap", "goes") == false)
        }
    }

    @Test(arguments: [(-1, true), (0, false), (1, false)])
    func ofWhatNothingIsNotedItsAgeTells(seconds: Int, wasThere: Bool) throws {
        var record = InventoryStore.Record()
        record.since = KubernetesTime(parsing: "2026-03-01T09:30:10Z")
        var live = KubernetesObject(type: configMapType, namespace: "shop", name: "a")
        live.setMetadata(
            "creationTimestamp", .string("2026-03-01T09:30:\(10 + seconds < 10 ? "0" : "")\(10 + seconds)Z"))
        let identity = live.reference.identity
        #expect(record.wasThereBefore(identity, live) == wasThere)
        #expect(record.noting(created: [live.reference]).wasThereBefore(identity, live) == false)
        #expect(record.noting(adopted: [live.reference]).wasThereBefore(identity, live))
        let both = record.noting(adopted: [live.reference]).noting(created: [live.reference])
        #expect(both.wasThereBefore(identity, live), "what was there, was")
        record.since = nil
        #expect(record.wasThereBefore(identity, live) == false)
    }

    @Test func whatMovesBetweenInventoriesTakesItsNoteAlong() async throws {
        try await cluster { server in
            @Sendable func applier(_ name: String) -> BundleApplier {
                server.applier {
                    $0.inventoryPrefix = "inventory-"
                    $0.inventoryName = "inventory-\(name)"
                }
            }
            #expect(try await applier("a").apply(try bundle("theirs", "moved", "stays")).succeeded)
            #expect(try await applier("b").apply(try bundle("theirs", "moved", "other")).succeeded)
            #expect(try await applier("a").apply(try bundle("stays")).succeeded)
            let store = InventoryStore(api: server.api, options: applier("b").options)
            #expect(Set(try await store.read().created.references.map(\.name)) == ["moved", "other"])
            let result = try await applier("b").apply(try bundle("other"))
            #expect(result.report("moved")?.outcome == .pruned)
            #expect(result.report("theirs")?.message == Self.word)
            #expect(try await server.exists("v1", "ConfigMap", "theirs"))
        }
    }

    @Test func whatIsLeftKeepsTheValuesOfTheBundle() async throws {
        try await cluster { server in
            let applier = server.applier { $0.adoption = .force }
            #expect(try await applier.apply(try bundle("theirs", theirs: "changed")).succeeded)
            _ = try await server.applier { $0.allowsEmpty = true }.apply([])
            let live = try #require(try await server.live("v1", "ConfigMap", "theirs"))
            #expect(live.value(at: ["data", "key"]) == "changed", "as it stands, not torn apart")
            // Another's apply meets no owner of ours.
            var theirs = KubernetesObject(type: configMapType, namespace: "shop", name: "theirs")
            theirs["data"] = ["key": "own"]
            _ = try await server.api.apply(theirs, ApplyOptions(fieldManager: "helm"))
            #expect(try await server.live("v1", "ConfigMap", "theirs")?.value(at: ["data", "key"]) == "own")
        }
    }

    @Test func manyThatWereThereAreNotedTogether() async throws {
        try await SimulatedServer.run { server in
            let text = Sample.namespace + (1...40).map { Sample.configMap("map-\($0)") }.joined()
            for object in try Sample.manifest(text) {
                var placed = object
                if object.kind == "ConfigMap" { placed.namespace = "shop" }
                _ = try await server.api.create(placed, fieldManager: "kubectl-create")
            }
            #expect(try await server.applier().apply(try Sample.manifest(text)).succeeded)
            #expect(try await record(server).adopted.references.count == 41)
            _ = try await server.applier { $0.allowsEmpty = true }.apply([])
            #expect(try await server.exists("v1", "ConfigMap", "map-40"))
        }
    }
}

/// A connection that breaks the task off at a request.
private struct CutTransport: KubernetesTransport {
    let inner: any KubernetesTransport
    let isCut: @Sendable (KubernetesRequest) -> Bool

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        if isCut(request) { throw CancellationError() }
        return try await inner.send(request)
    }

    func renewCredentials() async {}
    func shutdown() async {}
}
