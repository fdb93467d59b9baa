internal import KubernetesClient
internal import KubernetesObjects
internal import KubernetesSimulator
internal import Testing

/// Bundles with so many objects of a kind that they are read by lists.
@Suite(.timeLimit(.minutes(2))) struct ManyObjectsTests {
    private static let text = Sample.namespace + (1...12).map { Sample.configMap("map-\($0)") }.joined()

    private static func changed(_ result: BundleResult) -> [String] {
        result.objects.filter { $0.outcome != .unchanged }.map { "\($0.reference.name) \($0.outcome.rawValue)" }
            .sorted()
    }

    @Test func whatIsInPlaceIsLeftAloneAndWhatWasTouchedIsPutBack() async throws {
        try await SimulatedServer.run { server in
            let objects = try Sample.manifest(Self.text)
            let first = try await server.applier().apply(objects)
            #expect(first.objects.allSatisfy { $0.outcome == .created } && first.objects.count == 13)
            #expect(Self.changed(try await server.applier().apply(objects)) == [])

            func reference(_ name: String) -> ObjectReference {
                ObjectReference(type: configMapType, namespace: "shop", name: name)
            }
            _ = try await server.api.patch(reference("map-3"), .merge(["data": ["key": "other"]]), fieldManager: "hand")
            _ = try await server.api.patch(reference("map-4"), .merge(["data": ["foreign": "1"]]), fieldManager: "hand")
            _ = try await server.api.delete(reference("map-5"))
            let third = try await server.applier().apply(objects)
            #expect(Self.changed(third) == ["map-3 configured", "map-5 created"])
            #expect(try await server.live("v1", "ConfigMap", "map-3")?["data"]?["key"] == "1")
            #expect(try await server.live("v1", "ConfigMap", "map-4")?["data"]?["foreign"] == "1")
            #expect(Self.changed(try await server.applier().apply(objects)) == [])
        }
    }

    @Test func aNamespaceFullOfOthersObjectsHidesNone() async throws {
        try await SimulatedServer.run { server in
            let text = Sample.namespace + (1...60).map { Sample.configMap("a-\($0)") }.joined()
            _ = try await server.applier { $0.inventoryName = "others" }.apply(try Sample.manifest(text))
            let maps = try Sample.manifest((1...5).map { Sample.configMap("z-\($0)") }.joined())
            let first = try await server.applier().apply(maps)
            #expect(first.objects.allSatisfy { $0.outcome == .created } && first.objects.count == 5)
            #expect(Self.changed(try await server.applier().apply(maps)) == [])
        }
    }
}
