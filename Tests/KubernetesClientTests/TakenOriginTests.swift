internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// Whether an object was there before goes with it from one application to the next, whatever is cut on the way.
@Suite(.timeLimit(.minutes(2))) struct TakenOriginTests {
    private func run(_ body: @escaping @Sendable (SimulatedServer) async throws -> Void) async throws {
        try await SimulatedServer.run { server in
            for object in try Sample.manifest(Sample.namespace) { _ = try await server.api.create(object) }
            // Whose inventories are older than what comes: by its age everything else was made by them.
            for name in ["f", "g"] {
                #expect(try await applier(server, of: name).apply(try Sample.manifest(Self.own(name))).succeeded)
            }
            try await body(server)
        }
    }

    private static func own(_ name: String) -> String { Sample.configMap("\(name)-own") }
    private static let force = "{swell.dev/adopt: force}"

    private func makeByHand(_ server: SimulatedServer) async throws {
        var object = KubernetesObject(type: configMapType, namespace: "shop", name: "hm")
        object["data"] = ["by": "hand"]
        _ = try await server.api.create(object, fieldManager: "kubectl-create")
    }

    /// Takes `hm` over, and is cut where it waits for a workload.
    private func takeAndBeCut(_ server: SimulatedServer, _ name: String) async throws {
        let bundle = try Sample.manifest(
            Self.own(name) + Sample.configMap("hm", "g", annotations: Self.force)
                + Sample.deployment("web", image: "web:never-ready"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await applier(server, of: name).apply(bundle) }
            try await server.api.poll(every: .milliseconds(20), atMost: .seconds(60), what: "the takeover") {
                guard try await server.exists("apps/v1", "Deployment", "web") else { return false }
                return try await !record(server, of: "f").losses.isEmpty
            }
            group.cancelAll()
        }
    }

    /// The former owner gives it up before or after the next try.
    @Test(arguments: [true, false]) func whatWasThereBeforeOutlivesATakeoverThatIsCut(isGivenUpAtOnce: Bool)
        async throws
    {
        try await run { server in
            try await makeByHand(server)
            let former = Self.own("f") + Sample.configMap("hm", annotations: Self.force)
            #expect(try await applier(server, of: "f").apply(try Sample.manifest(former)).succeeded)
            #expect(try await record(server, of: "f").adopted.references.map(\.name) == ["hm"])
            try await takeAndBeCut(server, "g")
            if isGivenUpAtOnce {
                #expect(try await applier(server, of: "f").apply(try Sample.manifest(Self.own("f"))).succeeded)
            }
            let bundle = try Sample.manifest(Self.own("g") + Sample.configMap("hm", "g", annotations: Self.force))
            #expect(try await applier(server, of: "g").apply(bundle).succeeded)
            #expect(try await record(server, of: "g").adopted.references.map(\.name) == ["hm"])
            #expect(try await applier(server, of: "f").apply(try Sample.manifest(Self.own("f"))).succeeded)
            let without = try await applier(server, of: "g").apply(try Sample.manifest(Self.own("g")))
            #expect(without.report("hm")?.outcome == .kept, "\(without.objects)")
            #expect(try await server.exists("v1", "ConfigMap", "hm"))
        }
    }

    /// What the former owner made is older than an inventory that is made to take it.
    @Test func whatWasMadeIsNotTakenForWhatWasThereAfterATakeoverThatIsCut() async throws {
        try await run { server in
            let former = Self.own("f") + Sample.configMap("hm")
            #expect(try await applier(server, of: "f").apply(try Sample.manifest(former)).succeeded)
            let made = try #require(
                try await server.live("v1", "ConfigMap", "hm")?.creationTimestamp.flatMap(KubernetesTime.init(parsing:))
            )
            try await server.api.poll(every: .milliseconds(50), atMost: .seconds(20), what: "the next second") {
                KubernetesTime.current.seconds >= made.seconds + 1
            }
            try await takeAndBeCut(server, "h")
            #expect(try await applier(server, of: "f").apply(try Sample.manifest(Self.own("f"))).succeeded)
            let removed = try await applier(server, of: "h") { ($0.allowsEmpty, $0.isRemoval) = (true, true) }.apply([])
            #expect(removed.report("hm")?.outcome == .pruned, "\(removed.objects)")
        }
    }

    /// The former owner's own note is narrowed away by a release without it, and noted anew by the way back, which leaves it.
    @Test func whatIsGivenBackIsKnownToHaveBeenThere() async throws {
        try await run { server in
            try await makeByHand(server)
            let former = try Sample.manifest(Self.own("f") + Sample.configMap("hm", annotations: "{of: f}"))
            #expect(try await applier(server, of: "f").apply(former).succeeded)
            let taking = try Sample.manifest(Self.own("g") + Sample.configMap("hm", "g", annotations: Self.force))
            #expect(try await applier(server, of: "g").apply(taking).succeeded)
            #expect(try await applier(server, of: "f").apply(try Sample.manifest(Self.own("f"))).succeeded)
            let back = try await applier(server, of: "f") { $0.isReturn = true }.apply(former)
            #expect(back.report("hm")?.outcome == .kept, "\(back.objects)")
            #expect(try await record(server, of: "f").losses.values.map(\.wasThereBefore) == [true])
            #expect(try await applier(server, of: "g").apply(try Sample.manifest(Self.own("g"))).succeeded)
            #expect(try await record(server, of: "f").adopted.references.map(\.name) == ["hm"])
            let without = try await applier(server, of: "f").apply(try Sample.manifest(Self.own("f")))
            #expect(without.report("hm")?.outcome == .kept, "\(without.objects)")
            #expect(try await server.exists("v1", "ConfigMap", "hm"))
        }
    }

    /// As inventories of earlier versions have it: what the taker knows counts where its loser notes nothing.
    @Test func theTakersNoteGoesBackWhereItsLosersSaysNothing() async throws {
        try await run { server in
            try await makeByHand(server)
            let former = try Sample.manifest(Self.own("f") + Sample.configMap("hm", annotations: "{of: f}"))
            #expect(try await applier(server, of: "f").apply(former).succeeded)
            let taking = try Sample.manifest(Self.own("g") + Sample.configMap("hm", "g", annotations: Self.force))
            #expect(try await applier(server, of: "g").apply(taking).succeeded)
            let store = InventoryStore(api: server.api, options: applier(server, of: "f").options)
            var unknowing = try await store.read()
            unknowing.losses = unknowing.losses.mapValues {
                InventoryStore.Loss(reference: $0.reference, taker: $0.taker)
            }
            try await store.write(unknowing)
            #expect(try await applier(server, of: "g").apply(try Sample.manifest(Self.own("g"))).succeeded)
            #expect(try await record(server, of: "f").adopted.references.map(\.name) == ["hm"])
        }
    }
}
