internal import KubernetesObjects
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

/// Objects that others scale: custom kinds, and what an autoscaler scales that no bundle has.
@Suite(.timeLimit(.minutes(2))) struct ScaledObjectTests {
    private static let definition =
        Sample.definition.replacing(
            "    storage: true\n",
            with:
                "    storage: true\n    subresources: {scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}\n"
        ).replacing(
            "properties: {spec: {type: object, properties: {size: {type: integer}}}}",
            with:
                "properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}, status: {type: object, x-kubernetes-preserve-unknown-fields: true}}"
        )

    private static func widget(_ spec: String) -> String {
        Sample.widget.replacing("{size: 3}", with: "{\(spec)}")
    }

    @Test func replicasThatAManifestDropsStay() async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier { $0.waitsForHealth = false }
            let base = Sample.namespace + Self.definition
            let first = try await applier.apply(try Sample.manifest(base + Self.widget("replicas: 4, color: red")))
            #expect(first.succeeded, "\(first.objects)")
            let dropped = try Sample.manifest(base + Self.widget("color: blue"))
            let result = try await applier.apply(dropped)
            #expect(result.report("gadget")?.outcome == .configured, "\(result.objects)")
            let live = try #require(try await server.live("example.com/v1", "Widget", "gadget"))
            #expect(live.spec?["replicas"] == 4)
            #expect(result.report("gadget")?.message.contains("the live 4 stays") == true, "\(result.objects)")
        }
    }

    @Test func replicasOfWhatCannotBeScaledGo() async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier { $0.waitsForHealth = false }
            let plain = Sample.definition.replacing(
                "properties: {size: {type: integer}}", with: "x-kubernetes-preserve-unknown-fields: true")
            let base = Sample.namespace + plain
            _ = try await applier.apply(try Sample.manifest(base + Self.widget("replicas: 4, color: red")))
            _ = try await applier.apply(try Sample.manifest(base + Self.widget("color: blue")))
            let live = try #require(try await server.live("example.com/v1", "Widget", "gadget"))
            #expect(live.spec == ["color": "blue"])
        }
    }

    @Test(arguments: [true, false]) func whatAnAutoscalerOfTheClusterHasScaledIsLeftToIt(isThere: Bool) async throws {
        try await SimulatedServer.run { server in
            let applier = server.applier { $0.waitsForHealth = false }
            let objects = try Sample.manifest(Sample.namespace + Sample.deployment("web"))
            _ = try await applier.apply(objects)
            if isThere {
                var scaler = try #require(
                    try Sample.manifest(
                        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: hpa, namespace: shop}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 9}\n"
                    ).first)
                scaler.namespace = "shop"
                _ = try await server.api.create(scaler, fieldManager: "somebody")
            }
            let live = try #require(try await server.live("apps/v1", "Deployment", "web"))
            _ = try await server.api.patch(
                live.reference, .merge(["spec": ["replicas": 5]]), fieldManager: "kube-controller-manager",
                subresource: "scale")
            let looked = try await applier.differences(from: objects)
            #expect(looked.report("web")?.outcome == (isThere ? .unchanged : .configured), "\(looked.objects)")
            let next = try Sample.manifest(Sample.namespace + Sample.deployment("web", image: "app:2"))
            for _ in 0..<2 {
                let result = try await applier.apply(next)
                let after = try #require(try await server.live("apps/v1", "Deployment", "web"))
                #expect(after.spec?["replicas"] == (isThere ? 5 : 2), "\(result.objects)")
                guard isThere else { continue }
                let words = "spec.replicas is left to HorizontalPodAutoscaler hpa"
                #expect(result.report("web")?.message.contains(words) == true, "\(result.objects)")
            }
        }
    }

    /// Who may not look cannot know that nobody scales it: of the two, the number that was set last is the safer one.
    @Test func whatSomebodyHasScaledIsLeftWhereNobodyMayLookForAutoscalers() async throws {
        try await SimulatedServer.run { server in
            let options = server.applier { $0.waitsForHealth = false }.options
            let api = KubernetesAPI(
                transport: UnlistedTransport(inner: server.api.transport), options: server.api.options)
            let applier = BundleApplier(api: api, records: server.api, options: options)
            let objects = try Sample.manifest(Sample.namespace + Sample.deployment("web"))
            let first = try await applier.apply(objects)
            #expect(first.message("web").isEmpty, "\(first.objects)")
            let live = try #require(try await server.live("apps/v1", "Deployment", "web"))
            _ = try await server.api.patch(
                live.reference, .merge(["spec": ["replicas": 5]]), fieldManager: "kube-controller-manager",
                subresource: "scale")
            #expect(try await applier.differences(from: objects).report("web")?.outcome == .unchanged)
            let next = try Sample.manifest(Sample.namespace + Sample.deployment("web", image: "app:2"))
            let looked = try await applier.preview(next)
            let result = try await applier.apply(next)
            #expect(try await server.live("apps/v1", "Deployment", "web")?.spec?["replicas"] == 5, "\(result.objects)")
            for report in [looked.report("web"), result.report("web")] {
                #expect(report?.message.contains("horizontalpodautoscalers") == true, "\(report?.message ?? "")")
            }
        }
    }
}

/// A connection for somebody who may not list autoscalers.
private struct UnlistedTransport: KubernetesTransport {
    let inner: any KubernetesTransport

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        guard request.path.hasSuffix("/horizontalpodautoscalers") else { return try await inner.send(request) }
        let refusal: JSONValue = [
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
            "message":
                "horizontalpodautoscalers.autoscaling is forbidden: User \"agent\" cannot list resource \"horizontalpodautoscalers\"",
        ]
        return KubernetesResponse(status: 403, headers: [:], body: ResponseBody(refusal.serializedBytes()))
    }

    func renewCredentials() async {}
    func shutdown() async {}
}
