internal import KubernetesClient
internal import KubernetesObjects
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// What a preview counts are objects.
@Suite(.timeLimit(.minutes(2))) struct PreviewCountTests {
    @Test func aHookForSeveralMomentsIsOneObject() async throws {
        try await SimulatedLab.run { lab in
            let text = """
                apiVersion: batch/v1
                kind: Job
                metadata:
                  name: check
                  namespace: shop
                  annotations: {swell.dev/hook: "before, after", swell.dev/hook-timeout: 10s}
                spec:
                  backoffLimit: 0
                  template: {spec: {restartPolicy: Never, containers: [{name: check, image: "check:1"}]}}
                ---
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: settings, namespace: shop}
                """
            let release = ClusterRelease(
                application: Application(name: "shop", namespace: "shop"),
                release: ReleaseReference(version: "1.0.0", digest: ContentDigest(of: Array(text.utf8))),
                generation: 1, epoch: 1, objects: try Manifest.objects(in: text))
            let cluster = KubernetesCluster(
                api: lab.api, namespace: "swell-system", now: { .wall }, logger: Logger(label: "test.preview"))
            try await cluster.apply(release) { _, _ in }
            let answer = try await cluster.preview(release)
            #expect(answer.objects == [] && answer.unchanged == 2, "\(answer)")
        }
    }
}
