internal import KubernetesObjects
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellConsole

/// Clusters that leave the fleet or move within it: what that means is told before it is done.
@Suite struct MembershipTests {
    @Test func removingATargetOfAnActiveRolloutTakesAWord() async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
            let removal = try await console.request(.get, "/v1/clusters/use1-a/removal")
            #expect(removal.status == 200, "\(removal.text)")
            let concerned = removal.json["rollouts"]?[0]
            #expect(concerned?["rollout"] == "r1" && concerned?["stage"] == "canary", "\(removal.text)")
            #expect(concerned?["target"] == "dispatched" && concerned?["failed"] == false)
            #expect(concerned?["leavesStageUnproven"] == true, "it is the only cluster of its stage")
            #expect(removal.json["runs"] == [["application": "shop", "version": "1.0.0"]])

            let refused = try await console.request(.delete, "/v1/clusters/use1-a")
            #expect(refused.status == 409 && refused.type == "application/problem+json", "\(refused.text)")
            #expect(refused.json["type"] == "urn:swell:problem:unconfirmed")
            for fact in [
                "is a target of 1 active rollout:",
                "rollout 'r1' (shop 1.0.0, progressing): dispatched in stage 'canary'",
                "left without a healthy cluster", "goes on running: shop 1.0.0", "confirmed=true",
            ] {
                #expect(refused.json["detail"]?.stringValue?.contains(fact) == true, "\(fact): \(refused.text)")
            }
            #expect(try await console.request(.delete, "/v1/clusters/use1-a?confirmed=maybe").status == 400)
            #expect(try await console.request(.get, "/v1/clusters/use1-a").status == 200, "it is there still")

            #expect(try await console.request(.delete, "/v1/clusters/use1-a?confirmed=true").status == 204)
            await ConsoleHarness.decide("r1", in: console.store)
            #expect(try await console.target("use1-a")["phase"] == "skipped")
            let stage = try await console.request(.get, "/v1/rollouts/r1").json["status"]?["stages"]?[0]
            #expect(stage?["phase"] == "verifying", "as was foretold, it waits for a person: \(stage ?? .null)")
            #expect(try await console.target("usw1-a")["phase"] == "queued")
        }
    }

    @Test func aStageThatHasPassedNeedsItNoMore() async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
            try await console.report("use1-a", .healthy)
            let soaking = try await console.request(.get, "/v1/clusters/use1-a/removal").json["rollouts"]?[0]
            #expect(soaking?["target"] == "healthy" && soaking?["leavesStageUnproven"] == true)
            try await console.pass(.seconds(6))
            let passed = try await console.request(.get, "/v1/clusters/use1-a/removal").json["rollouts"]?[0]
            #expect(passed?["target"] == "healthy" && passed?["leavesStageUnproven"] == false)
        }
    }

    @Test func aFailureIsToldOf() async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
            try await console.apply(policy: "patient", "{stages: [{name: all, select: {}}], onFailure: pause}")
            _ = try await console.request(.post, "/v1/rollouts/r1/abort")
            try await console.start("r2", "1.0.0", policy: "patient")
            try await console.report("use1-a", .failed, reason: "CrashLoopBackOff", to: "r2")
            let removal = try await console.request(.get, "/v1/clusters/use1-a/removal")
            #expect(removal.json["rollouts"]?[0]?["failed"] == true, "\(removal.text)")
            #expect(removal.json["rollouts"]?[0]?["leavesStageUnproven"] == false, "the other may become healthy")
            let refused = try await console.request(.delete, "/v1/clusters/use1-a")
            #expect(refused.text.contains("what it failed stays counted"), "\(refused.text)")
        }
    }

    @Test func removingWhatNoActiveRolloutConcernsTakesNoWord() async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
            _ = try await console.request(.post, "/v1/rollouts/r1/abort")
            let removal = try await console.request(.get, "/v1/clusters/use1-a/removal")
            #expect(removal.json["rollouts"] == [], "\(removal.text)")
            #expect(removal.json["runs"]?.arrayValue?.count == 1, "what runs there is told all the same")
            #expect(try await console.request(.delete, "/v1/clusters/use1-a").status == 204)
            #expect(try await console.request(.get, "/v1/clusters/use1-a/removal").status == 404)
            #expect(try await console.request(.delete, "/v1/clusters/use1-a").status == 404)
        }
    }

    private func move(_ cluster: String, to region: String, _ console: ConsoleHarness, dryRun: Bool = false)
        async throws -> [JSONValue]
    {
        let text = """
            apiVersion: swell.dev/v1
            kind: Cluster
            metadata: {name: \(cluster)}
            spec: {region: \(region), environment: production}
            """
        let answer = try await console.request(
            .post, "/v1/apply", ["files": [["name": "c.yaml", "content": .string(text)]], "dryRun": .bool(dryRun)])
        try #require(answer.status == 200, "\(answer.text)")
        return answer.json["warnings"]?.arrayValue ?? []
    }

    @Test func aMoveDuringARolloutIsWarnedOf() async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
            #expect(try await move("usw1-a", to: "us-west-1", console).isEmpty, "it is there already")
            for isDry in [true, false] {
                let warnings = try await move("usw1-a", to: "us-west-9", console, dryRun: isDry)
                #expect(warnings.count == 1)
                let message = warnings.first?["message"]?.stringValue ?? ""
                #expect(message.contains("moves from region 'us-west-1' to 'us-west-9'"), "\(message)")
                #expect(message.contains("target of rollout 'r1'"), "\(message)")
                #expect(warnings.first?["clusters"] == ["usw1-a"])
            }
        }
    }

    @Test func aRegionShowsWhatItsPauseCoversAsItWasPlanned() async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
            _ = try await move("usw1-a", to: "us-west-9", console)
            let regions = try await console.request(.get, "/v1/regions").json["items"]?.arrayValue ?? []
            let planned = regions.first { $0["metadata"]?["name"] == "us-west-1" }
            #expect(planned?["status"]?["clusters"] == 0 && planned?["status"]?["planned"] == ["usw1-a"], "\(regions)")
            let present = regions.first { $0["metadata"]?["name"] == "us-west-9" }
            #expect(present?["status"]?["clusters"] == 1 && present?["status"]?["planned"] == nil)
        }
    }

    @Test func aMoveOutOfAPausedRegionIsWarnedOf() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            _ = try await console.request(.post, "/v1/regions/us-west-1/pause", ["reason": "storm"])
            let shown = try await console.request(.get, "/v1/clusters/usw1-a")
            #expect(shown.json["status"]?["regionPause"]?["by"] == "alice", "covered clusters are shown as such")
            let listed = try await console.request(.get, "/v1/clusters").json["items"]?[1]?["status"]
            #expect(listed?["regionPause"]?["reason"] == "storm")
            let warnings = try await move("usw1-a", to: "us-east-1", console)
            let message = warnings.first?["message"]?.stringValue ?? ""
            #expect(message.contains("out of a region that alice paused"), "\(message)")
            #expect(try await move("use1-a", to: "eu-central-1", console).isEmpty, "nothing speaks against that one")
        }
    }
}
