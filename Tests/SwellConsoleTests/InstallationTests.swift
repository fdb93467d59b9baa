internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellConsole

@Suite struct InstallationTests {
    private static let facts = InstallationView(
        coordinator: .init(
            version: "0.1.0", replica: "a", now: Timestamp(milliseconds: 0), serverNames: ["localhost"],
            certificateExpiresAt: Timestamp(milliseconds: 1), authorityExpiresAt: Timestamp(milliseconds: 2),
            agentPort: 1, enrolmentPort: 2, databaseConnections: 12, files: []),
        database: .init(
            version: 150_000, now: Timestamp(milliseconds: 0), settings: [:], connections: 1, isRemote: false, tls: nil,
            sslMode: nil, isSuperuser: false, isInRecovery: false, migrations: 5, knownMigrations: 5),
        agents: .init(
            clusters: 1, connected: 1, neverJoined: .init(), away: .init(), versions: [:], expiring: .init(),
            forbidden: .init()))

    @Test func factsAreForOperatorsAlone() async throws {
        let tell: @Sendable () async throws -> InstallationView = { Self.facts }
        try await ConsoleHarness.run(installation: tell) { harness in
            let answer = try await harness.request(.get, "/v1/installation")
            #expect(answer.status == 200 && answer.json["kind"] == "Installation")
            #expect(answer.json["coordinator"]?["serverNames"] == ["localhost"])
            #expect(try await harness.request(.get, "/v1/installation", token: nil).status == 401)
        }
    }

    @Test func whoCannotSayHasNoSuchThing() async throws {
        try await ConsoleHarness.run { harness in
            let answer = try await harness.request(.get, "/v1/installation")
            #expect(answer.status == 404)
        }
    }
}
