internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// Releases that bring kinds of their own, as operators and their custom resources come in one bundle.
@Suite(.serialized, .timeLimit(.minutes(3))) struct BroughtKindTests {
    private static let definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: widgets.example.com}
        spec:
          group: example.com
          scope: Namespaced
          names: {plural: widgets, kind: Widget}
          versions:
          - name: v1
            served: true
            storage: true
            schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        ---
        apiVersion: example.com/v1
        kind: Widget
        metadata: {name: gadget}
        ---

        """

    @Test func theCulpritIsNamedWhileSuchAReleaseIsApplied() async throws {
        try await SimulatedLab.run { lab in
            let text =
                ShopManifest.namespace + Self.definition
                + ShopManifest.deployment("web", image: "web:missing", deadline: 600)
            let one = try await lab.world.release("1.0.0", extra: text)
            try await lab.world.coordinator.assign(one.assignment(1, deadline: .minutes(5)))
            try await lab.withAgent {
                try await lab.waitFor("the pod is named", within: .seconds(20)) { report in
                    report.phase == .applying && report.message?.contains("Pull") == true
                }
                #expect(await lab.report()?.message?.contains("pod web-") == true)
            }
        }
    }
}
