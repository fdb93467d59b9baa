internal import KubernetesObjects
internal import KubernetesSimulator
internal import Testing

@testable internal import KubernetesClient

/// What a namespace's manifest names as going along with it: a platform's own, and nothing that somebody would miss.
@Suite(.timeLimit(.minutes(2))) struct NamespaceDefaultsTests {
    private static let named = "PersistentVolumeClaim/data, ConfigMap/yy, Secret/kept, StatefulSet/db"
    private let base = Sample.namespace + Sample.configMap("a")
    private let space =
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: extra, annotations: {swell.dev/namespace-defaults: '\(named)'}}\n---\n"

    private func applier(_ server: SimulatedServer, of name: String = "a") -> BundleApplier {
        server.applier {
            $0.inventoryPrefix = "inv-"
            $0.inventoryName = "inv-\(name)"
            $0.waitsForHealth = false
            $0.settleTimeout = .seconds(2)
        }
    }

    private func object(_ kind: String, _ name: String, _ annotations: [String: String] = [:]) -> KubernetesObject {
        var object = KubernetesObject(
            type: GroupVersionKind(version: "v1", kind: kind), namespace: "extra", name: name)
        object.annotations = annotations
        if kind == "PersistentVolumeClaim" {
            object.spec = ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]
        }
        return object
    }

    /// Makes the namespace with what it names, lets others put objects there, takes it out, and tells what became of it.
    private func takingOut(_ server: SimulatedServer, besides objects: [KubernetesObject]) async throws
        -> BundleProgress
    {
        _ = try await applier(server).apply(try Sample.manifest(base + space))
        for object in objects { _ = try await server.api.create(object, fieldManager: "ada") }
        let preview = try await applier(server).preview(try Sample.manifest(base))
        let result = try await applier(server).apply(try Sample.manifest(base))
        let report = try #require(result.report("extra"))
        #expect(preview.report("extra")?.outcome == report.outcome)
        return report
    }

    @Test func noDataGoAlong() async throws {
        try await SimulatedServer.run { server in
            let report = try await takingOut(server, besides: [object("PersistentVolumeClaim", "data")])
            #expect(report.outcome == .kept)
            #expect(report.message.contains("by hand") && !report.message.contains("name it"), "\(report.message)")
        }
    }

    /// Though it would not have been asked about by itself, as what is owned by something that goes.
    @Test func noDataGoAlongWithWhatIsNamed() async throws {
        try await SimulatedServer.run { server in
            _ = try await applier(server).apply(try Sample.manifest(base + space))
            var set = KubernetesObject(
                type: GroupVersionKind(group: "apps", version: "v1", kind: "StatefulSet"), namespace: "extra",
                name: "db")
            set.spec = [
                "serviceName": "db", "replicas": 0, "selector": ["matchLabels": ["app": "db"]],
                "template": [
                    "metadata": ["labels": ["app": "db"]],
                    "spec": ["containers": [["name": "db", "image": "db:1"]]],
                ],
            ]
            let live = try await server.api.create(set, fieldManager: "ada")
            var claim = object("PersistentVolumeClaim", "other")
            claim.setMetadata(
                "ownerReferences",
                [["apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": .string(live.uid ?? "")]])
            let report = try await takingOut(server, besides: [claim])
            #expect(report.outcome == .kept && report.message.contains("other"), "\(report)")
        }
    }

    @Test(arguments: ["swell.dev/prune", "helm.sh/resource-policy"])
    func nothingThatIsSaidToStayGoesAlong(annotation: String) async throws {
        try await SimulatedServer.run { server in
            let report = try await takingOut(server, besides: [object("Secret", "kept", [annotation: "keep"])])
            #expect(report.outcome == .kept)
            #expect(
                report.message.contains("annotated \(annotation): keep") && !report.message.contains("name it"),
                "\(report.message)")
        }
    }

    @Test func nothingThatAnotherApplicationHasGoesAlong() async throws {
        try await SimulatedServer.run { server in
            _ = try await applier(server).apply(try Sample.manifest(base + space))
            var theirs = object("ConfigMap", "yy")
            theirs["data"] = ["a": "b"]
            #expect(try await applier(server, of: "b").apply([theirs]).succeeded)
            let report = try await takingOut(server, besides: [])
            #expect(report.outcome == .kept)
            #expect(report.message.contains("application b has") && !report.message.contains("name it"))
        }
    }

    @Test func whatNobodyWouldMissGoesAlong() async throws {
        try await SimulatedServer.run { server in
            let report = try await takingOut(server, besides: [object("Secret", "kept"), object("ConfigMap", "yy")])
            #expect(report.outcome == .pruned, "\(report.message)")
        }
    }

    @Test func whatMayBeNamedIsSaidSo() async throws {
        try await SimulatedServer.run { server in
            let report = try await takingOut(server, besides: [object("Secret", "unnamed")])
            #expect(report.outcome == .kept && report.message.contains("name it in the annotation"))
        }
    }
}
