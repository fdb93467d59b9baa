internal import KubernetesObjects
internal import Logging
internal import NIOHTTP1
internal import SwellModel
internal import Testing

@testable internal import KubernetesClient
@testable internal import SwellAgent

/// After a refusal the rest of a release is asked about, for a while and no longer: the way back waits for it.
@Suite(.timeLimit(.minutes(2))) struct FurtherRefusalTests {
    /// A server with a webhook that is silent about one object and says no to another.
    private struct SlowServer: KubernetesTransport {
        let direct: HTTPTransport

        func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
            if request.method == .PATCH, request.path.hasSuffix("/configmaps/silent") {
                try await Task.sleep(for: .seconds(3_600))
            }
            return try await direct.send(request)
        }

        func renewCredentials() async { await direct.renewCredentials() }

        func shutdown() async { await direct.shutdown() }
    }

    @Test func whatIsAnsweredInTimeIsNamedAndTheRestStaysSkipped() async throws {
        try await SimulatedLab.run(serving: false) { lab in
            let path = lab.kubeconfigPath
            let transport = SlowServer(
                direct: HTTPTransport(
                    source: { try Kubeconfig(path: path).connection() }, connections: 20, connectTimeout: .seconds(5)))
            let api = KubernetesAPI(transport: transport)
            var cluster = KubernetesCluster(
                api: api, namespace: "swell-system", now: { .wall }, logger: Logger(label: "test.agent"))
            cluster.rehearsalLimit = .seconds(5)
            for object in try Manifest.objects(in: ShopManifest.namespace) { _ = try await lab.api.create(object) }
            func broken(_ name: String) -> String {
                ShopManifest.configMap(name).replacing("\ndata:", with: "\ndat:")
            }
            let objects = try Manifest.objects(
                in: broken("first") + ShopManifest.configMap("silent") + broken("second")
                    + ShopManifest.configMap("good"))
            let release = ClusterRelease(
                application: Application(name: "shop", namespace: "shop"),
                release: ReleaseReference(version: "1", digest: ContentDigest(of: [1])), generation: 1, epoch: 1,
                objects: objects)
            var reports = objects.map { object in
                var placed = object.reference
                placed.namespace = "shop"
                return BundleProgress(reference: placed, outcome: .skipped)
            }
            reports[0] = BundleProgress(
                reference: reports[0].reference, outcome: .failed, message: "no", reason: "Invalid")
            let began = ContinuousClock.now
            let named = try await cluster.namingFurtherRefusals(
                in: BundleResult(objects: reports, inventory: Inventory()), of: release)
            #expect(began.duration(to: .now) < .seconds(60), "it does not wait for who is silent")
            await api.shutdown()
            #expect(
                named.objects.map(\.outcome) == [.failed, .skipped, .failed, .skipped],
                "\(named.objects.map(\.description))")
        }
    }
}
