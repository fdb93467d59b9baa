internal import KubernetesObjects
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

/// Two write one inventory: an application that goes on, and one that takes something over from it.
@Suite(.timeLimit(.minutes(2))) struct TwoWritersTests {
    private func applier(_ server: SimulatedServer, of name: String, through api: KubernetesAPI? = nil) -> BundleApplier
    {
        let applier = server.applier {
            $0.inventoryPrefix = "inv-"
            $0.inventoryName = "inv-\(name)"
            $0.concurrency = 1
            $0.prunes = false
            if name == "b" { $0.adoption = .force }
        }
        return BundleApplier(api: api ?? server.api, options: applier.options)
    }

    private func record(_ server: SimulatedServer, of name: String) async throws -> InventoryStore.Record {
        try await InventoryStore(api: server.api, options: applier(server, of: name).options).read()
    }

    /// A client by whose first such request something else happens.
    private func api(
        _ server: SimulatedServer, at isMeant: @escaping @Sendable (KubernetesRequest) -> Bool,
        doing body: @escaping @Sendable () async throws -> Void
    ) -> KubernetesAPI {
        KubernetesAPI(
            transport: VersionedTransport(server.api.transport, at: isMeant, doing: body), options: server.api.options)
    }

    @Test func whatWasTakenOverIsNotPutBackByWhoGoesOn() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.api.create(try Sample.manifest(Sample.namespace)[0])
            let first = try Sample.manifest(Sample.configMap("x", "a") + Sample.configMap("yy", "a"))
            #expect(try await applier(server, of: "a").apply(first).succeeded)
            let api = api(server) {
                $0.method == .PATCH && $0.path.hasSuffix("/configmaps/zz")
            } doing: {
                let taker = applier(server, of: "b", through: self.api(server, at: { _ in false }, doing: {}))
                _ = try await taker.apply(try Sample.manifest(Sample.configMap("x", "b")))
            }
            let next = first + (try Sample.manifest(Sample.configMap("zz", "a")))
            _ = try await applier(server, of: "a", through: api).apply(next)
            #expect(try await record(server, of: "b").inventory.references.map(\.name) == ["x"])
            #expect(try await record(server, of: "a").inventory.references.map(\.name).sorted() == ["yy", "zz"])
        }
    }

    @Test func partsThatAreAboutToBeNamedAreNotDeletedByWhoTakesOver() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.api.create(try Sample.manifest(Sample.namespace)[0])
            let first = try Sample.manifest(Sample.configMap("x", "a"))
            #expect(try await applier(server, of: "a").apply(first).succeeded)
            let store = InventoryStore(api: server.api, options: applier(server, of: "a").options)
            var large = try await store.read()
            let long = String(repeating: "n", count: 200)
            for number in 0..<4_000 {
                large.inventory.references.insert(
                    ObjectReference(type: configMapType, namespace: "shop", name: "\(long)\(number)"))
            }
            try await store.write(large)
            #expect(try await store.read().parts.count > 1)
            let api = api(server) {
                $0.method == .PATCH && $0.path.hasSuffix("/configmaps/inv-a")
            } doing: {
                let taker = applier(server, of: "b", through: self.api(server, at: { _ in false }, doing: {}))
                _ = try await taker.apply(try Sample.manifest(Sample.configMap("x", "b")))
            }
            _ = try await applier(server, of: "a", through: api).apply(
                try Sample.manifest(Sample.configMap("zz", "a")))
            let names = try await record(server, of: "a").inventory.references.map(\.name)
            #expect(names.count == 4_001 && names.contains("zz") && !names.contains("x"), "\(names.count)")
            let parts = try await server.api.list(
                ObjectSelection(type: configMapType, namespace: "default", labelSelector: store.isPart)
            ).objects.map(\.name)
            #expect(parts.sorted() == (try await record(server, of: "a").parts.sorted()), "none is left over")
        }
    }
}
