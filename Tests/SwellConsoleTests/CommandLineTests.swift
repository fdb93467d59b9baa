internal import Foundation
internal import KubernetesObjects
internal import SwellCommands
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellConsole

/// `swell` itself against the API that is served: exit codes, and what its orders come to.
@Suite struct CommandLineTests {
    private func withTool(
        removing: Bool = false, _ body: (ConsoleHarness, ([String]) async throws -> Int32) async throws -> Void
    ) async throws {
        let token = FileManager.default.temporaryDirectory.appending(path: "swell-token-\(UUID().uuidString)")
        try operatorToken.write(to: token, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: token.path)
        defer { try? FileManager.default.removeItem(at: token) }
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout(removing: removing)
            try await body(console) { words in
                await SwellTool.run(
                    words + ["--server", "http://127.0.0.1:\(console.port)", "--token-file", token.path])
            }
        }
    }

    @Test func approvesPromotesAndLeavesOut() async throws {
        try await withTool { console, swell in
            #expect(try await swell(["approve", "r1", "--stage", "rest"]) == 1, "before its turn")
            try await console.report("use1-a", .healthy)
            #expect(try await swell(["rollout", "promote", "r1", "--stage", "canary"]) == 0)
            _ = try await console.request(.post, "/v1/rollouts/r1/pause")
            #expect(try await swell(["rollout", "approve", "r1", "--stage", "rest"]) == 0, "where people look for it")
            #expect(try await swell(["approve", "r1", "--stage", "rest", "--withdraw"]) == 0)
            #expect(try await swell(["approve", "r1", "--stage", "rest", "--withdraw"]) == 1)
            #expect(try await swell(["rollout", "leave-behind", "r1", "--cluster", "usw1-a"]) == 0)
            #expect(try await swell(["rollout", "skip", "r1", "--cluster", "usw1-a", "--reason", "old"]) == 0)
            let events = try await console.events()
            for what in [
                "stage.promoted", "stage.approved", "stage.withdrawn", "target.left-behind", "target.left-out",
            ] {
                #expect(events.contains(what), "\(what) is not in \(events)")
            }
        }
    }

    @Test func removesNothingWithoutTheWord() async throws {
        let rollBack = ["cluster", "rollback", "use1-a", "--application", "shop"]
        try await withTool { console, swell in
            let refused = try await swell(rollBack)
            #expect(refused == 1)
            #expect(try await console.target("use1-a")["phase"] == "dispatched")
            #expect(try await swell(rollBack + ["--remove"]) == 0)
            #expect(try await console.target("use1-a")["phase"] == "rollingBack")
        }
        try await withTool { console, swell in
            _ = try await console.request(.post, "/v1/rollouts/r1/abort")
            #expect(try await swell(["rollout", "undo", "r1"]) == 1)
            #expect(try await swell(["rollout", "undo", "r1", "--remove"]) == 0)
        }
        for words in [["rollout", "undo", "r1"], rollBack] {
            try await withTool(removing: true) { console, swell in
                let refused = try await swell(words)
                #expect(refused == 1, "the strategy removes, and there is nobody to ask")
                #expect(try await console.target("use1-a")["phase"] == "dispatched")
                #expect(try await swell(words + ["--yes"]) == 0)
                #expect(try await console.target("use1-a")["phase"] == "rollingBack")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func watchingEndsWhereAPersonIsWaitedFor() async throws {
        try await withTool { console, swell in
            // Something moves: then it takes as long as it is given.
            #expect(try await swell(["rollout", "watch", "r1", "--timeout", "3s"]) == 8)
            #expect(try await swell(["rollout", "watch", "r1", "--timeout", "soon"]) == 2)
            try await console.report("use1-a", .healthy)
            try await console.pass(.seconds(6))
            #expect(try await swell(["rollout", "watch", "r1", "--timeout", "30s"]) == 7, "an approval")
            _ = try await console.request(.post, "/v1/regions/us-west-1/pause")
            #expect(try await swell(["approve", "r1", "--stage", "rest", "--digest", "00000000"]) == 1)
            #expect(try await swell(["approve", "r1", "--stage", "rest", "--plan", "00"]) == 2)
            #expect(try await swell(["approve", "r1", "--stage", "rest"]) == 0)
            #expect(try await swell(["rollout", "watch", "r1"]) == 7, "a region's pause")
            _ = try await console.request(.post, "/v1/regions/us-west-1/resume")
            _ = try await console.request(.post, "/v1/rollouts/r1/pause")
            _ = try await console.request(.post, "/v1/clusters/usw1-a/pause")
            try await console.report("usw1-a", .healthy)
            #expect(try await swell(["rollout", "watch", "r1"]) == 7, "the rollout's pause")
        }
    }

    @Test func removesAClusterWithTheWord() async throws {
        try await withTool { console, swell in
            _ = try await console.request(.post, "/v1/rollouts/r1/abort")
            #expect(
                try await swell(["cluster", "remove", "use1-a"]) == 1,
                "no rollout is concerned, and there is nobody to ask")
            let removed = try await swell(["cluster", "remove", "use1-a", "--yes"])
            #expect(removed == 0)
            #expect(try await console.request(.get, "/v1/clusters/use1-a").status == 404)
            #expect(try await swell(["cluster", "remove", "use1-a", "--yes"]) == 3)
        }
    }

    @Test(.timeLimit(.minutes(1))) func watchingEndsWhereFailuresHaveStoppedTheRollout() async throws {
        try await withTool { console, swell in
            _ = try await console.request(.post, "/v1/rollouts/r1/abort")
            for (name, failure) in [("r2", "pause"), ("r3", "{action: rollback, scope: cluster}")] {
                let policy = "stops-\(name)"
                try await console.apply(policy: policy, "{stages: [{name: all, select: {}}], onFailure: \(failure)}")
                try await console.start(name, "1.0.0", policy: policy)
                try await console.report("use1-a", .failed, reason: "CrashLoopBackOff", to: try RolloutName(name))
                try await console.report("usw1-a", .healthy, to: try RolloutName(name))
                let view = try await console.request(.get, "/v1/rollouts/\(name)")
                #expect(view.json["status"]?["phase"] == "paused", "\(view.text)")
                #expect(try await swell(["rollout", "watch", name]) == 6)
                #expect(try await swell(["rollout", "status", name]) == 0)
                _ = try await console.request(.post, "/v1/rollouts/\(name)/abort")
                #expect(try await swell(["rollout", "watch", name]) == 1)
            }
        }
    }

    @Test func aTokenGoesIntoAFileOfItsOwnersAlone() async throws {
        try await withTool { _, swell in
            let file = FileManager.default.temporaryDirectory.appending(path: "join-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: file) }
            #expect(try await swell(["cluster", "token", "nobody", "--output-file", file.path]) == 3)
            #expect(!FileManager.default.fileExists(atPath: file.path), "nothing is left of what failed")
            let cluster = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).yaml")
            defer { try? FileManager.default.removeItem(at: cluster) }
            let document = "apiVersion: swell.dev/v1\nkind: Cluster\nmetadata: {name: euc1-a}\n"
            try (document + "spec: {region: eu-central-1, environment: production}\n")
                .write(to: cluster, atomically: true, encoding: .utf8)
            #expect(try await swell(["apply", "-f", cluster.path]) == 0)
            #expect(try await swell(["cluster", "token", "euc1-a", "--output-file", file.path]) == 0)
            let text = try String(contentsOf: file, encoding: .utf8)
            #expect(text.hasPrefix("swell-join.") && text.hasSuffix("\n"), "\(text.prefix(8))")
            let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(try await swell(["cluster", "token", "euc1-a", "--output-file", file.path]) == 2)
            #expect(try String(contentsOf: file, encoding: .utf8) == text, "it is not written over")
        }
    }

    @Test func eventsAreThoseSinceAMoment() async throws {
        try await withTool { console, swell in
            #expect(try await swell(["events", "--since", "3d"]) == 0)
            for moment in ["-1h", "2026-03-01", "2026-03-01T09:30:00+02:00"] {
                #expect(try await swell(["events", "--since", moment]) == 0, "\(moment)")
            }
            let day = try await console.request(.get, "/v1/events?since=2026-03-01T09:30:00%2B02:00")
            #expect(day.status == 200, "\(day.text)")
            #expect(try await swell(["events", "--since", "yesterday"]) == 2)
            #expect(try await swell(["events", "--since", "--follow"]) == 2)
            let all = try await console.request(.get, "/v1/events?since=1h").json["items"]?.arrayValue ?? []
            #expect(all.count > 3)
            let none =
                try await console.request(.get, "/v1/events?since=2990-01-01T00:00:00Z").json["items"]?.arrayValue ?? []
            #expect(none.isEmpty)
            let middle = try #require(all[all.count / 2]["at"]?.stringValue)
            let rest = try await console.request(.get, "/v1/events?since=\(middle)").json["items"]?.arrayValue ?? []
            #expect(!rest.isEmpty && rest.allSatisfy { ($0["at"]?.stringValue ?? "") >= middle })
            #expect(try await console.request(.get, "/v1/events?since=soon").status == 400)
        }
    }

    @Test func whatIsMisspeltIsNotFound() async throws {
        try await withTool { console, swell in
            #expect(try await swell(["cluster", "revoke", "nobody"]) == 3)
            #expect(try await swell(["events", "--cluster", "nobody"]) == 3)
            #expect(try await swell(["approve", "r1", "--stage", "nope"]) != 0)
            let refused = try await console.request(
                .post, "/v1/rollouts/r1/approve", ["stage": "nope"])
            #expect(refused.text.contains("canary") && refused.text.contains("rest"), "\(refused.text)")
            let revoked = try await console.request(.post, "/v1/clusters/use1-aa/revoke")
            #expect(revoked.status == 404 && revoked.text.contains("use1-a'"), "\(revoked.text)")
        }
    }
}
