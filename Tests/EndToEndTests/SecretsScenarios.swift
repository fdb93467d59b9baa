internal import Foundation
internal import KubernetesObjects
internal import PostgresClient
internal import PostgresTesting
internal import Testing

/// Secrets of releases: where they lie, and what happens to the keys.
@Suite(.serialized) struct SecretsScenarios {
    private static let word = "hidden-word-of-the-release"

    private static func manifests(_ version: String) -> String {
        Documents.manifests(image: "web:\(version)")
            + "\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: \(word)-\(version)}\n"
    }

    /// The files below a folder that have the word in them.
    private func findings(below folder: String) -> [String] {
        let walker = FileManager.default.enumerator(atPath: folder)
        return (walker?.compactMap { $0 as? String } ?? []).filter { name in
            (try? Data(contentsOf: URL(filePath: folder + "/" + name)))?.range(of: Data(Self.word.utf8)) != nil
        }
    }

    private func restartCoordinator(_ fleet: Fleet) async throws {
        try await fleet.killCoordinator()
        try await fleet.startCoordinator()
    }

    /// Takes the agent's documents away, as a lost disk does.
    private func wipeDocuments(_ fleet: Fleet, _ cluster: String) async throws {
        try await fleet.killAgent(cluster)
        try FileManager.default.removeItem(at: fleet.agentFolder(cluster).appending(path: "documents"))
        try await fleet.startAgent(cluster)
    }

    private func awaitDocuments(_ fleet: Fleet, _ cluster: String) async throws {
        let folder = fleet.agentFolder(cluster).appending(path: "documents").path
        try await eventually("\(cluster) to have its documents again", within: .seconds(60)) { () -> Bool? in
            (try? FileManager.default.contentsOfDirectory(atPath: folder).count).flatMap { $0 >= 4 ? true : nil }
        }
    }

    private func secrets(_ fleet: Fleet, _ verb: String, database: Bool = false) async throws -> CallResult {
        try await Programs.call(
            "swell-coordinator",
            ["secrets", verb, "--state-dir", fleet.stateFolder.path]
                + (database ? ["--database", fleet.databaseURL] : []))
    }

    private func readiness(_ fleet: Fleet) async throws -> String {
        let authority = fleet.stateFolder.appending(path: "ca.pem").path
        return try await Programs.call(
            "curl", ["-s", "--cacert", authority, "https://localhost:\(fleet.apiPort())/readyz"]
        ).output
    }

    @Test func theyLieInClearNowhereAndKeysChangeWhileEverythingRuns() async throws {
        var shape = Fleet.Shape(regions: ["us-east-1": ["use1-a"], "us-west-1": ["usw1-a"]])
        shape.sealsAgents = true
        try await withFleet(shape) { fleet in
            try await fleet.apply(Documents.applicationAndPolicy(canary: "us-east-1", waves: ["us-west-1"]))
            try await fleet.release("web", "1.0.0", manifests: Self.manifests("1.0.0"))
            try await fleet.start("1.0.0", name: "first")
            try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
            let connection = try await PostgresConnection.connect(to: fleet.database.configuration())
            try await connection.query("CHECKPOINT")
            await connection.close()
            #expect(findings(below: fleet.folder.path).contains { $0.hasSuffix("web-1.0.0.yaml") }, "as it was given")
            #expect(findings(below: fleet.database.directory) == [])
            for cluster in ["use1-a", "usw1-a"] { #expect(findings(below: fleet.agentFolder(cluster).path) == []) }

            // Without its key the coordinator says so wherever one looks, and gives what it has.
            let key = fleet.stateFolder.appending(path: "secrets-key")
            let aside = fleet.folder.appending(path: "secrets-key.aside")
            try FileManager.default.moveItem(at: key, to: aside)
            try await restartCoordinator(fleet)
            try await eventually("/readyz to say why") { () -> Bool? in
                try await readiness(fleet).contains("a key that this replica was not given") ? true : nil
            }
            let doctor = try await fleet.swell("doctor")
            #expect(doctor.code == 1 && doctor.output.contains("--secrets-key-file"), "\(doctor.output)")
            #expect(fleet.printed("coordinator-a").contains("sealed with keys that this replica was not given"))
            try await wipeDocuments(fleet, "use1-a")
            try await eventually("the agent to say what it waits for", within: .seconds(60)) { () -> Bool? in
                fleet.printed("agent-use1-a").contains("lacks the key of a Secret") ? true : nil
            }
            // Another key opens nothing either, and does no harm.
            #expect(try await secrets(fleet, "prepare").code == 0)
            try await restartCoordinator(fleet)
            let show = try await secrets(fleet, "show", database: true)
            #expect(show.output.contains("that nobody can open"), "\(show.output)")
            // With its own again all is well.
            try FileManager.default.removeItem(at: key)
            try FileManager.default.moveItem(at: aside, to: key)
            try await restartCoordinator(fleet)
            try await eventually("/readyz to be well") { () -> Bool? in
                try await readiness(fleet) == "ok\n" ? true : nil
            }
            try await awaitDocuments(fleet, "use1-a")

            // Another key in three steps.
            #expect(try await secrets(fleet, "retire", database: true).code == 0, "there is nothing to forget")
            #expect(try await secrets(fleet, "activate").code != 0, "there is no next one")
            #expect(try await secrets(fleet, "prepare").code == 0)
            try await restartCoordinator(fleet)
            #expect(try await secrets(fleet, "activate").code == 0)
            let early = try await secrets(fleet, "retire", database: true)
            #expect(early.code != 0 && early.errors.contains("still seal documents"), "\(early.errors)")
            try await restartCoordinator(fleet)
            try await eventually("the former key to be free", within: .seconds(60)) { () -> Bool? in
                try await secrets(fleet, "retire", database: true).code == 0 ? true : nil
            }
            try await restartCoordinator(fleet)
            for step in ["prepared", "activated", "retired"] {
                try await eventually("\(step) to be audited", within: .seconds(30)) { () -> Bool? in
                    let events = try await fleet.swell("events", "--since", "1h", "--limit", "1000").output
                    let told = events.split(separator: "\n").filter { $0.contains(" secrets.\(step) ") }
                    return told.contains { $0.contains(NSUserName() + "@") } ? true : nil
                }
            }
            let after = try await secrets(fleet, "show", database: true)
            #expect(after.output.contains("seals:") && !after.output.contains("opens:"), "\(after.output)")
            #expect(!after.output.contains("missing") && after.output.contains("in clear: 0 documents"))
            try await wipeDocuments(fleet, "usw1-a")
            try await awaitDocuments(fleet, "usw1-a")
            try await fleet.release("web", "2.0.0", manifests: Self.manifests("2.0.0"))
            try await fleet.start("2.0.0", name: "second")
            try await fleet.rollout("second", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
        }
    }
}
