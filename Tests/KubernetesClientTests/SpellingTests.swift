internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// One word in two spellings of the same letters (NFC and NFD) is two words to a server; Swift's `==` takes them for one.
@Suite(.timeLimit(.minutes(2))) struct SpellingTests {
    private static let composed = "caf\u{E9}"
    private static let decomposed = "cafe\u{301}"

    private static func object(_ spec: JSONValue, kind: String = "Probe") throws -> KubernetesObject {
        var object = KubernetesObject(
            type: GroupVersionKind(group: "t.example.com", version: "v1", kind: kind), namespace: "shop", name: "p")
        object.spec = spec
        return object
    }

    @Test func aValueAndAKeyInAnotherSpellingAreChanges() throws {
        var mask = SecretMask()
        let values = ObjectDifference.changes(
            from: try Self.object(["a": .string(Self.composed)]),
            to: try Self.object(["a": .string(Self.decomposed)]),
            mask: &mask)
        #expect(values.map(\.path.description) == ["spec.a"])
        let keys = ObjectDifference.changes(
            from: try Self.object([Self.composed: 1, "b": 1]), to: try Self.object([Self.decomposed: 1, "b": 1]),
            mask: &mask)
        #expect(keys.count == 2)
        #expect(keys.contains { $0.before == 1 && $0.after == nil && $0.path == ["spec", Self.composed] }, "\(keys)")
        #expect(keys.contains { $0.before == nil && $0.after == 1 && $0.path == ["spec", Self.decomposed] }, "\(keys)")
    }

    @Test func whatIsHiddenIsToldApartAsWell() throws {
        var mask = SecretMask()
        #expect(mask.standIn(for: Self.composed) != mask.standIn(for: Self.decomposed))
        let secret = try KubernetesObject(
            json: [
                "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "a"],
                "stringData": ["one": .string(Self.composed), "two": .string(Self.decomposed)],
            ])
        for word in [Self.composed, Self.decomposed] {
            #expect(SecretMask.hidingValues(of: secret, in: "'\(word)' is too long").contains("<hidden>"), "\(word)")
        }
    }

    @Test func anotherSpellingIsSentThoughTheObjectWasJustSeenAsItShouldBe() async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier()
            func apply(_ value: String) async throws -> BundleResult {
                try await applier.apply(try Sample.manifest(Sample.namespace + Sample.configMap("a", value)))
            }
            _ = try await apply(Self.composed)
            _ = try await apply(Self.composed)
            let told = try await applier.preview(
                try Sample.manifest(Sample.namespace + Sample.configMap("a", Self.decomposed)))
            #expect(told.objects.last { $0.reference.name == "a" }?.outcome == .configured)
            let result = try await apply(Self.decomposed)
            #expect(result.objects.last { $0.reference.name == "a" }?.outcome == .configured)
            let live = try await server.live("v1", "ConfigMap", "a")
            #expect(live?.value(at: ["data", "key"]) == .string(Self.decomposed))
        }
    }

    @Test func driftInSpellingIsSeenAndPutRight() async throws {
        try await SimulatedServer.run { server in
            let objects = try Sample.manifest(Sample.namespace + Sample.configMap("a", Self.composed))
            _ = try await server.applier().apply(objects)
            let reference = ObjectReference(
                type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "shop", name: "a")
            _ = try await server.api.patch(
                reference, .merge(["data": ["key": .string(Self.decomposed)]]), fieldManager: "kubectl-edit")
            let drift = try await server.applier().differences(from: objects)
            #expect(drift.objects.last { $0.reference.name == "a" }?.outcome == .configured, "\(drift.objects)")
        }
    }
}
