internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// What one application took from another is that one's again once it is not wanted any more.
@Suite(.timeLimit(.minutes(2))) struct GivingBackTests {
    private func names(_ server: SimulatedServer, of name: String) async throws -> [String] {
        try await record(server, of: name).inventory.references.map(\.name).sorted()
    }

    private func run(_ body: @escaping @Sendable (SimulatedServer) async throws -> Void) async throws {
        try await SimulatedServer.run { server in
            for object in try Sample.manifest(Sample.namespace) { _ = try await server.api.create(object) }
            try await body(server)
        }
    }

    /// Application c has x and y, and d takes x from it by force.
    private func taking(_ server: SimulatedServer) async throws {
        let theirs = try Sample.manifest(Sample.configMap("x", "c") + Sample.configMap("other", "c"))
        #expect(try await applier(server, of: "c").apply(theirs).succeeded)
        #expect(try await applier(server, of: "d").apply(try Sample.manifest(Sample.configMap("own"))).succeeded)
        let taking = try Sample.manifest(
            Sample.configMap("own") + Sample.configMap("x", "d", annotations: "{swell.dev/adopt: force}"))
        let taken = try await applier(server, of: "d").apply(taking)
        #expect(taken.message("x").contains("taken over from application c"), "\(taken.objects)")
        #expect(try await names(server, of: "c") == ["other"])
    }

    @Test(arguments: [true, false]) func whatWasTakenGoesBackAndIsNotDeleted(isReturn: Bool) async throws {
        try await run { server in
            try await taking(server)
            let uid = try await server.live("v1", "ConfigMap", "x")?.uid
            let looked = try await applier(server, of: "d").preview(try Sample.manifest(Sample.configMap("own")))
            #expect(looked.report("x")?.outcome == .kept, "\(looked.objects)")
            #expect(looked.message("x").contains("application c"), "\(looked.objects)")
            let back = try await applier(server, of: "d") { $0.isReturn = isReturn }.apply(
                try Sample.manifest(Sample.configMap("own")))
            #expect(back.succeeded && back.report("x")?.outcome == .kept, "\(back.objects)")
            #expect(back.message("x").contains("goes back to application c"), "\(back.objects)")
            #expect(try await server.live("v1", "ConfigMap", "x")?.uid == uid)
            #expect(try await names(server, of: "d") == ["own"])
            #expect(try await names(server, of: "c") == ["other", "x"])
            // It is as much c's as it was: c puts its own values back, and deletes what it made.
            let theirs = try Sample.manifest(Sample.configMap("x", "c") + Sample.configMap("other", "c"))
            #expect(try await applier(server, of: "c").apply(theirs).report("x")?.outcome == .configured)
            #expect(try await server.live("v1", "ConfigMap", "x")?["data"] == ["key": "c"])
            let without = try await applier(server, of: "c").apply(try Sample.manifest(Sample.configMap("other", "c")))
            #expect(without.report("x")?.outcome == .pruned, "\(without.objects)")
        }
    }

    @Test func aRemovalGivesBackToo() async throws {
        try await run { server in
            try await taking(server)
            let removed = try await applier(server, of: "d") {
                $0.allowsEmpty = true
                $0.isRemoval = true
            }.apply([])
            #expect(removed.succeeded && removed.report("x")?.outcome == .kept, "\(removed.objects)")
            #expect(removed.report("own")?.outcome == .pruned)
            #expect(try await names(server, of: "d") == [])
            #expect(try await names(server, of: "c") == ["other", "x"])
        }
    }

    /// The ordinary way to move an object between applications: who had it has it no longer in what it wants.
    @Test func whatTheFormerOwnerGaveUpMeanwhileIsTheTakersToDelete() async throws {
        try await run { server in
            try await taking(server)
            #expect(
                try await applier(server, of: "c").apply(try Sample.manifest(Sample.configMap("other", "c"))).succeeded)
            let removed = try await applier(server, of: "d") {
                $0.allowsEmpty = true
                $0.isRemoval = true
            }.apply([])
            #expect(removed.report("x")?.outcome == .pruned, "\(removed.objects)")
            #expect(try await names(server, of: "c") == ["other"])
        }
    }

    @Test func whatAFormerOwnerThatIsGoneHadIsTheTakersToDelete() async throws {
        try await run { server in
            try await taking(server)
            let gone = try await applier(server, of: "c") {
                $0.allowsEmpty = true
                $0.isRemoval = true
            }.apply([])
            #expect(gone.succeeded)
            let removed = try await applier(server, of: "d") { $0.allowsEmpty = true }.apply([])
            #expect(removed.report("x")?.outcome == .pruned, "\(removed.objects)")
        }
    }

    @Test func whatWasTakenTwiceGoesBackStepByStep() async throws {
        try await run { server in
            try await taking(server)
            let further = try Sample.manifest(
                Sample.configMap("z") + Sample.configMap("x", "e", annotations: "{swell.dev/adopt: force}"))
            #expect(try await applier(server, of: "e").apply(further).succeeded)
            #expect(try await names(server, of: "d") == ["own"])
            #expect(try await applier(server, of: "e").apply(try Sample.manifest(Sample.configMap("z"))).succeeded)
            #expect(try await names(server, of: "d") == ["own", "x"])
            #expect(try await names(server, of: "c") == ["other"])
            #expect(try await applier(server, of: "d").apply(try Sample.manifest(Sample.configMap("own"))).succeeded)
            #expect(try await names(server, of: "c") == ["other", "x"])
            #expect(try await server.exists("v1", "ConfigMap", "x"))
        }
    }

    @Test func whoseItWasIsKnownThoughTheOwnerGoesOnMeanwhile() async throws {
        try await run { server in
            let theirs = try Sample.manifest(Sample.configMap("x", "c") + Sample.configMap("other", "c"))
            #expect(try await applier(server, of: "c").apply(theirs).succeeded)
            // c's run is under way when it is taken, and stores its inventory once more after that.
            let next = try Sample.manifest(
                Sample.configMap("x", "c") + Sample.configMap("other", "c") + Sample.configMap("last", "c"))
            let taker = applier(server, of: "d") { $0.adoption = .force }
            var taken: BundleResult?
            _ = try await applier(server, of: "c") { $0.concurrency = 1 }.apply(next) { report in
                guard taken == nil, report.reference.name == "last" || report.reference.name == "x" else { return }
                taken = try? await taker.apply((try? Sample.manifest(Sample.configMap("x", "d"))) ?? [])
            }
            #expect(taken?.succeeded == true)
            #expect(try await names(server, of: "c") == ["last", "other"])
            let removed = try await applier(server, of: "d") { $0.allowsEmpty = true }.apply([])
            #expect(removed.report("x")?.outcome == .kept, "\(removed.objects)")
            #expect(try await names(server, of: "c") == ["last", "other", "x"])
        }
    }

    @Test func aTakeoverIsToldBeforehand() async throws {
        try await run { server in
            let theirs = try Sample.manifest(Sample.configMap("x", "c"))
            #expect(try await applier(server, of: "c").apply(theirs).succeeded)
            let taking = try Sample.manifest(Sample.configMap("x", "d", annotations: "{swell.dev/adopt: force}"))
            let looked = try await applier(server, of: "d").preview(taking)
            #expect(looked.report("x")?.outcome == .configured, "\(looked.objects)")
            #expect(looked.message("x").contains("taken over from application c"), "\(looked.objects)")
        }
    }

    /// Who stands between is the next to have it; where that one wants it no more, it is whoever wants it still.
    @Test(arguments: [true, false]) func whatWentThroughManyHandsGoesBackToWhoWantsIt(isRemoved: Bool) async throws {
        try await run { server in
            try await taking(server)
            let further = try Sample.manifest(
                Sample.configMap("z") + Sample.configMap("x", "e", annotations: "{swell.dev/adopt: force}"))
            #expect(try await applier(server, of: "e").apply(further).succeeded)
            let without = isRemoved ? [] : try Sample.manifest(Sample.configMap("own"))
            #expect(try await applier(server, of: "d") { $0.allowsEmpty = true }.apply(without).succeeded)
            let last = try Sample.manifest(Sample.configMap("z"))
            let looked = try await applier(server, of: "e").preview(last)
            #expect(looked.message("x").contains("goes back to application c"), "\(looked.objects)")
            let back = try await applier(server, of: "e").apply(last)
            #expect(back.message("x").contains("goes back to application c"), "\(back.objects)")
            #expect(try await server.exists("v1", "ConfigMap", "x"))
            #expect(try await names(server, of: "c") == ["other", "x"])
            #expect(try await names(server, of: "e") == ["z"])
        }
    }

    /// So that it is applied where it is again, though whoever gave it back, or runs it, ends in between.
    @Test func whatWasGivenBackIsMarkedUntilItIsApplied() async throws {
        try await run { server in
            try await taking(server)
            #expect(try await applier(server, of: "d").apply(try Sample.manifest(Sample.configMap("own"))).succeeded)
            #expect(try await record(server, of: "c").returned.references.map(\.name) == ["x"])
            let theirs = try Sample.manifest(Sample.configMap("x", "c") + Sample.configMap("other", "changed"))
            let looked = try await applier(server, of: "c").differences(from: theirs)
            #expect(looked.returned.map(\.name) == ["x"])
            let others = theirs.filter { $0.name != "x" }.map { object in
                var reference = object.reference
                reference.namespace = "shop"
                return (reference.identity, "not given back")
            }
            let restored = try await applier(server, of: "c") {
                $0.untouched = Dictionary(uniqueKeysWithValues: others)
                $0.prunes = false
            }.apply(theirs)
            #expect(restored.report("x")?.outcome == .configured, "\(restored.objects)")
            #expect(try await server.live("v1", "ConfigMap", "other")?["data"] == ["key": "c"])
            #expect(try await record(server, of: "c").returned.references.isEmpty)
            #expect(try await names(server, of: "c") == ["other", "x"])
        }
    }

    @Test func whatWasTakenAndGivenBackWhileItsOwnerGoesOnIsMarkedToo() async throws {
        try await run { server in
            let theirs = Sample.configMap("x", "c") + Sample.configMap("other", "c")
            #expect(try await applier(server, of: "c").apply(try Sample.manifest(theirs)).succeeded)
            let next = try Sample.manifest(theirs + Sample.configMap("last", annotations: "{swell.dev/wave: \"1\"}"))
            let taker = applier(server, of: "d") { ($0.adoption, $0.allowsEmpty) = (.force, true) }
            var given: BundleResult?
            _ = try await applier(server, of: "c").apply(next) { report in
                guard given == nil, report.reference.name == "last" else { return }
                let taken = try? await taker.apply((try? Sample.manifest(Sample.configMap("x", "d"))) ?? [])
                if taken?.succeeded == true { given = try? await taker.apply([]) }
            }
            #expect(given?.message("x").contains("goes back to application c") == true, "\(given?.objects ?? [])")
            #expect(try await names(server, of: "c") == ["last", "other", "x"])
            #expect(try await record(server, of: "c").returned.references.map(\.name) == ["x"])
        }
    }

    // MARK: A bundle that was healthy here before

    /// Application a had x by force, and b took it by force since.
    private func takingTurns(_ server: SimulatedServer, _ body: ([KubernetesObject]) async throws -> Void) async throws
    {
        func bundle(_ value: String) throws -> [KubernetesObject] {
            try Sample.manifest(
                Sample.configMap("x", value, annotations: "{swell.dev/adopt: force}") + Sample.configMap("of-\(value)"))
        }
        #expect(try await applier(server, of: "a").apply(try bundle("a")).succeeded)
        #expect(try await applier(server, of: "b").apply(try bundle("b")).succeeded)
        try await body(try bundle("a"))
    }

    @Test func whatIsOrderedOnceMoreTakesOverByForceAsItDidAtFirst() async throws {
        try await run { server in
            try await takingTurns(server) { bundle in
                let again = applier(server, of: "a") { $0.wasProven = true }
                let looked = try await again.preview(bundle)
                #expect(looked.message("x").contains("taken over from application b"), "\(looked.objects)")
                let result = try await again.apply(bundle)
                #expect(result.message("x").contains("taken over from application b"), "\(result.objects)")
                #expect(try await server.live("v1", "ConfigMap", "x")?["data"] == ["key": "a"])
                #expect(try await names(server, of: "b") == ["of-b"])
            }
        }
    }

    @Test func whatGoesBackByItselfTakesNothingOver() async throws {
        try await run { server in
            try await takingTurns(server) { bundle in
                let back = applier(server, of: "a") { ($0.isReturn, $0.wasProven) = (true, true) }
                let result = try await back.apply(bundle)
                #expect(result.report("x")?.outcome == .kept, "\(result.objects)")
                #expect(try await server.live("v1", "ConfigMap", "x")?["data"] == ["key": "b"])
            }
        }
    }
}
