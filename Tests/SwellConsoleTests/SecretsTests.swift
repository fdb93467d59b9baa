internal import KubernetesObjects
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellConsole

/// Secrets in releases, as operators meet them.
@Suite struct SecretsTests {
    private static let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hidden-word}\n"

    private static func refusing(_ configuration: inout ConsoleConfiguration) { configuration.secrets.policy = .refuse }
    private static func inClear(_ configuration: inout ConsoleConfiguration) { configuration.secrets.areSealed = false }

    private func make(_ console: ConsoleHarness, _ version: String, _ text: String) async throws
        -> Answer
    {
        try await console.request(
            .post, "/v1/applications/shop/releases",
            ["version": .string(version), "files": [["name": "a.yaml", "content": .string(text)]]])
    }

    @Test func theCoordinatorMayRefuseThem() async throws {
        try await ConsoleHarness.run(configure: Self.refusing) { console in
            try await console.applyFleet()
            let answer = try await make(console, "2", Self.secret)
            #expect(answer.status == 422 && !answer.text.contains("hidden-word"))
            for word in ["Secret shop/db", "External Secrets", "Sealed Secrets", "SOPS", "the coordinator refuses"] {
                #expect(answer.text.contains(word), "\(answer.text)")
            }
            let harmless = try await make(console, "2", webManifest)
            #expect(harmless.status == 201)
        }
    }

    @Test func anApplicationMayRefuseThem() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let allowed = try await make(console, "2", Self.secret)
            #expect(allowed.status == 201 && !allowed.text.contains("in clear"))
            let strict =
                "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: shop}\nspec: {namespace: shop, secrets: refuse}\n"
            let files: JSONValue = [["name": "shop.yaml", "content": .string(strict)]]
            #expect(try await console.request(.post, "/v1/apply", ["files": files]).status == 200)
            let answer = try await make(console, "3", Self.secret)
            #expect(answer.status == 422 && answer.text.contains("'shop' says secrets: refuse"), "\(answer.text)")
        }
    }

    @Test func whatIsStoredInClearIsSaid() async throws {
        try await ConsoleHarness.run(configure: Self.inClear) { console in
            try await console.applyFleet()
            let answer = try await make(console, "2", Self.secret)
            #expect(
                answer.status == 201 && answer.text.contains("Secret shop/db are stored in clear"), "\(answer.text)")
            let harmless = try await make(console, "3", webManifest)
            #expect(harmless.status == 201 && !harmless.text.contains("in clear"))
        }
    }
}
