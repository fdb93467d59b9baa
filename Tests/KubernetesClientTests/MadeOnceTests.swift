internal import KubernetesObjects
internal import KubernetesSimulator
internal import Testing

@testable internal import KubernetesClient

/// What a release makes where it is missing and leaves as it is otherwise, such as a password that a chart makes up.
@Suite(.timeLimit(.minutes(2))) struct MadeOnceTests {
    private static let once = "{swell.dev/apply: once, swell.dev/prune: keep}"

    private func bundle(_ value: String, _ annotations: String = once) throws -> [KubernetesObject] {
        try Sample.manifest(
            Sample.namespace + Sample.configMap("other", value)
                + Sample.configMap("pw", value, annotations: annotations))
    }

    private func value(_ server: SimulatedServer) async throws -> JSONValue? {
        try await server.live("v1", "ConfigMap", "pw")?["data"]?["key"]
    }

    @Test func itIsMadeWhereItIsMissingAndLeftOtherwise() async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier { $0.allowsEmpty = true }
            #expect(try await applier.apply(try bundle("1")).report("pw")?.outcome == .created)
            let first = try await value(server)
            let preview = try await applier.preview(try bundle("2"))
            #expect(preview.report("pw")?.outcome == .unchanged && preview.report("other")?.outcome == .configured)
            #expect(try await applier.apply(try bundle("2")).report("pw")?.outcome == .unchanged)
            #expect(try await value(server) == first)
            let drift = try await applier.differences(from: try bundle("3"))
            #expect(drift.report("pw")?.outcome == .unchanged && drift.report("other")?.outcome == .configured)
            // A release without it leaves it, and one that has it again, too.
            #expect(try await applier.apply(try Sample.manifest(Sample.namespace)).report("pw")?.outcome == .kept)
            #expect(try await applier.apply(try bundle("4")).succeeded)
            #expect(try await value(server) == first)
            let live = try #require(try await server.live("v1", "ConfigMap", "pw"))
            _ = try await server.api.delete(live.reference)
            #expect(try await applier.differences(from: try bundle("4")).report("pw")?.outcome == .created)
            #expect(try await applier.apply(try bundle("4")).report("pw")?.outcome == .created)
            #expect(try await applier.apply([]).report("pw")?.outcome == .kept)
        }
    }

    /// As releases brought it that were made before there was a word for it.
    @Test func whatWasAppliedBeforeIsLeftAndStays() async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier { $0.allowsEmpty = true }
            _ = try await applier.apply(try bundle("1", "{}"))
            let first = try await value(server)
            #expect(try await applier.apply(try bundle("2")).succeeded)
            #expect(try await value(server) == first)
            #expect(try await applier.apply(try bundle("2")).report("pw")?.outcome == .unchanged)
            #expect(try await applier.apply([]).report("pw")?.outcome == .kept)
        }
    }

    /// A release that no longer says that it is made once says what becomes of it, too.
    @Test func whatIsMadeOnceNoMoreGoesAsOthersDo() async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier { $0.allowsEmpty = true }
            _ = try await applier.apply(try bundle("1", "{}"))
            #expect(try await applier.apply(try bundle("2")).succeeded)
            let live = try #require(try await server.live("v1", "ConfigMap", "pw"))
            #expect(live.annotations["swell.dev/prune"] == "keep")
            #expect(try await applier.apply(try bundle("3", "{}")).report("pw")?.outcome == .configured)
            #expect(try await server.live("v1", "ConfigMap", "pw")?.annotations["swell.dev/prune"] == nil)
            #expect(try await applier.apply([]).report("pw")?.outcome == .pruned)
        }
    }

    @Test func whatSomebodyElseMadeIsLeftAndStays() async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier { $0.allowsEmpty = true }
            _ = try await applier.apply(try Sample.manifest(Sample.namespace))
            var theirs = KubernetesObject(
                type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "shop", name: "pw")
            theirs["data"] = ["key": "theirs"]
            _ = try await server.api.create(theirs, fieldManager: "ada")
            let objects = try bundle("1", "{swell.dev/apply: once}")
            #expect(try await applier.apply(objects).succeeded)
            #expect(try await value(server) == "theirs")
            #expect(try await applier.apply([]).report("pw")?.outcome == .kept)
            #expect(try await value(server) == "theirs")
        }
    }
}
