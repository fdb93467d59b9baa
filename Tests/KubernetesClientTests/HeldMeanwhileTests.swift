internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// What others bring or take while a bundle waits is theirs when its turn comes.
@Suite(.timeLimit(.minutes(2))) struct HeldMeanwhileTests {
    private func names(_ server: SimulatedServer, of name: String) async throws -> [String] {
        try await record(server, of: name).inventory.references.map(\.name).sorted()
    }

    private func run(_ body: @escaping @Sendable (SimulatedServer) async throws -> Void) async throws {
        try await SimulatedServer.run { server in
            for object in try Sample.manifest(Sample.namespace) { _ = try await server.api.create(object) }
            try await body(server)
        }
    }

    private static let later = "{swell.dev/wave: \"1\"}"

    private func value(_ server: SimulatedServer, _ name: String) async throws -> JSONValue? {
        try await server.live("v1", "ConfigMap", name)?["data"]?["key"]
    }

    /// What application a waits for: an earlier wave, or a hook.
    @Test(arguments: ["w", "migrate"]) func whatAnotherBringsInAWaitIsRefused(awaited: String) async throws {
        try await run { server in
            let first = awaited == "w" ? Sample.configMap("w") : Sample.job("migrate")
            let bundle = try Sample.manifest(first + Sample.configMap("s", "a", annotations: Self.later))
            var theirs: BundleResult?
            let result = try await applier(server, of: "a").apply(bundle) { report in
                guard report.reference.name == awaited, theirs == nil else { return }
                theirs = try? await applier(server, of: "b").apply(
                    (try? Sample.manifest(Sample.configMap("own") + Sample.configMap("s", "b"))) ?? [])
            }
            #expect(theirs?.succeeded == true, "\(theirs?.objects ?? [])")
            #expect(result.report("s")?.outcome == .failed, "\(result.objects)")
            #expect(result.message("s").contains("application b holds it"), "\(result.objects)")
            #expect(try await value(server, "s") == "b")
            #expect(try await names(server, of: "a").contains("s") == false)
            #expect(try await names(server, of: "b") == ["own", "s"])
        }
    }

    @Test(arguments: [false, true]) func whatAnotherTakesInAWaitStaysTaken(isReturn: Bool) async throws {
        try await run { server in
            func bundle(_ value: String) throws -> [KubernetesObject] {
                try Sample.manifest(
                    Sample.configMap("w", value) + Sample.configMap("x", value, annotations: Self.later))
            }
            #expect(try await applier(server, of: "a").apply(try bundle("a1")).succeeded)
            var theirs: BundleResult?
            let next = applier(server, of: "a") { $0.isReturn = isReturn }
            let result = try await next.apply(try bundle("a2")) { report in
                guard report.reference.name == "w", theirs == nil else { return }
                let taking = Sample.configMap("x", "b", annotations: "{swell.dev/adopt: force}")
                theirs = try? await applier(server, of: "b").apply(
                    (try? Sample.manifest(Sample.configMap("own") + taking)) ?? [])
            }
            #expect(theirs?.message("x").contains("taken over from application a") == true)
            #expect(result.report("x")?.outcome == (isReturn ? .kept : .failed), "\(result.objects)")
            #expect(result.message("x").contains("application b h"), "\(result.objects)")
            #expect(try await value(server, "x") == "b")
            #expect(try await names(server, of: "a") == ["w"])
            #expect(try await names(server, of: "b") == ["own", "x"])
        }
    }

    /// The taker waits for something else that it brings: what it has taken is its own all the same.
    @Test(arguments: [false, true]) func whatAnotherIsStillBringingIsLeftByAWayBack(isForced: Bool) async throws {
        try await run { server in
            let force = isForced ? "{swell.dev/adopt: force}" : "{}"
            let mine = try Sample.manifest(Sample.configMap("x", "a", annotations: force))
            #expect(try await applier(server, of: "a").apply(mine).succeeded)
            let taking = Sample.configMap("x", "b", annotations: "{swell.dev/adopt: force}")
            var back: BundleResult?
            let result = try await applier(server, of: "b").apply(
                try Sample.manifest(taking + Sample.configMap("last", annotations: Self.later))
            ) { report in
                guard report.reference.name == "x", back == nil else { return }
                back = try? await applier(server, of: "a") { $0.isReturn = true }.apply(mine)
            }
            #expect(result.succeeded, "\(result.objects)")
            #expect(back?.report("x")?.outcome == .kept, "\(back?.objects ?? [])")
            #expect(try await value(server, "x") == "b")
            #expect(try await names(server, of: "b") == ["last", "x"])
        }
    }

    /// What its holder lost is made by its holder: a way back does not come in between.
    @Test func whatIsMissingIsNotMadeByAWayBackInItsHoldersPlace() async throws {
        try await run { server in
            let mine = try Sample.manifest(Sample.configMap("x", "a"))
            #expect(try await applier(server, of: "a").apply(mine).succeeded)
            let taking = Sample.configMap("x", "b", annotations: "{swell.dev/adopt: force}")
            #expect(try await applier(server, of: "b").apply(try Sample.manifest(taking)).succeeded)
            let lost = try #require(try await server.live("v1", "ConfigMap", "x"))
            _ = try await server.api.delete(lost.reference)
            let back = try await applier(server, of: "a") { $0.isReturn = true }.apply(mine)
            #expect(back.report("x")?.outcome == .kept, "\(back.objects)")
            #expect(try await server.live("v1", "ConfigMap", "x") == nil)
            #expect(try await names(server, of: "a") == [])
        }
    }

    /// A taker of many objects meets the former owner's hold only at the first look, and still knows which of them he made.
    @Test func whatWasTakenBeforeAWaitIsKnownToBeMadeAfterIt() async throws {
        try await run { server in
            #expect(
                try await applier(server, of: "c").apply(
                    try Sample.manifest(Sample.configMap("x", "c") + Sample.configMap("other"))
                ).succeeded)
            let taking = Sample.configMap("x", "d", annotations: "{swell.dev/adopt: force}")
            let last = Sample.configMap("last", annotations: Self.later)
            #expect(try await applier(server, of: "d").apply(try Sample.manifest(taking + last)).succeeded)
            #expect(
                try await applier(server, of: "c").apply(try Sample.manifest(Sample.configMap("other"))).succeeded)
            let removed = try await applier(server, of: "d") { ($0.allowsEmpty, $0.isRemoval) = (true, true) }.apply([])
            #expect(removed.report("x")?.outcome == .pruned, "\(removed.objects)")
        }
    }

    // MARK: What is missing

    /// Who has lost an object does not make it in the taker's place, however it went.
    @Test func whatIsMissingAndAnothersIsNotMade() async throws {
        try await run { server in
            let theirs = try Sample.manifest(Sample.configMap("w") + Sample.configMap("lost", "a"))
            #expect(try await applier(server, of: "a").apply(theirs).succeeded)
            let taking = Sample.configMap("lost", "c", annotations: "{swell.dev/adopt: force}")
            #expect(
                try await applier(server, of: "c").apply(try Sample.manifest(Sample.configMap("own") + taking))
                    .succeeded)
            let live = try #require(try await server.live("v1", "ConfigMap", "lost"))
            _ = try await server.api.delete(live.reference)
            let looked = try await applier(server, of: "a").differences(from: theirs)
            #expect(looked.report("lost")?.outcome == .kept, "\(looked.objects)")
            #expect(looked.message("lost").contains("application c holds it"), "\(looked.objects)")
            // Nor where it goes only after anybody looked.
            let mended = try await applier(server, of: "a") { $0.takesOver = false }.apply(theirs)
            #expect(mended.succeeded && mended.report("lost")?.outcome == .kept, "\(mended.objects)")
            #expect(try await server.exists("v1", "ConfigMap", "lost") == false)
            let own = try await applier(server, of: "c").differences(
                from: try Sample.manifest(Sample.configMap("own") + taking))
            #expect(own.report("lost")?.outcome == .created, "\(own.objects)")
            // What both hold is made by whoever looks first: it is the same whoever makes it.
            let both = try Sample.manifest(Sample.configMap("w"))
            #expect(try await applier(server, of: "d").apply(both).succeeded)
            let shared = try #require(try await server.live("v1", "ConfigMap", "w"))
            _ = try await server.api.delete(shared.reference)
            let made = try await applier(server, of: "d") { $0.takesOver = false }.apply(both)
            #expect(made.report("w")?.outcome == .created, "\(made.objects)")
        }
    }
}
