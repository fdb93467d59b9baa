internal import KubernetesObjects
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellConsole

@Suite struct FleetEndpointTests {
    @Test func appliesAndTellsWhatChanged() async throws {
        try await ConsoleHarness.run { console in
            let files: JSONValue = [["name": "fleet.yaml", "content": .string(fleetDocuments)]]
            let dry = try await console.request(.post, "/v1/apply", ["files": files, "dryRun": true])
            #expect(dry.json["documents"]?.arrayValue?.count == 4 && dry.json["dryRun"] == true)
            #expect(try await console.store.clusters().isEmpty)
            let created = try await console.request(.post, "/v1/apply", ["files": files])
            #expect(created.json["documents"]?[0] == ["kind": "Cluster", "name": "use1-a", "outcome": "created"])
            let again = try await console.request(.post, "/v1/apply", ["files": files, "dryRun": true])
            let outcomes = again.json["documents"]?.arrayValue?.map { $0["outcome"] ?? .null }
            #expect(outcomes == Array(repeating: "unchanged", count: 4))
            let audit = try await console.request(.get, "/v1/events")
            #expect(audit.json["items"]?.arrayValue?.contains { $0["by"] == "alice" } == true)
        }
    }

    @Test func refusesASetAsAWhole() async throws {
        try await ConsoleHarness.run { console in
            let good: JSONValue = ["name": "fleet.yaml", "content": .string(fleetDocuments)]
            let bad: JSONValue = [
                "name": "policy.yaml",
                "content": .string(
                    """
                    apiVersion: swell.dev/v1
                    kind: RolloutPolicy
                    metadata: {name: other}
                    spec:
                      stages:
                        - {name: a, select: {regions: [us-east-1]}}
                        - {name: b, select: {environments: [production]}}
                    """),
            ]
            let answer = try await console.request(.post, "/v1/apply", ["files": .array([good, bad])])
            #expect(answer.status == 422 && answer.type == "application/problem+json")
            let error = answer.json["errors"]?[0]
            #expect(error?["file"] == "policy.yaml" && error?["line"] == 7)
            #expect(error?["path"] == "spec.stages[1]")
            #expect(error?["message"]?.stringValue?.contains("overlap: both select cluster 'use1-a'") == true)
            #expect(try await console.store.clusters().isEmpty)
            #expect(try await console.store.policies().isEmpty)
        }
    }

    /// A fleet whose last cluster of a region left can be applied again as it is written.
    @Test func warnsOfARegionWithoutClusters() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let policy = """
                apiVersion: swell.dev/v1
                kind: RolloutPolicy
                metadata: {name: other}
                spec: {stages: [{name: a, select: {regions: [us-eest-1]}}]}
                """
            let files: JSONValue = [["name": "policy.yaml", "content": .string(policy)]]
            let answer = try await console.request(.post, "/v1/apply", ["files": files])
            #expect(answer.status == 200, "\(answer.text)")
            let warning = answer.json["warnings"]?[0]?["message"]?.stringValue ?? ""
            #expect(warning.hasPrefix("policy.yaml:4: spec.stages[0].select.regions[0]: no cluster is known in region"))
            #expect(warning.contains("did you mean 'us-east-1'?"), "\(warning)")
        }
    }

    @Test func refusesControlCharactersInReasons() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            for text in ["\u{1B}[31mred", "a\u{9B}2J", "a\u{202E}b", "a\u{7}"] {
                let paused = try await console.request(
                    .post, "/v1/regions/us-east-1/pause", ["reason": .string(text)])
                #expect(paused.status == 422 && paused.text.contains("control character"), "\(paused.text)")
            }
        }
    }

    @Test func showsClustersRegionsAndDocuments() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let clusters = try await console.request(.get, "/v1/clusters")
            #expect(clusters.json["items"]?[1]?["spec"]?["region"] == "us-west-1")
            #expect(clusters.json["items"]?[1]?["status"]?["connected"] == false)
            let cluster = try await console.request(.get, "/v1/clusters/use1-a")
            #expect(cluster.json["status"]?["applications"] == [])
            let regions = try await console.request(.get, "/v1/regions")
            #expect(regions.json["items"]?[0]?["status"]?["clusters"] == 1)
            let policy = try await console.request(.get, "/v1/policies/waves")
            #expect(policy.json["spec"]?["stages"]?[0]?["soak"] == "5s")
            #expect(try await console.request(.delete, "/v1/clusters/use1-a").status == 204)
            #expect(try await console.request(.get, "/v1/clusters/use1-a").status == 404)
        }
    }

    @Test func pausesRegionsAndClusters() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let pause = try await console.request(.post, "/v1/regions/us-west-1/pause", ["reason": "storm"])
            #expect(pause.status == 204, "\(pause.text)")
            #expect(try await console.store.regionPauses()["us-west-1"]?.by == "alice")
            let regions = try await console.request(.get, "/v1/regions")
            #expect(regions.json["items"]?[1]?["status"]?["pause"]?["reason"] == "storm")
            #expect(try await console.request(.post, "/v1/regions/us-west-1/resume").status == 204)
            #expect(try await console.store.regionPauses().isEmpty)
            let unknown = try await console.request(.post, "/v1/regions/us-west-2/pause")
            #expect(unknown.status == 404 && unknown.text.contains("did you mean 'us-west-1'?"), "\(unknown.text)")
            #expect(try await console.request(.post, "/v1/clusters/use1-a/pause").status == 204)
            #expect(try await console.store.clusters()[0].pause?.by == "alice")
        }
    }

    @Test func handsOutJoinTokensOnlyForKnownClusters() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let token = try await console.request(.post, "/v1/clusters/use1-a/token")
            #expect(token.status == 201 && token.json["token"] == "swell-join.use1-a.secret")
            let note = CertificateNote(
                serial: "01", keyFingerprint: "", expiresAt: try await console.store.now() + .hours(24))
            #expect(try await console.store.spendToken(hash: "hash-of-use1-a", for: note) == "use1-a")
            #expect(try await console.request(.post, "/v1/clusters/nope/token").status == 404)
        }
    }
}
