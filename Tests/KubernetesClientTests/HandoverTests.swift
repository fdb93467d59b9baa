internal import KubernetesObjects
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

/// What is taken over from others is taken over whole, and from nobody who writes at the same moment.
@Suite(.serialized, .timeLimit(.minutes(2))) struct HandoverTests {
    // MARK: Field managers

    private static func entry(_ manager: String, _ operation: String, _ fields: String, more: String = "") -> String {
        """
        {"manager": "\(manager)", "operation": "\(operation)", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
         "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {\(fields)}}\(more)}
        """
    }

    private static func object(_ entries: [String]) throws -> KubernetesObject {
        var object = try KubernetesObject(
            json: try JSONValue(
                parsing: #"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}"#))
        object.setMetadata("managedFields", try JSONValue(parsing: "[\(entries.joined(separator: ","))]"))
        return object
    }

    @Test func allThatClientSideAppliesOwnIsHandedOver() throws {
        let live = try Self.object([
            Self.entry("kubectl-client-side-apply", "Update", #"".": {}, "f:a": {}"#),
            Self.entry("before-first-apply", "Update", #""f:b": {}, "f:c": {"f:d": {}}"#),
            Self.entry("kubectl-last-applied", "Update", #""f:c": {"f:e": {}}"#),
            Self.entry("kubectl-edit", "Update", #""f:z": {}"#),
            Self.entry("kubectl-client-side-apply", "Update", #""f:s": {}"#, more: #", "subresource": "status""#),
        ])
        let entries = try #require(FieldLedger(live).takingOver(manager: "swell")?.arrayValue)
        let ours = entries.filter { $0["manager"] == "swell" }
        #expect(ours.count == 1 && ours.first?["operation"] == "Apply")
        #expect(
            ours.first?["fieldsV1"]?["f:data"]
                == [".": [:], "f:a": [:], "f:b": [:], "f:c": ["f:d": [:], "f:e": [:]]], "\(entries)")
        #expect(entries.count == 3, "what was set by hand, and what is status, stays: \(entries)")
    }

    @Test func whatAFieldOfSeveralManagersHadIsNotLeftBehind() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            var theirs = try #require(try Sample.manifest(Sample.configMap("a", "old")).first)
            theirs.namespace = "shop"
            theirs["data"] = ["key": "old", "extra": "x"]
            _ = try await server.api.create(theirs, fieldManager: "kubectl-client-side-apply")
            _ = try await server.api.patch(
                theirs.reference, .merge(["data": ["more": "y"]]), fieldManager: "before-first-apply")
            let result = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("a", "new")))
            #expect(result.succeeded, "\(result.objects)")
            #expect(try await server.live("v1", "ConfigMap", "a")?["data"] == ["key": "new"])
        }
    }

    /// Force takes what other tools have from a manifest, however they write; what people set by hand beside it stays.
    @Test(arguments: ["helm", "kubectl-create", "kubectl-replace", "argocd-controller"])
    func forceTakesOverFromToolsThatHaveItFromAManifest(tool: String) async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            for name in ["a", "b"] {
                var theirs = try #require(try Sample.manifest(Sample.configMap(name, "old")).first)
                theirs.namespace = "shop"
                theirs["data"] = ["key": "old", "extra": "x"]
                if name == "a" {
                    _ = try await server.api.create(theirs, fieldManager: tool)
                } else {
                    _ = try await server.api.apply(theirs, ApplyOptions(fieldManager: tool))
                }
                _ = try await server.api.patch(
                    theirs.reference, .merge(["data": ["hand": "z"]]), fieldManager: "kubectl-edit")
            }
            let objects = try Sample.manifest(
                Sample.namespace + Sample.configMap("a", "new") + Sample.configMap("b", "new"))
            let applier = server.applier { $0.adoption = .force }
            let told = try await applier.preview(objects)
            let result = try await applier.apply(objects)
            #expect(result.succeeded, "\(result.objects)")
            for name in ["a", "b"] {
                #expect(
                    try await server.live("v1", "ConfigMap", name)?["data"] == ["key": "new", "hand": "z"], "\(name)")
                for report in [told, result].compactMap({ $0.objects.first { $0.reference.name == name } }) {
                    let words = "taken by force: \(tool) owns .data.key"
                    #expect(report.message.hasPrefix(words), "\(report)")
                    #expect(report.message.hasSuffix("; what only \(tool) has of it goes"), "\(report)")
                }
                let changes = result.objects.first { $0.reference.name == name }?.changes ?? []
                #expect(changes.contains { $0.path.description == "data.extra" }, "\(changes)")
            }
        }
    }

    // MARK: Inventories of others

    private func applier(_ server: SimulatedServer, of name: String, through api: KubernetesAPI? = nil) -> BundleApplier
    {
        let applier = server.applier {
            $0.inventoryPrefix = "inv-"
            $0.inventoryName = "inv-\(name)"
            $0.adoption = .force
        }
        return BundleApplier(api: api ?? server.api, options: applier.options)
    }

    private func held(_ server: SimulatedServer, by name: String) async throws -> [String] {
        let store = InventoryStore(api: server.api, options: applier(server, of: name).options)
        return try await store.read().inventory.references.map(\.name).sorted()
    }

    @Test func takingAnObjectOverLosesNothingThatItsFormerHolderWritesMeanwhile() async throws {
        try await SimulatedServer.run { server in
            let namespace = try Sample.manifest(Sample.namespace)
            _ = try await server.api.create(namespace[0])
            let theirs = try Sample.manifest(Sample.configMap("x", "a") + Sample.configMap("yy", "a"))
            _ = try await applier(server, of: "a").apply(theirs)
            // Right before the taker writes the other's inventory, the other has got one more object. As a server of v1.36 does, and the
            // simulated one does not, an apply that names a version which is not the present one is refused.
            let between = VersionedTransport(server.api.transport) { request in
                request.method == .PATCH && request.path.hasSuffix("/inv-a")
            } doing: {
                _ = try await applier(server, of: "a").apply(theirs + Sample.manifest(Sample.configMap("zz", "a")))
            }
            let api = KubernetesAPI(transport: between, options: server.api.options)
            let taken = try await applier(server, of: "b", through: api).apply(
                try Sample.manifest(Sample.configMap("x", "b")))
            #expect(taken.succeeded, "\(taken.objects)")
            #expect(try await held(server, by: "a") == ["yy", "zz"])
            #expect(try await held(server, by: "b") == ["x"])
        }
    }

    @Test func anInventoryThatIsGoneIsNotMadeAgainByWhoTakesOver() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.api.create(try Sample.manifest(Sample.namespace)[0])
            let store = InventoryStore(api: server.api, options: applier(server, of: "b").options)
            let object = try Sample.manifest(Sample.configMap("x"))[0]
            try await store.takeOver(object.reference, from: InventoryStore.OtherHold(name: "a"))
            #expect(try await server.live("v1", "ConfigMap", "inv-a", namespace: "default") == nil)
        }
    }

    // MARK: Hooks

    /// A hook that runs on return, whose name says its version.
    @Test(arguments: [false, true]) func aHookThatIsNamedByItsVersionRunsAgainOnReturn(isInterrupted: Bool) async throws
    {
        try await SimulatedServer.run { server in
            @Sendable func bundle(_ version: String, isBroken: Bool = false) throws -> [KubernetesObject] {
                let hook = Sample.job("migrate-v\(version)", image: "m:\(version)")
                    .replacing("swell.dev/hook-timeout", with: "swell.dev/hook-on-return: run, swell.dev/hook-timeout")
                let broken = isBroken ? Sample.configMap("broken").replacing("\ndata:", with: "\ndat:") : ""
                return try Sample.manifest(Sample.namespace + Sample.configMap("a", version) + hook + broken)
            }
            @Sendable func applier(_ version: String, isReturn: Bool = false) -> BundleApplier {
                server.applier {
                    $0.hookScope = version
                    $0.isReturn = isReturn
                }
            }
            #expect(try await applier("1").apply(try bundle("1")).succeeded)
            let first = try await server.live("batch/v1", "Job", "migrate-v1")?.uid
            if isInterrupted {
                // The process ends while the other's hook is under way.
                let cut = VersionedTransport(server.api.transport) { request in
                    request.method == .PATCH && request.path.hasSuffix("/migrate-v2")
                } doing: {
                    throw CancellationError()
                }
                let api = KubernetesAPI(transport: cut, options: server.api.options)
                await #expect(throws: CancellationError.self) {
                    try await BundleApplier(api: api, options: applier("2").options).apply(try bundle("2"))
                }
            } else {
                #expect(try await !applier("2").apply(try bundle("2", isBroken: true)).succeeded)
            }
            let back = try await applier("1", isReturn: true).apply(try bundle("1"))
            #expect(back.succeeded, "\(back.failures)")
            let again = try await server.live("batch/v1", "Job", "migrate-v1")?.uid
            #expect(again != nil && again != first, "\(back.objects)")
            // Once: what has run on return has run.
            let unchanged = try await applier("1", isReturn: true).apply(try bundle("1"))
            #expect(unchanged.succeeded)
            #expect(try await server.live("batch/v1", "Job", "migrate-v1")?.uid == again)
        }
    }
}

/// Coming back from a bundle that has no hooks, and failed halfway.
extension HandoverTests {
    @Test func aHookRunsAgainOnReturnFromABundleWithoutHooks() async throws {
        try await SimulatedServer.run { server in
            let hook = Sample.job("warm").replacing(
                "swell.dev/hook-timeout", with: "swell.dev/hook-on-return: run, swell.dev/hook-timeout")
            let one = try Sample.manifest(Sample.namespace + Sample.configMap("a", "1") + hook)
            let two = try Sample.manifest(
                Sample.namespace + Sample.configMap("a", "2")
                    + Sample.configMap("broken").replacing("\ndata:", with: "\ndat:"))
            #expect(try await server.applier { $0.hookScope = "1" }.apply(one).succeeded)
            let first = try await server.live("batch/v1", "Job", "warm")?.uid
            #expect(try await !server.applier { $0.hookScope = "2" }.apply(two).succeeded)
            let back = try await server.applier {
                $0.hookScope = "1"
                $0.isReturn = true
            }.apply(one)
            #expect(back.succeeded, "\(back.failures)")
            let again = try await server.live("batch/v1", "Job", "warm")?.uid
            #expect(again != nil && again != first, "\(back.objects)")
        }
    }
}
