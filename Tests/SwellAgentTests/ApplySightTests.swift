internal import KubernetesObjects
internal import KubernetesSimulator
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// What people are told of a release while it is still being applied: what holds it up, by name.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ApplySightTests {
    private static let definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: feeds.shop.example.com}
        spec:
          group: shop.example.com
          names: {plural: feeds, singular: feed, kind: Feed}
          scope: Namespaced
          versions:
            - name: v1
              served: true
              storage: true
              schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        ---

        """

    private static let feed = """
        apiVersion: shop.example.com/v1
        kind: Feed
        metadata: {name: summer, annotations: {swell.dev/wave: "1"}}
        ---

        """

    /// Seen at a real API server: the first release with a definition of its own said nothing of health until its deadline.
    @Test func aDefinitionOfItsOwnHidesNothing() async throws {
        try await SimulatedLab.run { lab in
            let text =
                ShopManifest.namespace + Self.definition + Self.feed
                + ShopManifest.deployment("web", image: "web:never-ready", deadline: 600)
            let one = try await lab.world.release("1.0.0", extra: text)
            try await lab.world.coordinator.assign(one.assignment(1, deadline: .minutes(5)))
            try await lab.withAgent {
                try await lab.waitFor("what holds it up is named", within: .seconds(20)) {
                    $0.phase == .applying && $0.health == .progressing
                        && $0.message?.hasPrefix("apps/v1 Deployment shop/web: ") == true
                }
            }
        }
    }

    @Test func aKindThatNobodyServesYetIsNamedOnceAllElseIsWell() async throws {
        try await SimulatedLab.run { lab in
            let text = ShopManifest.namespace + Self.feed + ShopManifest.deployment("web", image: "web:1")
            let one = try await lab.world.release("1.0.0", extra: text)
            try await lab.world.coordinator.assign(one.assignment(1, deadline: .minutes(5)))
            try await lab.withAgent {
                try await lab.waitFor("the kind is named", within: .seconds(30)) {
                    $0.message?.contains("shop.example.com/v1 Feed") == true
                }
            }
        }
    }

    @Test func aHookThatTakesItsTimeIsNamed() async throws {
        try await SimulatedLab.run { lab in
            let text =
                ShopManifest.namespace + ShopManifest.hook("migrate", "before", image: "migrate:never-ready")
                + ShopManifest.deployment("web", image: "web:1")
            let one = try await lab.world.release("1.0.0", extra: text)
            try await lab.world.coordinator.assign(one.assignment(1, deadline: .minutes(5)))
            try await lab.withAgent {
                try await lab.waitFor("the hook is named", within: .seconds(20)) {
                    $0.phase == .applying && $0.message?.hasPrefix("batch/v1 Job shop/migrate: hook: ") == true
                }
            }
        }
    }
}
