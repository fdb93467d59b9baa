internal import KubernetesObjects
internal import KubernetesSimulator
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

/// One test for each guard of pruning, against a simulated server. Each fails without its guard.
@Suite(.timeLimit(.minutes(2))) struct PruneGuardTests {
    static let keep = "{swell.dev/prune: keep}"

    /// Applies `first`, lets the test do something in between, and applies `second`.
    func pruning(
        _ first: String, to second: String, allowsEmpty: Bool = false,
        between: @escaping @Sendable (SimulatedServer) async throws -> Void = { _ in },
        then check: @escaping @Sendable (SimulatedServer, BundleResult) async throws -> Void
    ) async throws {
        try await SimulatedServer.run { server in
            let brought = try await server.applier().apply(try Sample.manifest(first))
            #expect(brought.succeeded, "\(brought.failures)")
            try await between(server)
            let result = try await server.applier {
                $0.allowsEmpty = allowsEmpty
                $0.settleTimeout = .seconds(2)
            }.apply(try Sample.manifest(second))
            try await check(server, result)
        }
    }

    func stored(_ server: SimulatedServer) async throws -> Set<String> {
        let store = InventoryStore(api: server.api, options: server.applier().options)
        return Set(try await store.read().inventory.references.map(\.name))
    }

    @Test func prunesWhatTheOldInventoryHasAndTheNewHasNotAndNothingElse() async throws {
        try await pruning(
            Sample.namespace + Sample.configMap("stays") + Sample.configMap("goes"),
            to: Sample.namespace + Sample.configMap("stays")
        ) { server in
            let foreign = KubernetesObject(type: configMapType, namespace: "shop", name: "theirs")
            _ = try await server.api.create(foreign)
        } then: { (server, result) async throws in
            #expect(result.objects.filter { $0.outcome == .pruned }.map(\.reference.name) == ["goes"])
            #expect(try await server.exists("v1", "ConfigMap", "goes") == false)
            #expect(try await server.exists("v1", "ConfigMap", "stays"))
            #expect(try await server.exists("v1", "ConfigMap", "theirs"))
            #expect(try await stored(server) == ["shop", "stays"], "after success, the new one")
        }
    }

    @Test func writesTheUnionBeforeItAppliesAnything() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace + Sample.configMap("old")))
            let broken = Sample.configMap("new") + Sample.configMap("broken").replacing("\ndata:", with: "\ndat:")
            let failed = try await server.applier { $0.concurrency = 1 }.apply(
                try Sample.manifest(Sample.namespace + broken))
            #expect(!failed.succeeded)
            #expect(try await stored(server) == ["shop", "old", "new", "broken"])
        }
    }

    @Test func deletesNothingWhereTheApplyFailed() async throws {
        try await pruning(
            Sample.namespace + Sample.configMap("old"),
            to: Sample.namespace + Sample.configMap("broken").replacing("\ndata:", with: "\ndat:")
        ) { (server, result) async throws in
            #expect(!result.succeeded)
            #expect(try await server.exists("v1", "ConfigMap", "old"))
        }
    }

    /// A server that holds one object of an old inventory, and remembers what it was asked.
    func deleting(
        _ answer: ScriptedTransport.Answer = .json(["kind": "Status", "status": "Success"])
    ) async throws -> (request: KubernetesRequest?, outcome: Pruner.Outcome) {
        let transport = ScriptedTransport { request, _ in
            if let answer = ScriptedTransport.discovery(request) { return answer }
            if request.method == .DELETE { return answer }
            return .json([
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "shop", "uid": "u-1"],
            ])
        }
        let api = KubernetesAPI(transport: transport, options: .immediate(attempts: 1))
        let options = BundleOptions(
            fieldManager: "swell", inventoryNamespace: "default", inventoryName: "i",
            now: { KubernetesTime(seconds: 0) })
        let outcome = try await Pruner(api: api, options: options).prune(configMap("a").reference, pruned: [])
        return (transport.asked.first { $0.method == .DELETE }, outcome)
    }

    @Test func deletesOnlyTheObjectThatItLookedAtByItsUID() async throws {
        let request = try await deleting().request
        #expect(try JSONValue(parsing: request?.body ?? [])["preconditions"]?["uid"] == "u-1")
    }

    @Test func letsDependentsGoInTheBackground() async throws {
        let request = try await deleting().request
        #expect(try JSONValue(parsing: request?.body ?? [])["propagationPolicy"] == "Background")
    }

    @Test(arguments: [
        (409, "Conflict", "the UID in the precondition (u-1) does not match"), (403, "Forbidden", "denied by policy"),
        (500, "InternalError", "failed calling webhook"),
    ])
    func aFailedDeleteStaysInTheInventory(status: Int, reason: String, message: String) async throws {
        let outcome = try await deleting(.failure(status, reason, message)).outcome
        #expect(outcome.stays)
        #expect(outcome.progress.outcome == .failed && outcome.progress.message.contains(message))
    }

    @Test func aFailedDeleteIsTriedAgainByTheNextApply() async throws {
        try await pruning(
            Sample.namespace + Sample.configMap("goes"), to: Sample.namespace + Sample.configMap("a")
        ) { server in
            // A name that the inventory holds and the server refuses to delete: its namespace is not there any more.
            let store = InventoryStore(api: server.api, options: server.applier().options)
            var record = try await store.read()
            record.inventory.references.insert(
                ObjectReference(type: configMapType, namespace: nil, name: "unaddressable"))
            try await store.write(record)
        } then: { (server, result) async throws in
            #expect(result.report("unaddressable")?.outcome == .failed)
            #expect(result.report("goes")?.outcome == .pruned)
            #expect(try await stored(server) == ["shop", "a", "unaddressable"])
        }
    }

    @Test func neverAnObjectAnnotatedToBeKept() async throws {
        try await pruning(
            Sample.namespace + Sample.configMap("kept", annotations: Self.keep), to: Sample.namespace
        ) { (server, result) async throws in
            #expect(result.report("kept")?.outcome == .kept)
            #expect(result.report("kept")?.message == "annotated swell.dev/prune: keep")
            #expect(try await server.exists("v1", "ConfigMap", "kept"))
            #expect(try await stored(server) == ["shop"], "it is nobody's from now on")
        }
    }

    @Test func neverAnObjectThatWasAnnotatedToBeKeptByHand() async throws {
        try await pruning(Sample.namespace + Sample.configMap("kept"), to: Sample.namespace) { server in
            let live = try #require(try await server.live("v1", "ConfigMap", "kept"))
            _ = try await server.api.patch(
                live.reference, .merge(["metadata": ["annotations": ["swell.dev/prune": "keep"]]]))
        } then: { (server, result) async throws in
            #expect(result.report("kept")?.outcome == .kept)
            #expect(try await server.exists("v1", "ConfigMap", "kept"))
        }
    }

    @Test func neverANamespaceThatStillHoldsOthersObjects() async throws {
        try await pruning(
            Sample.namespace + Sample.configMap("ours"), to: "", allowsEmpty: true
        ) { server in
            _ = try await server.api.create(KubernetesObject(type: configMapType, namespace: "shop", name: "theirs"))
        } then: { (server, result) async throws in
            #expect(result.report("shop")?.outcome == .kept)
            #expect(
                result.report("shop")?.message.hasPrefix(
                    "it still holds v1 ConfigMap shop/theirs, which is not of this bundle") == true)
            #expect(try await server.exists("v1", "ConfigMap", "theirs"))
            #expect(try await server.exists("v1", "Namespace", "shop", namespace: nil))
            #expect(try await stored(server) == ["shop"], "it is tried again")
        }
    }

    private static let away = """
        apiVersion: apiregistration.k8s.io/v1
        kind: APIService
        metadata: {name: v1.away.example.com}
        spec:
          group: away.example.com
          version: v1
          groupPriorityMinimum: 100
          versionPriority: 100
          service: {name: nobody, namespace: default}
        ---

        """

    private func makeAway(_ server: SimulatedServer) async throws {
        for object in try Sample.manifest(Self.away) {
            _ = try await server.api.apply(object, ApplyOptions(fieldManager: "operator"))
        }
        try await server.api.poll(every: .milliseconds(20), atMost: .seconds(10), what: "the service to be away") {
            try await server.api.discovery.catalog().unavailable.contains("away.example.com/v1")
        }
    }

    @Test func neverANamespaceThatCannotBeLookedThrough() async throws {
        try await pruning(Sample.namespace + Sample.configMap("ours"), to: "", allowsEmpty: true) { server in
            try await makeAway(server)
        } then: { (server, result) async throws in
            #expect(result.report("shop")?.outcome == .kept, "\(result.objects)")
            #expect(result.report("shop")?.message.contains("APIService of away.example.com/v1") == true)
        }
    }

    /// What is kept in a removal is forgotten: that does not hang on a moment's silence.
    @Test func aRemovalWaitsForWhatCannotBeLookedThroughNow() async throws {
        try await SimulatedServer.run { server in
            #expect(
                try await server.applier().apply(
                    try Sample.manifest(Sample.namespace + Sample.configMap("ours"))
                ).succeeded)
            try await makeAway(server)
            let remover = server.applier {
                $0.allowsEmpty = true
                $0.isRemoval = true
                $0.settleTimeout = .seconds(2)
            }
            let early = try await remover.apply([])
            let report = try #require(early.report("shop"))
            #expect(report.outcome == .failed && report.isTransient, "\(report)")
            #expect(report.message.contains("APIService of away.example.com/v1"), "\(report)")
            #expect(try await stored(server) == ["shop"], "it is tried again")
            for object in try Sample.manifest(Self.away) { _ = try await server.api.delete(object.reference) }
            try await server.api.poll(every: .milliseconds(20), atMost: .seconds(10), what: "nothing to be away") {
                try await server.api.discovery.catalog().unavailable.isEmpty
            }
            let late = try await server.applier {
                $0.allowsEmpty = true
                $0.isRemoval = true
            }.apply([])
            #expect(late.succeeded, "\(late.objects)")
            #expect(try await server.exists("v1", "Namespace", "shop", namespace: nil) == false)
        }
    }

    @Test func aNamespaceGoesWithAllThatIsInItWhereNothingIsOthers() async throws {
        try await SimulatedServer.run { server in
            let text = Sample.namespace + Sample.configMap("a") + Sample.deployment("web")
            let applier = server.applier {
                $0.inventoryNamespace = "shop"
                $0.allowsEmpty = true
            }
            #expect(try await applier.apply(try Sample.manifest(text)).succeeded)
            let removed = try await applier.apply([])
            #expect(removed.objects.allSatisfy { $0.outcome == .pruned }, "\(removed.objects)")
            #expect(removed.inventory.references.isEmpty)
        }
    }

    @Test func neverADefinitionOfWhichOthersHaveObjects() async throws {
        let theirs = Sample.widget.replacing("gadget", with: "theirs")
        try await SimulatedServer.run { server in
            let applier = server.applier {
                $0.waitsForHealth = false
                $0.allowsEmpty = true
            }
            let text = Sample.namespace + Sample.definition + Sample.widget
            #expect(try await applier.apply(try Sample.manifest(text)).succeeded)
            var object = try #require(try Sample.manifest(theirs).first)
            object.namespace = "default"
            _ = try await server.api.create(object)
            let looked = try await applier.preview([])
            let first = try await applier.apply([])
            for result in [looked, first] {
                let report = result.report("widgets.example.com")
                #expect(report?.outcome == .kept, "\(result.objects)")
                #expect(
                    report?.message
                        == "example.com/v1 Widget default/theirs, which is not of this bundle, would be deleted with it"
                )
            }
            #expect(first.report("gadget")?.outcome == .pruned)
            #expect(try await server.exists("example.com/v1", "Widget", "theirs", namespace: "default"))
            _ = try await server.api.delete(object.reference)
            let second = try await applier.apply([])
            #expect(second.report("widgets.example.com")?.outcome == .pruned, "\(second.objects)")
        }
    }

    @Test func neverTheNamespaceOfWhatIsKept() async throws {
        let text = Sample.namespace + Sample.configMap("kept", annotations: Self.keep) + Sample.configMap("goes")
        try await SimulatedServer.run { server in
            let applier = server.applier { $0.allowsEmpty = true }
            #expect(try await applier.apply(try Sample.manifest(text)).succeeded)
            for result in [try await applier.preview([]), try await applier.apply([])] {
                #expect(result.report("goes")?.outcome == .pruned)
                #expect(result.report("kept")?.outcome == .kept)
                #expect(result.report("shop")?.outcome == .kept, "\(result.objects)")
                #expect(
                    result.report("shop")?.message.hasPrefix(
                        "it holds v1 ConfigMap shop/kept, which stays") == true)
            }
            #expect(try await server.live("v1", "ConfigMap", "kept")?.deletionTimestamp == nil)
            #expect(try await server.exists("v1", "ConfigMap", "kept"))
        }
    }

    @Test func neverTheDefinitionOfWhatIsKept() async throws {
        let kept = Sample.widget.replacing("name: gadget", with: "name: gadget, annotations: \(Self.keep)")
        try await SimulatedServer.run { server in
            let applier = server.applier {
                $0.waitsForHealth = false
                $0.allowsEmpty = true
            }
            let text = Sample.namespace + Sample.definition + kept
            #expect(try await applier.apply(try Sample.manifest(text)).succeeded)
            for result in [try await applier.preview([]), try await applier.apply([])] {
                #expect(result.report("gadget")?.outcome == .kept)
                #expect(result.report("widgets.example.com")?.outcome == .kept, "\(result.objects)")
            }
            #expect(try await server.live("example.com/v1", "Widget", "gadget")?.deletionTimestamp == nil)
            #expect(try await server.exists("example.com/v1", "Widget", "gadget"))
        }
    }

    /// An owner of a custom resource, and whether the definition may go with the resource in it.
    enum Owner: CaseIterable, Sendable {
        case others, ours, ofTheSameKind, oursByAnother, othersByAnother, oursAndOthers
    }

    @Test(arguments: Owner.allCases)
    func neverADefinitionOfWhoseObjectsTheOwnersStay(owner: Owner) async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier {
                $0.waitsForHealth = false
                $0.allowsEmpty = true
            }
            let text = Sample.namespace + Sample.definition + Sample.widget + Sample.configMap("ours")
            #expect(try await applier.apply(try Sample.manifest(text)).succeeded)
            let theirs = try await server.api.create(
                KubernetesObject(type: configMapType, namespace: "shop", name: "theirs"))
            let ours = try #require(try await server.live("v1", "ConfigMap", "ours"))
            func middle(_ owner: KubernetesObject) async throws -> KubernetesObject {
                var object = KubernetesObject(type: configMapType, namespace: "shop", name: "middle")
                object.setOwners([owner])
                return try await server.api.create(object)
            }
            let owners: [KubernetesObject] =
                switch owner {
                case .others: [theirs]
                case .ours: [ours]
                case .ofTheSameKind: [try #require(try await server.live("example.com/v1", "Widget", "gadget"))]
                case .oursByAnother: [try await middle(ours)]
                case .othersByAnother: [try await middle(theirs)]
                case .oursAndOthers: [ours, theirs]
                }
            var object = try #require(try Sample.manifest(Sample.widget.replacing("gadget", with: "owned")).first)
            object.namespace = "shop"
            object.setOwners(owners)
            _ = try await server.api.create(object)
            let stays = [.others, .othersByAnother, .oursAndOthers].contains(owner)
            for result in [try await applier.preview([]), try await applier.apply([])] {
                let report = result.report("widgets.example.com")
                #expect(report?.outcome == (stays ? .kept : .pruned), "\(result.objects)")
            }
            if stays { #expect(try await server.exists("example.com/v1", "Widget", "owned")) }
        }
    }

    @Test(arguments: [false, true])
    func neverANamespaceOfWhoseObjectsTheOwnersAreOutsideAndStay(isPruned: Bool) async throws {
        let role = """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: tenant}
            rules: []
            ---

            """
        try await SimulatedServer.run { server in
            let applier = server.applier { $0.allowsEmpty = true }
            let text = Sample.namespace + (isPruned ? role : "")
            #expect(try await applier.apply(try Sample.manifest(text)).succeeded)
            for object in try Sample.manifest(role) where !isPruned { _ = try await server.api.create(object) }
            let owner = try await server.live("rbac.authorization.k8s.io/v1", "ClusterRole", "tenant", namespace: nil)
            var object = KubernetesObject(type: configMapType, namespace: "shop", name: "owned")
            object.setOwners([try #require(owner)])
            _ = try await server.api.create(object)
            for result in [try await applier.preview([]), try await applier.apply([])] {
                #expect(result.report("shop")?.outcome == (isPruned ? .pruned : .kept), "\(result.objects)")
            }
        }
    }

    @Test func neverWhatAnotherInventoryHoldsBesides() async throws {
        try await SimulatedServer.run { server in
            func applier(_ name: String) -> BundleApplier {
                server.applier {
                    $0.inventoryPrefix = "inventory-"
                    $0.inventoryName = "inventory-\(name)"
                }
            }
            let both = Sample.namespace + Sample.configMap("moved") + Sample.configMap("stays")
            #expect(try await applier("a").apply(try Sample.manifest(both)).succeeded)
            #expect(try await applier("b").apply(try Sample.manifest(Sample.configMap("moved"))).succeeded)
            let without = try Sample.manifest(Sample.namespace + Sample.configMap("stays"))
            for result in [try await applier("a").preview(without), try await applier("a").apply(without)] {
                #expect(result.report("moved")?.outcome == .kept, "\(result.objects)")
                #expect(result.report("moved")?.message == "b has it, too")
            }
            #expect(try await server.exists("v1", "ConfigMap", "moved"))
        }
    }

}

extension KubernetesObject {
    fileprivate mutating func setOwners(_ owners: [KubernetesObject]) {
        let references = owners.map { owner -> JSONValue in
            [
                "apiVersion": .string(owner.apiVersion), "kind": .string(owner.kind), "name": .string(owner.name),
                "uid": .string(owner.uid ?? ""),
            ]
        }
        setMetadata("ownerReferences", .array(references))
    }
}
