internal import KubernetesObjects
internal import NIOHTTP1
internal import Synchronization
internal import Testing

@testable internal import KubernetesClient

/// A cluster in which others have their hands in what a bundle brings.
@Suite(.timeLimit(.minutes(2))) struct OtherHandsTests {
    private static let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\n---\n"
    private static let volumeClaim = """
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: data}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
        ---

        """

    private func reference(_ apiVersion: String, _ kind: String, _ name: String) -> ObjectReference {
        ObjectReference(
            type: GroupVersionKind(apiVersion: apiVersion, kind: kind),
            namespace: kind == "Namespace" ? nil : "shop", name: name)
    }

    // MARK: Pruning

    @Test(arguments: [false, true]) func anAccountWithoutFieldsOfItsOwnGoes(isApplied: Bool) async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("a") + Self.account))
            // The platform adds its pull secrets, by a patch or by server-side apply.
            let account = reference("v1", "ServiceAccount", "robot")
            let secrets: JSONValue = ["imagePullSecrets": [["name": "registry"]]]
            if isApplied {
                var object = KubernetesObject(type: account.type, namespace: "shop", name: "robot")
                object["imagePullSecrets"] = secrets["imagePullSecrets"]
                _ = try await server.api.apply(object, ApplyOptions(fieldManager: "openshift"))
            } else {
                _ = try await server.api.patch(account, .merge(secrets), fieldManager: "openshift")
            }
            // As a server of v1.36 has it: an apply without fields leaves no entry.
            let live = try #require(try await server.api.get(account))
            let others = (live.metadata["managedFields"]?.arrayValue ?? []).filter { $0["manager"] != "swell" }
            _ = try await server.api.patch(account, .merge(["metadata": ["managedFields": .array(others)]]))
            let store = InventoryStore(api: server.api, options: server.applier().options)
            var record = try await store.read()
            record.bare = Inventory([account])
            try await store.write(record)
            let result = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("a")))
            #expect(result.report("robot")?.outcome == .pruned, "\(result.objects)")
            #expect(try await server.exists("v1", "ServiceAccount", "robot") == false)
        }
    }

    @Test(arguments: [false, true]) func whatOthersWroteWhollyIsOursUnlessItIsAnotherObject(isAnother: Bool)
        async throws
    {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("a") + Sample.configMap("b")))
            let theirs = reference("v1", "ConfigMap", "b")
            if isAnother {
                _ = try await server.api.delete(theirs)
                var object = KubernetesObject(type: theirs.type, namespace: "shop", name: "b")
                object["data"] = ["key": "2"]
                _ = try await server.api.create(object, fieldManager: "kubectl-create")
            } else {
                _ = try await server.api.patch(
                    theirs, .merge(["data": ["key": "2"], "metadata": ["annotations": nil]]),
                    fieldManager: "kubectl-edit")
            }
            let result = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("a")))
            #expect(result.report("b")?.outcome == (isAnother ? .kept : .pruned), "\(result.objects)")
        }
    }

    @Test func aClaimGoesOnlyWhenToldTo() async throws {
        try await SimulatedServer.run { server in
            let first = try Sample.manifest(Sample.namespace + Sample.configMap("a"))
            let second = try Sample.manifest(Sample.namespace + Sample.configMap("a") + Self.volumeClaim)
            let applier = server.applier { $0.waitsForHealth = false }
            for objects in [first, second] { _ = try await applier.apply(objects) }
            let told = try await applier.preview(first)
            #expect(told.report("data")?.outcome == .kept)
            #expect(told.report("data")?.message.contains("swell.dev/prune: allow") == true)
            #expect(try await applier.apply(first).report("data")?.outcome == .kept)
            // Forth and back again: it is still known to be ours.
            for objects in [second, first] { _ = try await applier.apply(objects) }
            #expect(try await server.exists("v1", "PersistentVolumeClaim", "data"))
            let removed = try await server.applier { $0.allowsEmpty = true }.apply([])
            #expect(removed.report("data")?.outcome == .kept)
            #expect(removed.report("shop")?.outcome == .kept, "nor does its namespace take it along")
            _ = try await applier.apply(second)
            let allowing = second.map { object in
                var object = object
                if object.name == "data" { object.annotations["swell.dev/prune"] = "allow" }
                return object
            }
            _ = try await applier.apply(allowing)
            #expect(try await applier.apply(first).report("data")?.outcome == .pruned)
        }
    }

    @Test(arguments: ["ConfigMap/istio-ca-root-cert", "ConfigMap/house-ca"])
    func whatAPlatformPutsIntoEveryNamespaceHoldsNoneUp(furniture: String) async throws {
        try await SimulatedServer.run { server in
            let extra =
                "apiVersion: v1\nkind: Namespace\nmetadata: {name: extra, annotations: {swell.dev/namespace-defaults: 'ConfigMap/house-ca, Secret/x'}}\n---\n"
            _ = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + extra + Sample.configMap("a")))
            var object = KubernetesObject(
                type: configMapType, namespace: "extra", name: String(furniture.dropFirst("ConfigMap/".count)))
            object["data"] = ["a": "b"]
            _ = try await server.api.create(object, fieldManager: "istiod")
            let result = try await server.applier().apply(try Sample.manifest(Sample.namespace + Sample.configMap("a")))
            #expect(result.report("extra")?.outcome == .pruned, "\(result.objects)")
        }
    }

    @Test func whatMovesToAnotherGroupIsNotDeleted() async throws {
        try await SimulatedServer.run { server in
            let first = try Sample.manifest(Sample.namespace + Sample.configMap("a") + Sample.configMap("b"))
            _ = try await server.applier().apply(first)
            // As where a server serves one object under two groups: two references, one uid.
            let store = InventoryStore(api: server.api, options: server.applier().options)
            var record = try await store.read()
            let uid = try #require(record.uids[reference("v1", "ConfigMap", "a").identity])
            let pruner = Pruner(
                api: server.api, options: server.applier().options, record: record,
                applied: [uid])
            #expect(try await pruner.prune(reference("v1", "ConfigMap", "a"), pruned: []).progress.outcome == .kept)
            #expect(try await pruner.prune(reference("v1", "ConfigMap", "b"), pruned: []).progress.outcome == .pruned)
            record = try await store.read()
            #expect(record.uids.count == 3)
        }
    }

    // MARK: Webhooks that refuse dry runs

    /// As a server of v1.36 answers a dry run where a webhook says of itself that it has side effects.
    private static let refusal: JSONValue = [
        "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "reason": "BadRequest", "code": 400,
        "message": "admission webhook \"v.example.com\" does not support dry run",
    ]

    @Test func whereNothingMayBeRehearsedItIsAppliedAllTheSame() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace + Sample.configMap("a")))
            let api = KubernetesAPI(
                transport: RefusingTransport(inner: server.api.transport, refusal: Self.refusal),
                options: server.api.options)
            let applier = BundleApplier(api: api, options: server.applier().options)
            let next = try Sample.manifest(Sample.namespace + Sample.configMap("a", "2") + Sample.configMap("b"))
            let told = try await applier.preview(next)
            #expect(told.report("a")?.outcome == .configured)
            #expect(told.report("b")?.outcome == .created)
            for name in ["a", "b"] {
                #expect(told.report(name)?.message.contains("webhook v.example.com refuses dry runs") == true)
                #expect(told.report(name)?.message.contains("sideEffects: None") == true)
            }
            let result = try await applier.apply(next)
            #expect(result.succeeded, "\(result.failures)")
            #expect(result.report("a")?.changes.first?.path.description == "data.key")
            _ = try await server.api.patch(
                reference("v1", "ConfigMap", "a"), .merge(["data": ["key": "3"]]), fieldManager: "kubectl-edit")
            let drift = try await applier.differences(from: next)
            // It is told, as what is left as it is, and not taken for as it should be.
            #expect(drift.report("a")?.outcome == .kept)
            #expect(drift.report("a")?.changes.isEmpty == true)
            #expect(drift.report("a")?.message.contains("drift is not seen") == true)
            #expect(try await applier.apply(try Sample.manifest(Sample.namespace)).succeeded, "deleting, too")
        }
    }

    /// One manager applies for every application: what the second does not say would be taken from the first.
    @Test func whatAnotherHoldsIsNotAppliedUnseen() async throws {
        try await SimulatedServer.run { server in
            @Sendable func applier(_ name: String, _ api: KubernetesAPI) -> BundleApplier {
                var options = server.applier().options
                options.inventoryPrefix = "inventory-"
                options.inventoryName = "inventory-\(name)"
                return BundleApplier(api: api, options: options)
            }
            let whole = Sample.configMap("a").replacing("\ndata: {", with: "\ndata: {more: kept, ")
            let first = try await applier("one", server.api).apply(try Sample.manifest(Sample.namespace + whole))
            #expect(first.succeeded, "\(first.objects)")
            let blind = KubernetesAPI(
                transport: RefusingTransport(inner: server.api.transport, refusal: Self.refusal),
                options: server.api.options)
            let result = try await applier("two", blind).apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("a")))
            #expect(result.report("a")?.message.contains("application one holds it") == true, "\(result.objects)")
            #expect(try await server.live("v1", "ConfigMap", "a")?.value(at: ["data", "more"]) == "kept")
        }
    }

    // MARK: Adoption

    @Test(arguments: [false, true]) func adoptionByForceSaysWhatItTakesFromWhom(isByAnnotation: Bool) async throws {
        try await SimulatedServer.run { server in
            var theirs = KubernetesObject(type: configMapType, namespace: "shop", name: "a")
            theirs["data"] = ["key": "theirs"]
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            _ = try await server.api.apply(theirs, ApplyOptions(fieldManager: "helm"))
            let plain = try Sample.manifest(Sample.namespace + Sample.configMap("a"))
            let refused = try await server.applier().apply(plain)
            #expect(refused.report("a")?.message.contains("swell.dev/adopt: force") == true, "\(refused.objects)")
            let forced = try Sample.manifest(
                Sample.namespace + Sample.configMap("a", annotations: "{swell.dev/adopt: force}"))
            let applier = server.applier { if !isByAnnotation { $0.adoption = .force } }
            let told = try await applier.preview(isByAnnotation ? forced : plain)
            #expect(told.report("a")?.message == "taken by force: helm owns .data.key")
            let result = try await applier.apply(isByAnnotation ? forced : plain)
            #expect(result.report("a")?.message == "taken by force: helm owns .data.key")
            #expect(try await server.live("v1", "ConfigMap", "a")?.value(at: ["data", "key"]) == "1")
        }
    }

    // MARK: Hooks

    @Test func hooksOfAnOlderBundleDoNotRunByComingBackUnlessTheySaySo() async throws {
        try await SimulatedServer.run { server in
            @Sendable func bundle(_ version: String) throws -> [KubernetesObject] {
                try Sample.manifest(
                    Sample.namespace + Sample.configMap("a", version) + Sample.hook("once", image: "m:\(version)")
                        + Sample.hook("always", "swell.dev/hook-on-return: run, ", image: "m:\(version)"))
            }
            @Sendable func apply(_ version: String, isReturn: Bool = false) async throws -> [String] {
                let result = try await server.applier {
                    $0.hookScope = version
                    $0.isReturn = isReturn
                }.apply(try bundle(version))
                #expect(result.succeeded, "\(result.failures)")
                return result.objects.filter { $0.message.hasSuffix("succeeded") }.map(\.reference.name).sorted()
            }
            #expect(try await apply("1") == ["always", "once"])
            #expect(try await apply("2") == ["always", "once"])
            #expect(try await apply("1") == ["always"], "by an undo, which the applier cannot tell from a release")
            #expect(try await apply("1") == [], "it is there already")
            #expect(try await apply("3") == ["always", "once"])
            // One that lost the record of it knows that it goes back.
            let store = InventoryStore(api: server.api, options: server.applier().options)
            var record = try await store.read()
            record.finished = FinishedWork()
            try await store.write(record)
            #expect(try await apply("2", isReturn: true) == ["always"])
        }
    }

    @Test func hooksForUpgradesDoNotRunAtTheFirstInstall() async throws {
        try await SimulatedServer.run { server in
            @Sendable func bundle(_ version: String) throws -> [KubernetesObject] {
                try Sample.manifest(
                    Sample.namespace + Sample.configMap("a", version)
                        + Sample.hook("up", "swell.dev/hook-on: upgrade, ", image: "m:\(version)")
                        + Sample.hook("first", "swell.dev/hook-on: install, ", image: "m:\(version)"))
            }
            @Sendable func ran(_ version: String, _ bundle: [KubernetesObject]) async throws -> [String] {
                let result = try await server.applier { $0.hookScope = version }.apply(bundle)
                return result.objects.filter { $0.message.hasSuffix("succeeded") }.map(\.reference.name).sorted()
            }
            // One that fails halfway is no install yet.
            let broken = Sample.configMap("broken").replacing("\ndata:", with: "\ndat:")
            let (half, one, two) = (try bundle("0") + Sample.manifest(broken), try bundle("1"), try bundle("2"))
            #expect(try await ran("0", half) == ["first"])
            #expect(try await ran("1", one) == ["first"])
            #expect(try await ran("1", one) == [], "the same bundle again is no upgrade")
            #expect(try await ran("2", two) == ["up"])
        }
    }

    @Test func aHookThatSaysItWronglyIsRefused() throws {
        for wrong in ["swell.dev/hook-on: sometimes, ", "swell.dev/hook-on: '', ", "swell.dev/hook-on-return: maybe, "]
        {
            let objects = try Sample.manifest(Sample.hook("a", wrong))
            #expect(throws: KubernetesError.self) { try Hook.all(of: objects[0], annotations: ObjectAnnotations()) }
        }
    }

    // MARK: Fields that are dropped

    @Test func droppedReplicasKeepTheirLiveValueUntilSomebodyScales() async throws {
        try await SimulatedServer.run { server in
            let deployment = Sample.deployment("web").replacing("replicas: 2", with: "replicas: 4")
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace + deployment))
            let without = try Sample.manifest(
                Sample.namespace + deployment.replacing("  replicas: 4\n", with: "").replacing("app:1", with: "app:2"))
            let told = try await server.applier().preview(without)
            #expect(told.report("web")?.message.contains("the live 4 stays") == true, "\(told.objects)")
            #expect(told.report("web")?.changes.contains { $0.path == .replicas } == false)
            let only = try Sample.manifest(Sample.namespace + deployment.replacing("  replicas: 4\n", with: ""))
            let silent = try await server.applier().preview(only)
            #expect(silent.report("web")?.message.contains("the live 4 stays") == true)
            #expect(silent.report("web")?.outcome == .configured, "to be seen, though nothing changes")
            _ = try await server.applier().apply(without)
            #expect(try await server.live("apps/v1", "Deployment", "web")?.spec?["replicas"] == 4)
            _ = try await server.api.patch(
                reference("apps/v1", "Deployment", "web"), .merge(["spec": ["replicas": 6]]), fieldManager: "hpa",
                subresource: "scale")
            #expect(try await server.applier().differences(from: without).report("web")?.outcome == .unchanged)
            _ = try await server.applier().apply(without)
            #expect(try await server.live("apps/v1", "Deployment", "web")?.spec?["replicas"] == 6)
        }
    }

    // MARK: Inventories

    @Test func anInventoryThatOneMapHasNoRoomForLosesNothing() async throws {
        try await SimulatedServer.run { server in
            let store = InventoryStore(api: server.api, options: server.applier().options)
            let long = String(repeating: "n", count: 200)
            func record(_ count: Int) -> InventoryStore.Record {
                var record = InventoryStore.Record()
                let references = (0..<count).map { reference("v1", "ConfigMap", "\(long)-é\($0)") }
                record.inventory = Inventory(references)
                record.created = Inventory(references.prefix(count / 2))
                for reference in references { record.uids[reference.identity] = "00000000-0000-0000-0000-000000000000" }
                record.finished.insert("abc")
                record.isInstalled = true
                return record
            }
            for count in [10, 12_000, 9_000, 20] {
                let written = record(count)
                try await store.write(try await store.read().replacing(written))
                var read = try await store.read()
                let parts = try await server.api.list(
                    ObjectSelection(type: configMapType, namespace: "default", labelSelector: store.isPart)
                ).objects
                #expect(parts.map(\.name).sorted() == read.parts.sorted(), "none is left over")
                #expect((read.parts.count > 1) == (count > 1_000))
                (read.since, read.parts) = (nil, [])
                #expect(read == written)
            }
        }
    }
}

extension InventoryStore.Record {
    /// Another record, to be written in place of this one.
    fileprivate func replacing(_ other: InventoryStore.Record) -> InventoryStore.Record {
        var copy = other
        copy.parts = parts
        return copy
    }
}

/// A server one of whose webhooks lets nothing be rehearsed.
private struct RefusingTransport: KubernetesTransport {
    let inner: any KubernetesTransport
    let refusal: JSONValue

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        guard request.target.contains("dryRun"), request.path.contains("/configmaps/") else {
            return try await inner.send(request)
        }
        return KubernetesResponse(
            status: 400, headers: ["content-type": "application/json"],
            body: ResponseBody(refusal.serializedBytes()))
    }

    func renewCredentials() async {}
    func shutdown() async {}
}
